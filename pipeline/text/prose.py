"""What is left of a text when formulas and code are taken out: the sentences that a language can be read from."""

import re
from dataclasses import dataclass

from pipeline.text.masking import split_parts

COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\s*\[[^\]]*\])?(?:\s*\{[^{}]*\})*|\\[^A-Za-z]")
_ESCAPED_DOLLAR, _MONEY = re.compile(r"\\\$"), "\0"
_SENTENCE = re.compile(
    r"(?<=[.!?;:])(?<!\d\.)(?<!\b[DM]r\.)(?<!\bMrs\.)(?<!\bMs\.)\s+|(?<=\d\.)\s+(?=[^\W\d_a-z]|[¿¡«„(])|\n+|(?<=[。！？；])"
)
CODE_LINE = re.compile(
    r"^[ \t]*(?:def \w+\(.*|class \w+.*:|import [\w., ]+|from [\w.]+ import .*|#include\b.*|assert \w+\(.*|>>> .*)$",
    re.MULTILINE,
)
_FACE = re.compile(r"\\(?:textbf|textit|emph|underline|mbox|text|item)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Separated:
    """A text taken apart: its prose, its formulas without their marks and its code."""

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
    kept: list[str] = []
    formulas: list[str] = []
    code: list[str] = []
    position = 0
    for part in split_parts(text, lenient=True):
        if part.kind == "unclosed":
            continue
        kept.append(text[position : part.start])
        position = part.end
        source = text[part.start : part.end]
        if part.kind in ("inline", "display", "table"):
            formulas.append(source if part.opener.startswith("\\begin") else part.body)
            kept.append(_end(formulas[-1]))
        else:
            kept.append(" ")
            if part.kind != "link":
                code.append(source.strip())
    kept.append(text[position:])

    def take_code(match: re.Match[str]) -> str:
        code.append(match[0].strip())
        return " "

    def take_command(match: re.Match[str]) -> str:
        formulas.append(match[0])
        return " "

    prose = _ESCAPED_DOLLAR.sub(_MONEY, CODE_LINE.sub(take_code, "".join(kept)))
    prose = COMMAND.sub(take_command, _FACE.sub(" ", prose)).replace(_MONEY, "$")
    return Separated(prose, tuple(formulas), tuple(code))


def split_sentences(text: str) -> list[str]:
    """Prose in pieces no longer than a sentence. Decimal points and "10. 00" split nothing."""
    return [piece for piece in (part.strip() for part in _SENTENCE.split(text)) if piece]


def _end(formula: str) -> str:
    """What is left of a formula: a space, and the end of a sentence that stands inside it."""
    last = formula.rstrip()[-1:]
    return f" {last} " if last in (".", "?", "!", "。", "？") else " "
