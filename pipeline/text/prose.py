"""What is left of a text when formulas and code are taken out: the sentences that a language can be read from."""

import re
from dataclasses import dataclass

from pipeline.text.money import is_money

_BLOCKS = re.compile(
    r"```.*?(?:```|\Z)"  # fenced code, closed or cut off
    r"|~~~.*?(?:~~~|\Z)"
    r"|\[asy\].*?(?:\[/asy\]|\Z)"
    r"|\\begin\s*\{(?!document|itemize|enumerate|center|quote|flush)(?P<env>[A-Za-z]+\*?)\}.*?(?:\\end\s*\{(?P=env)\}|\Z)"
    r"|(?<!\\)\$\$.*?(?:\$\$|\n\s*\n|\Z)"  # a formula that is never closed ends with its paragraph
    r"|\\\[.*?(?:\\\]|\n\s*\n|\Z)"
    r"|\\\(.*?(?:\\\)|\n\s*\n|\Z)"
    r"|`[^`\n]+`"
    r"|https?://\S+",
    re.DOTALL,
)
_MARKS = re.compile(r"^(?:\$\$|\\[\[(])|(?:\$\$|\\[\])])$")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\s*\[[^\]]*\])?(?:\s*\{[^{}]*\})*|\\[^A-Za-z]")
_ESCAPED_DOLLAR, _MONEY = re.compile(r"\\\$"), "\0"
_SENTENCE = re.compile(
    r"(?<=[.!?;:])(?<!\d\.)(?<!\b[DM]r\.)(?<!\bMrs\.)(?<!\bMs\.)\s+|(?<=\d\.)\s+(?=[^\W\d_a-z]|[¿¡«„(])|\n+|(?<=[。！？；])"
)
_CODE_LINE = re.compile(
    r"^[ \t]*(?:def \w+\(.*|class \w+.*:|import [\w., ]+|from [\w.]+ import .*|#include\b.*|assert \w+\(.*|>>> .*)$",
    re.MULTILINE,
)
_FACE = re.compile(r"\\(?:textbf|textit|emph|underline|mbox|text|item)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Separated:
    """A text taken apart: its prose, its formulas without their marks (displayed ones first) and its code."""

    prose: str
    formulas: tuple[str, ...]
    code: tuple[str, ...]


def remove_formulas(text: str) -> str:
    """The text without code (fenced, inline, Asymptote), LaTeX and links, each of which leaves a space."""
    return separate(text).prose


def separate(text: str) -> Separated:
    """Prose, formulas and code of a text; a space stands in the prose where one was taken out.

    A dollar sign that stands for money opens no formula: the prose between two prices stays.
    """
    formulas: list[str] = []
    code: list[str] = []

    def take(match: re.Match[str]) -> str:
        matched = match[0]
        if matched.startswith(("\\", "$$")):
            formulas.append(matched if matched.startswith("\\begin") else _MARKS.sub("", matched))
            return _end(formulas[-1])
        if not matched.startswith("http"):
            code.append(matched.strip())
        return " "

    def take_command(match: re.Match[str]) -> str:
        formulas.append(match[0])
        return " "

    prose = _ESCAPED_DOLLAR.sub(_MONEY, _CODE_LINE.sub(take, _BLOCKS.sub(take, text)))
    prose = _COMMAND.sub(take_command, _FACE.sub(" ", _take_inline(prose, formulas))).replace(_MONEY, "$")
    return Separated(prose, tuple(formulas), tuple(code))


def split_sentences(text: str) -> list[str]:
    """Prose in pieces no longer than a sentence. Decimal points and "10. 00" split nothing."""
    return [piece for piece in (part.strip() for part in _SENTENCE.split(text)) if piece]


def _take_inline(text: str, formulas: list[str]) -> str:
    """Take `$...$` out into `formulas`, but leave what stands between two prices."""
    kept, at = [], 0
    while (opened := text.find("$", at)) >= 0:
        closed = text.find("$", opened + 1)
        if closed < 0:
            break
        if is_money(text, opened, closed):
            kept.append(text[at : opened + 1])
            at = opened + 1
        else:
            kept.append(text[at:opened])
            formulas.append(text[opened + 1 : closed])
            kept.append(_end(formulas[-1]))
            at = closed + 1
    kept.append(text[at:])
    return "".join(kept)


def _end(formula: str) -> str:
    """What is left of a formula: a space, and the end of a sentence that stands inside it."""
    last = formula.rstrip()[-1:]
    return f" {last} " if last in (".", "?", "!", "。", "？") else " "
