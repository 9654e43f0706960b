"""When two answers that the fast path can read are the same, and when a label accepts an answer.

Equality is exact, with one exception, which is math-verify's: a decimal written to six places or more stands for the
numbers that round to it at six places (0.333333 and 1/3 agree, 0.333 and 1/3 do not), unless they are so small that the
rounding says nothing.

A label is lenient where people are: a missing unit is forgiven, a different one is not; 50% accepts 50 and 1/2; a pair
(1, 2) accepts `1, 2` in that order; `x = 5` accepts 5, and not y = 5; letters may differ in case.

Where math-verify decides otherwise, and is not followed, each with a test: it ignores units (5 cm = 5 m), adds
numbers that stand side by side (`5 6` = 11, `1 1/4` = 1/2), compares words as products of their letters (Mot = Tom),
calls numbers equal that differ below 1e-6 (1e-7 = 2e-7), reads 10:30 as 1/3, reads `1e5` as 5e, a set {1, 2} as the
pair (1, 2), and drops repeated members of a bare list (2, 2, 3 = 2, 3).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import isqrt

from pipeline.verify import exact
from pipeline.verify.fast import Value

PLACES = 6
_PI = Fraction(314159265358979323846264338327950288419716939937510582097494459230781640628620899, 10**80)
_E = Fraction(271828182845904523536028747135266249775724709369995957496696762772407663035354759, 10**80)
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")


def same(left: Value, right: Value) -> bool:
    """Whether two answers are one answer: what equivalence classes are made of. Symmetric."""
    if left.key == right.key:
        return not _names_differ(left, right)
    if left.kind == right.kind == "number" and left.unit == right.unit:
        return _rounds_to(left, right) and not _names_differ(left, right)
    return False


def accepts(label: Value, answer: Value) -> bool:
    """Whether `answer` is right when `label` is. Total; exact but for the rule above."""
    if _names_differ(label, answer):
        return False
    if label.key == answer.key:
        return True
    if label.kind == "number" and answer.kind == "number":
        return _accepts_number(label, answer)
    if "ratio" in (label.kind, answer.kind):
        return _accepts_ratio(label, answer)
    if label.kind in ("list", "set") and answer.kind in ("list", "set"):
        return _accepts_unordered(label, answer)
    if {label.kind, answer.kind} in ({"list", "tuple"}, {"tuple"}) or (
        label.kind == answer.kind == "interval" and label.key[0] + label.key[-1] == answer.key[0] + answer.key[-1]
    ):
        return len(label.items) == len(answer.items) and all(map(accepts, label.items, answer.items))
    return False


def _names_differ(left: Value, right: Value) -> bool:
    return bool(left.name and right.name and left.name.lower() != right.name.lower())


def _accepts_number(label: Value, answer: Value) -> bool:
    if not _units_agree(label.unit, answer.unit):
        return False
    if label.bare == answer.bare or _rounds_to(label, answer):
        return True
    if label.percent != answer.percent and label.element and answer.element:
        marked, plain = (label, answer) if label.percent else (answer, label)
        if marked.element and plain.element and not plain.unit:
            return exact.multiply(marked.element, exact.number(100)) == plain.element
    if label.bare.lower() == answer.bare.lower():
        return not any(_mixes_case(value.bare) for value in (label, answer))
    return False


def _units_agree(left: str, right: str) -> bool:
    """Equal units do, one that is missing does, and so does $ with $/h: the problem says per what."""
    if left == right or not left or not right:
        return True
    above, below = left.partition("/")[::2], right.partition("/")[::2]
    return above[0] == below[0] and "" in (above[1], below[1])


def _mixes_case(text: str) -> bool:
    letters = set(re.findall(r"(?<![\\A-Za-z])[A-Za-z]", text))
    return any(letter.swapcase() in letters for letter in letters)


def _accepts_ratio(label: Value, answer: Value) -> bool:
    if label.element is None or answer.element is None or label.element != answer.element:
        return False
    clocks = [value.kind == "ratio" and _CLOCK.fullmatch(value.key) is not None for value in (label, answer)]
    return not all(clocks) and {label.kind, answer.kind} <= {"ratio", "number"}


def _accepts_unordered(label: Value, answer: Value) -> bool:
    if len(label.items) != len(answer.items):
        return False
    left = list(answer.items)
    for wanted in label.items:
        for position, found in enumerate(left):
            if accepts(wanted, found):
                del left[position]
                break
        else:
            return False
    return True


def _rounds_to(left: Value, right: Value) -> bool:
    if max(left.places, right.places) < PLACES or left.percent != right.percent:
        return False
    a, b = approximate(left), approximate(right)
    if a is None or b is None or round(a, PLACES) != round(b, PLACES):
        return False
    return abs(a - b) * 1000 <= max(abs(a), abs(b))


def approximate(value: Value) -> Fraction | None:
    """A number to at least 30 digits, or None when it has letters in it."""
    return _approximate(value.bare, tuple((value.element or {}).items())) if value.element is not None else None


@lru_cache(maxsize=4096)
def _approximate(_: str, terms: tuple[tuple[exact.Monomial, Fraction], ...]) -> Fraction | None:
    total = Fraction(0)
    for (root, powers), factor in terms:
        size = Fraction(isqrt(root * 10**80), 10**40) if root != 1 else Fraction(1)
        for name, exponent in powers:
            if name not in ("pi", "e") or abs(exponent) > 16:
                return None
            size *= (_PI if name == "pi" else _E) ** exponent
        total += factor * size
    return total
