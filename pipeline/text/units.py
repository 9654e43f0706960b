"""Units and currencies in seven languages: one table for the check of translations and for the reader of answers.

`units.txt` has two sorts of lines. `mile = mi 63360 in` gives a kind its short name and, where its definition is exact,
how many of which unit it is. `mile es: millas?` lists the patterns by which a language names it. A word after `~` has
other senses too, one after `+` names the unit only behind a number, and one after `-` is for prose alone.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

UNITS = Path(__file__).parent / "units.txt"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's short name, and what one of it is: `size` of `base`, itself where no exact definition is known."""

    name: str
    size: Fraction
    base: str


def compare_units(prose: str, translated: str, language: str) -> tuple[set[str], set[str]]:
    """The kinds of units that are gone from a translation, and those that are new in it ("mile", "dollar")."""
    was, may_be = find_units(prose, "en")
    is_, may_now = find_units(translated, language)
    return was - is_ - may_now, is_ - was - may_be


def find_units(prose: str, language: str) -> tuple[set[str], set[str]]:
    """The kinds that prose names, and those that it may mean."""
    prose = prose.lower()
    return tuple(  # type: ignore[return-value]
        {kind for kind, *patterns in _patterns(language) if (pattern := patterns[at]) and pattern.search(prose)}
        for at in (0, 1)
    )


_PREFIXES = {"p": -12, "n": -9, "\u03bc": -6, "\u00b5": -6, "m": -3, "k": 3, "M": 6, "G": 9}
SYMBOLS = {
    prefix + symbol: (symbol, Fraction(10) ** power)
    for prefix, power in _PREFIXES.items()
    for symbol in ("J", "W", "V", "A", "N", "F", "Pa", "Hz", "\u03a9")
} | {
    f"{micro}{symbol}": (symbol, Fraction(1, 10**6))
    for micro in ("\u03bc", "\u00b5")
    for symbol in ("m", "g", "s", "l")
}
SYMBOLS["\u03a9"] = ("\u03a9", Fraction(1))
"""Symbols with a prefix of the SI, whose case tells them apart (mW and MW), and what one of them is."""


@lru_cache(maxsize=1 << 12)
def read_unit_name(words: str) -> str | None:
    """The short name of the unit that `words` behind a number are in any of the languages ("km", "$", "%"), or None."""
    if words in SYMBOLS:
        return words
    match = _names().fullmatch(words.lower())
    return None if match is None else units()[_kinds()[(match.lastindex or 1) - 1]].name


@lru_cache(maxsize=1)
def units() -> dict[str, Unit]:
    """Kind -> its unit."""
    table = {}
    for kind, language, words in _lines():
        if language == "=":
            size, base = (words[1], words[2]) if len(words) > 1 else ("1", words[0])
            table[kind] = Unit(words[0], Fraction(size), base)
    return table


@lru_cache(maxsize=1)
def sizes() -> dict[str, tuple[str, Fraction]]:
    """Short name -> (base unit, how many of it one is)."""
    named = {unit.name: (unit.base, unit.size) for unit in units().values()}
    prefixed = {
        symbol: (named.get(base, (base, Fraction(1)))[0], size * named.get(base, (base, Fraction(1)))[1])
        for symbol, (base, size) in SYMBOLS.items()
    }
    return prefixed | named


@lru_cache(maxsize=1)
def _kinds() -> tuple[str, ...]:
    return tuple(units())


@lru_cache(maxsize=1)
def _names() -> re.Pattern[str]:
    """One group for each kind, in the order of `_kinds`."""
    written: dict[str, list[str]] = {kind: [] for kind in _kinds()}
    for kind, language, words in _lines():
        if language != "=":
            written[kind].extend(word.removeprefix("+") for word in words if word[0] not in "~-")
    return re.compile("|".join(f"({'|'.join(f'(?:{pattern})' for pattern in written[kind])})" for kind in _kinds()))


def _lines() -> list[tuple[str, str, list[str]]]:
    """(kind, language or "=", words) of each line."""
    lines = []
    for line in UNITS.read_text(encoding="utf-8").splitlines():
        kind, language, *words = line.split()
        lines.append((kind, language.rstrip(":"), words))
    return lines


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None], ...]:
    patterns = []
    for kind, spoken, words in _lines():
        if spoken == language:
            sure = "|".join(_bounded(word.removeprefix("-")) for word in words if word[0] not in "~+")
            maybe = "|".join(_bounded(word[1:]) for word in words if word[0] == "~")
            patterns.append((kind, re.compile(sure) if sure else None, re.compile(maybe) if maybe else None))
    return tuple(patterns)


def _bounded(word: str) -> str:
    """Letters make whole words, though digits may touch them; signs and Chinese stand anywhere."""
    return word if re.match(r"[%€$¢\\一-鿿]", word) else rf"(?<![^\W\d_])(?:{word})(?![^\W\d_])"
