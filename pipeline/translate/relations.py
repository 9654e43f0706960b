"""Bounds and inequalities, in words and in formulas: "no more than 5", "höchstens 5" and `x \\le 5` say one thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from pipeline.translate.formulas import Formulas

WORDS = Path(__file__).parent / "relations.txt"
SIGNS = {"le": "≤", "ge": "≥", "lt": "<", "gt": ">"}
_MIRRORED = {"≤": "ge", "≥": "le", "<": "gt", ">": "lt"}
_INEQUALITY = re.compile(r"([^<>≤≥=≠]+)([<>≤≥])([^<>≤≥=≠]+)")


@lru_cache(maxsize=1)
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    patterns = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        head, _, listed = line.partition(": ")
        kind, language = head.split()
        patterns[kind, language] = re.compile(listed if language == "zh" else rf"(?<!\w)(?:{listed})", re.IGNORECASE)
    return patterns


@lru_cache(maxsize=2)
def _bound_numbers(kind: str) -> re.Pattern[str]:
    """An English bound before a number: others ("the greatest integer at most x") have names of their own elsewhere."""
    return re.compile(
        rf"(?:{_patterns()[kind, 'en'].pattern})(?: to)?\s+\$?(?:\d|one|two|three|four|five|six|ten)", re.IGNORECASE
    )


def has_relation(prose: str, kind: str, language: str) -> bool:
    """Whether prose has words for a relation (`le`, `ge`, `lt`, `gt`)."""
    return _patterns()[kind, language].search(prose) is not None


def drop_bounds(prose: str) -> str:
    """English prose without its bounds, so that "no more than" is no negation."""
    return _patterns()["ge", "en"].sub(" ", _patterns()["le", "en"].sub(" ", prose))


def find_lost_bound(prose: str, translated: str, formulas: Formulas, language: str) -> str:
    """A bound (`le` or `ge`) of English prose that its translation has neither in words nor as a sign, or ""."""
    for kind in ("le", "ge"):
        words = _bound_numbers(kind).search(prose)
        if words and SIGNS[kind] not in formulas.stream and not has_relation(translated, kind, language):
            return words[0]
    return ""


def reconcile(
    ours: Formulas, theirs: Formulas, worded: Callable[[str], bool], stands: Callable[[str], bool]
) -> Formulas:
    """`ours` without the simple inequalities that the other text tells in words; their sides count as if they stood
    alone.

    `worded`: whether the other text has words for a relation. `stands`: whether a side stands in it.
    """
    pieces, letters, numbers = list(ours.pieces), set(ours.letters), list(ours.numbers)
    for piece in ours.pieces:
        match = _INEQUALITY.fullmatch(piece)
        if match is None or piece in theirs.stream:
            continue
        left, sign, right = match.groups()
        kind = next(kind for kind, known in SIGNS.items() if known == sign)
        # The letter is what a sentence is about: for `0 < x` it says that x is greater.
        known = [_MIRRORED[sign]] if left.isdigit() else [kind] if right.isdigit() else [kind, _MIRRORED[sign]]
        if not any(worded(one) for one in known) or not (stands(left) and stands(right)):
            continue
        pieces.remove(piece)
        for side in (left, right):
            if side.isdigit():
                numbers.append(Fraction(int(side)))
            else:
                letters.add(side)
    return replace(ours, pieces=tuple(pieces), letters=frozenset(letters), numbers=tuple(numbers))
