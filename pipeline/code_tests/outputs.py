"""When two outputs are the same answer, and how alike they look when they are not."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.sandbox.calls import NoLiteral, read_call
from pipeline.sandbox.calls import read_literal as read

DEFAULT_TOLERANCE = 1e-6
"""Relative to max(1, |expected|), for numbers that are not integers: what most judges allow."""

_UNREADABLE = object()
_INTEGER = re.compile(r"[+-]?\d+\Z")


@dataclass(frozen=True)
class Judge:
    """How outputs of one problem are compared: a `checker` of the contract, whether tests are calls, and whether these
    came as JSON (`loose`), as in `pipeline.sandbox.judge.compare_value`. `ignore_order` is one of
    `schemas.problem.ORDERS`.
    """

    float_tolerance: float | None = None
    ignore_case: bool = False
    strict_whitespace: bool = False
    ignore_order: str | None = None
    call: bool = False
    loose: bool = False

    @classmethod
    def of(cls, checker: Mapping[str, Any] | None, call: bool, inputs: Sequence[str] = ()) -> "Judge":
        """The judge of a problem whose tests have these `inputs`."""
        checker = checker or {}
        known = (read_call(text, "") for text in inputs)
        return cls(
            checker.get("float_tolerance"),
            bool(checker.get("ignore_case")),
            bool(checker.get("strict_whitespace")),
            checker.get("ignore_order"),
            call,
            call and bool(inputs) and all(one is not None and one.loose for one in known),
        )

    @property
    def checker(self) -> dict[str, Any]:
        """The contract's struct."""
        return {
            "float_tolerance": self.float_tolerance,
            "ignore_case": self.ignore_case or None,
            "strict_whitespace": self.strict_whitespace or None,
            "ignore_order": self.ignore_order,
        }

    def accepts(self, expected: str, got: str) -> bool:
        """Whether `got` passes where `expected` is asked for."""
        if expected == got:
            return True
        if self.call:
            left, right = read_literal(expected), read_literal(got)
            if left is _UNREADABLE or right is _UNREADABLE:
                return expected.strip() == got.strip()
            if self.ignore_order:
                from pipeline.sandbox.inside.codec import encode
                from pipeline.sandbox.judge import compare_value

                return compare_value(left, encode(right), self.checker, self.loose)
            if self.loose:
                left, right = loosen(left), loosen(right)
            return same_value(left, right, self.float_tolerance, self.ignore_case)
        from pipeline.sandbox.judge import compare_output

        return compare_output(expected, got, self.checker)

    def same(self, left: str, right: str) -> bool:
        """Whether either passes where the other is asked for."""
        return self.accepts(left, right) or self.accepts(right, left)


@lru_cache(maxsize=4096)
def read_literal(text: str) -> Any:
    """The value that a Python literal writes; a marker that equals nothing where it writes none."""
    try:
        return read(text)
    except NoLiteral:
        return _UNREADABLE


def loosen(value: Any) -> Any:
    """A value after a way through JSON: tuples are lists, keys are texts."""
    if isinstance(value, list | tuple):
        return [loosen(item) for item in value]
    if isinstance(value, dict):
        return {str(key): loosen(item) for key, item in value.items()}
    return value


def same_value(expected: Any, got: Any, tolerance: float | None, ignore_case: bool = False) -> bool:
    """As the sandbox judges values: Python's equality, but lists are no tuples, and a float that is no integer may be
    off by `tolerance` (by default 1e-6) times max(1, |expected|). A tolerance that is given holds for integers too.
    """
    if isinstance(expected, bool | int | float):
        return isinstance(got, bool | int | float) and _same_number(expected, got, tolerance)
    if type(expected) is not type(got):
        return False
    if isinstance(expected, list | tuple):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(same_value(a, b, tolerance, ignore_case) for a, b in pairs)
    if isinstance(expected, dict):
        same_keys = expected.keys() == got.keys()
        return same_keys and all(same_value(expected[k], got[k], tolerance, ignore_case) for k in expected)
    if isinstance(expected, str) and ignore_case:
        return expected.casefold() == str(got).casefold()
    return bool(expected == got)


def _same_number(expected: float, got: float, tolerance: float | None) -> bool:
    if expected != expected:
        return got != got
    if expected == got:
        return True
    whole = not isinstance(expected, float) or expected.is_integer()
    if tolerance is None and whole and not (isinstance(expected, float) and isinstance(got, float)):
        return False
    try:
        gap, allowed = abs(expected - got), (tolerance or DEFAULT_TOLERANCE) * max(1.0, abs(expected))
    except OverflowError:
        return False
    return math.isfinite(gap) and gap <= allowed


def choose_text(texts: Counter[str], judge: Judge) -> str:
    """The text of a class to ask for: the one that accepts the most programs, then the commonest, then the longest."""
    if len(texts) == 1:
        return next(iter(texts))
    ranked = sorted(texts, key=lambda t: (-texts[t], -len(t), t))[:16]
    return max(
        ranked, key=lambda t: (sum(n for other, n in texts.items() if judge.accepts(t, other)), texts[t], len(t))
    )


def look_alike(left: str, right: str) -> bool:
    """Whether two outputs that differ could both be right: the same items in another order, or as many lines and tokens
    that begin alike and then differ in more than one place.

    A slip (one number off, one token more or less) is none of these.
    """
    a, b = _tokens(left), _tokens(right)
    if len(a) < 2 or len(b) < 2:
        return False
    if len(a) == len(b) and Counter(a) == Counter(b):
        return True
    lines = len(left.split("\n")) == len(right.split("\n"))
    differ = sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))
    return lines and len(a) == len(b) and a[0] == b[0] and differ >= 2


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\s,\[\](){}]+", text)


def has_fractions(text: str) -> bool:
    """Whether a number with a fraction or exponent stands in `text`."""
    return any(_is_fraction(token) for token in _tokens(text))


def _is_fraction(token: str) -> bool:
    if _INTEGER.match(token) or not any(c.isdigit() for c in token):
        return False
    try:
        return math.isfinite(float(token))
    except ValueError:
        return False
