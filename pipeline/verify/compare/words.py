"""When two answers in words say the same: equal but for case and hyphens, or two ways to say that there is nothing."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from pipeline.text.numbers import read_english_cardinals

_EMPTY = re.compile(
    r"(?:there (?:is|are) )?(?:no|none)(?: (?:such|real|integer|possible|valid))?"
    r"(?: (?:solutions?|roots?|values?|numbers?|integers?|zeros?))?(?: exists?)?|empty set|keine lösung(?:en)?"
    r"|pas de solutions?|aucune solution|sin solución|нет (?:решений|корней)|无解"
)
_ALL_REALS = re.compile(
    r"(?:all|any|every) (?:of the )?reals?(?: numbers?)?|all x|reals?(?: numbers)?|全体实数"
    r"|tous les réels|все действительные числа|любое число"
)
_DIVERGES = re.compile(r"(?:it |series |integral )?(?:diverges|divergent|is divergent)")
_UNDEFINED = re.compile(r"dne|(?:limit )?does not exist|(?:it )?doesn'?t exist|n'existe pas|не существует|不存在")


def same_words(left: str, right: str) -> bool:
    """Whether two phrases are one answer."""
    a, b = (_normal(text) for text in (left, right))
    if a == b:
        return True
    if all(_EMPTY.fullmatch(text) and text not in ("no", "none") for text in (a, b)):
        return ("real" in a) == ("real" in b) or not any("integer" in text for text in (a, b))
    if all(_DIVERGES.fullmatch(text) for text in (a, b)):
        return True
    return all(_UNDEFINED.fullmatch(text) for text in (a, b))


def says_empty(text: str) -> bool:
    """Whether a phrase says that nothing solves the problem."""
    text = _normal(text)
    return _EMPTY.fullmatch(text) is not None and text != "no"


def says_all_reals(text: str) -> bool:
    """Whether a phrase names all real numbers."""
    return _ALL_REALS.fullmatch(_normal(text)) is not None


@lru_cache(maxsize=1)
def _cardinals() -> dict[str, int]:
    return read_english_cardinals()


_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip


def fraction_of(text: str) -> Fraction | None:
    """The number that English words name as a whole one or a fraction (`twelve`, `a quarter`, `three halves`)."""
    if (count := count_of(text)) is not None:
        return Fraction(count)
    words = text.lower().replace("-", " ").split()
    if len(words) == 1 and words[0] in ("half", "quarter"):
        words = ["one", *words]
    if len(words) != 2:
        return None
    above = 1 if words[0] in ("a", "an") else _cardinals().get(words[0])
    below = _PARTS.get(words[1]) or (_PARTS.get(words[1].removesuffix("s")) if above != 1 else None)
    if above is None or below is None or (above != 1) != (words[1].endswith("s") or words[1] == "halves"):
        return None
    return Fraction(above, below)


def count_of(text: str) -> int | None:
    """The whole number that an English word names (`twelve`), or None."""
    tens, _, units = _normal(text).removesuffix(" only").partition(" ")
    numbers = _cardinals()
    if units in numbers and numbers.get(tens, 0) in range(20, 100, 10) and 0 < numbers[units] < 10:
        return numbers[tens] + numbers[units]
    if units in ("hundred", "thousand", "million", "billion") and 0 < numbers.get(tens, 0) < 100:
        return numbers[tens] * numbers[units]
    return None if units else numbers.get(tens)


def _normal(text: str) -> str:
    words = text.lower().replace("-", " ").replace("ё", "е").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words)
