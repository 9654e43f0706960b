"""When two outputs are the same answer, and how alike they look when they are not."""

import ast
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DEFAULT_TOLERANCE = 1e-6
"""Relative to max(1, |expected|), for numbers that are not integers: what most judges allow."""

_UNREADABLE = object()
_INTEGER = re.compile(r"[+-]?\d+\Z")


@dataclass(frozen=True)
class Judge:
    """How outputs of one problem are compared: a `checker` of the contract, and whether tests are calls."""

    float_tolerance: float | None = None
    ignore_case: bool = False
    strict_whitespace: bool = False
    call: bool = False

    @classmethod
    def of(cls, checker: Mapping[str, Any] | None, call: bool) -> "Judge":
        checker = checker or {}
        return cls(
            checker.get("float_tolerance"),
            bool(checker.get("ignore_case")),
            bool(checker.get("strict_whitespace")),
            call,
        )

    @property
    def checker(self) -> dict[str, Any]:
        """The contract's struct."""
        return {
            "float_tolerance": self.float_tolerance,
            "ignore_case": self.ignore_case or None,
            "strict_whitespace": self.strict_whitespace or None,
        }

    def accepts(self, expected: str, got: str) -> bool:
        """Whether `got` passes where `expected` is asked for."""
        if expected == got:
            return True
        if self.call:
            left, right = read_literal(expected), read_literal(got)
            if left is _UNREADABLE or right is _UNREADABLE:
                return expected.strip() == got.strip()
            return same_value(left, right, self.float_tolerance or DEFAULT_TOLERANCE)
        from pipeline.sandbox.judge import compare_output

        return compare_output(expected, got, self.checker)

    def same(self, left: str, right: str) -> bool:
        """Whether either passes where the other is asked for."""
        return self.accepts(left, right) or self.accepts(right, left)


@lru_cache(maxsize=4096)
def read_literal(text: str) -> Any:
    """The value that a Python literal writes; a marker that equals nothing where it writes none."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _UNREADABLE


def same_value(left: Any, right: Any, tolerance: float) -> bool:
    """Equal with the same types throughout; floats within `tolerance` * max(1, |left|), ints exactly; tuples are no lists."""
    if isinstance(left, float) and isinstance(right, int | float) and not isinstance(right, bool):
        if math.isnan(left) or math.isinf(left):
            return repr(left) == repr(float(right))
        try:
            return abs(left - right) <= tolerance * max(1.0, abs(left))
        except OverflowError:
            return False
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same_value(a, b, tolerance) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same_value(left[k], right[k], tolerance) for k in left)
    return bool(left == right)


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
