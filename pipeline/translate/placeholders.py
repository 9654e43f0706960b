"""What no translator may touch, replaced by placeholders: formulas, code, links, numbers that are not plain, names.

    hidden = hide("Tom pays $12.50 for $n$ pens.")
    hidden.text           # "Tom pays zqaa for zqab pens."
    hidden.restore("Tom paga zqaa por zqab plumas.")

For a translator that takes no instructions. A placeholder is a word that no language has, so that it is left as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase

from pipeline.text.masking import split_parts
from pipeline.text.prose import CODE_LINE, COMMAND

_AMOUNT = r"(?:[$€£]\s?)?\d+(?:[.,:/]\d+)*(?:\s?%|(?<=\d)[A-Za-z]{1,3}\b)?"
_LETTER = (
    r"(?<![\w'’.])(?:[b-hj-zB-HJ-Z](?![\w'’])|(?<=[a-z,;] )A(?![\w'’])|[Aa](?=\s*[,;=+)]|\s+(?:and|or) [B-Zb-z]\b))"
)
"""A letter that is no word: `A` is one only at the head of a sentence, `a` not before a comma or another letter."""
_OPERAND = f"(?:{_AMOUNT}|{_LETTER})"
_OPERATOR = r"\s*[-+*/×÷=<>^≤≥−·]\s*"
_SUM = rf"(?:[-−(]\s?)*{_OPERAND}\)?(?:{_OPERATOR}(?:[-−(]\s?)*{_OPERAND}\)?)*(?:\s*[=]\s*\?)?"
_PLAIN = re.compile(r"\d+")
_ITEM = r"(?<!\w)\(?[A-Ha-h]\)"
_IDENTIFIER = r"(?<![\w\\])[A-Za-z]\w*_\w+|(?<![\w\\])[A-Za-z]\w+\(\)"
_TOKEN = re.compile(rf"{_ITEM}|{_IDENTIFIER}|{_SUM}")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:-[A-Z][a-z]+)?(?!\w)")
_TRANSLATED = frozenset(
    str.split(
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
        "September October November December Christmas Easter English French Spanish Italian German Chinese Russian "
        "American European If What How Find Let The When Which Express Compute Determine Suppose Given"
    )
)
"""Words with a capital in the middle of a sentence that are no names: they are translated."""
_HIDDEN = re.compile(r"zq([a-pr-y]{2})", re.IGNORECASE)
_UNKNOWN = re.compile(r"\*+(?=(?:zq[a-pr-y]{2})+\b)", re.IGNORECASE)
_LETTERS = ascii_lowercase.replace("q", "").replace("z", "")
MOST = len(_LETTERS) ** 2
"""Placeholders of a text."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text with placeholders, and what they stand for, in order."""

    text: str
    parts: tuple[str, ...]

    def restore(self, translated: str) -> str | None:
        """`translated` with the parts in their places; None unless each placeholder stands there once."""
        there = [_read(match[1]) for match in _HIDDEN.finditer(translated)]
        if sorted(there) != list(range(len(self.parts))):
            return None
        return _HIDDEN.sub(lambda match: self.parts[_read(match[1])], translated)


def bare(text: str) -> str:
    """The text without marks in front of placeholders, which no dictionary has."""
    return _UNKNOWN.sub("", text)


def hide(text: str) -> Hidden:
    """The text with its placeholders: at most `MOST`, and what comes after is left as it is."""
    parts: list[str] = []

    def take(part: str) -> str:
        if len(parts) == MOST:
            return part
        parts.append(part)
        return write_placeholder(len(parts) - 1)

    names = {match[0] for match in _NAME.finditer(text)} - _TRANSLATED
    named = [rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})(?![\w-])"] if names else []
    pattern = re.compile("|".join([*named, COMMAND.pattern, _TOKEN.pattern]))

    def replace(match: re.Match[str]) -> str:
        return match[0] if _PLAIN.fullmatch(match[0]) else take(match[0])

    out: list[str] = []
    for piece, is_prose in _split(text):
        out.append(pattern.sub(replace, piece) if is_prose else take(piece))
    return Hidden("".join(out), tuple(parts))


def write_placeholder(place: int) -> str:
    """The placeholder of the part at `place`."""
    first, second = divmod(place, len(_LETTERS))
    return f"zq{_LETTERS[first]}{_LETTERS[second]}"


def _read(letters: str) -> int:
    first, second = (_LETTERS.find(letter) for letter in letters.lower())
    return first * len(_LETTERS) + second


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is prose."""
    position = 0
    for part in split_parts(text, lenient=True):
        if part.kind != "unclosed":
            yield from _split_code(text[position : part.start])
            yield text[part.start : part.end], False
            position = part.end
    yield from _split_code(text[position:])


def _split_code(prose: str) -> Iterator[tuple[str, bool]]:
    position = 0
    for line in CODE_LINE.finditer(prose):
        yield prose[position : line.start()], True
        yield line[0], False
        position = line.end()
    yield prose[position:], True
