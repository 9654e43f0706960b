"""Exact values of sums and products between written bounds, nested ones too.

Terms are added up as rationals, in halves, so that numerators stay as short as they can. A sum of a polynomial has its
closed form and may have any number of terms. What is above the limit stays as it is written, and has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from flint import fmpq

from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Node, Unreadable

MAX_WORK = 100_000
"""Operations on numbers of a machine word for all terms of one sum: a tenth of a second."""
_MAX_TERMS = 20_000
"""Terms of one sum or product that are added up one by one."""
_MAX_DEGREE = 24
_MAX_BITS = 1 << 18


class _TooMuch(ArithmeticError):
    """The sum is above the limit."""


class _Irrational(ArithmeticError):
    """A term has no rational value here."""


def fold_series(node: Node) -> Node:
    """The expression with its sums and products as numbers, where they are rational and within the limit."""
    return _fold(node) if _has_series(node) else node


@lru_cache(maxsize=1 << 10)
def _fold(node: Node) -> Node:
    if node.op in ("sum", "prod"):
        try:
            value = _Adder().of(node, {})
        except (_TooMuch, _Irrational, ZeroDivisionError, OverflowError, RecursionError):
            return node
        return number(Fraction(int(value.p), int(value.q)))
    try:
        return call(node.op, *map(fold_series, node.args)) if node.args and node.op not in _KEPT else node
    except Unreadable:
        return node


_KEPT = frozenset(("fn", "int", "lim"))
"""Nodes that carry a name beside their operation."""


@lru_cache(maxsize=1 << 12)
def _has_series(node: Node) -> bool:
    return node.op in ("sum", "prod") or any(map(_has_series, node.args))


class _Adder:
    """Evaluates exactly, and counts its work."""

    def __init__(self) -> None:
        self.left = MAX_WORK

    def of(self, node: Node, values: Mapping[str, fmpq]) -> fmpq:
        """The exact value where the letters have these values. Raises _TooMuch, _Irrational, ZeroDivisionError."""
        op = node.op
        if op == "num":
            return self._paid(fmpq(node.value.numerator, node.value.denominator))
        if op == "sym":
            if node.name not in values:
                raise _Irrational(node.name)
            return self._paid(values[node.name])
        if op in ("sum", "prod"):
            return self._series(node, values)
        args = [self.of(arg, values) for arg in node.args]
        if op in ("+", "-", "*", "/"):
            a, b = args
            return self._paid(a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b)
        if op == "neg":
            return -args[0]
        if op == "^" and args[1].q == 1:
            if _bits(args[0]) * abs(int(args[1])) > _MAX_BITS:
                raise _TooMuch("a power")
            return self._paid(args[0] ** int(args[1]))
        folded = call(op, *(number(Fraction(int(arg.p), int(arg.q))) for arg in args))
        if folded.op != "num":
            raise _Irrational(op)
        return self._paid(fmpq(folded.value.numerator, folded.value.denominator))

    def _paid(self, value: fmpq) -> fmpq:
        self.left -= 1 + _bits(value) // 64
        if self.left < 0:
            raise _TooMuch("operations")
        return value

    def _series(self, node: Node, values: Mapping[str, fmpq]) -> fmpq:
        first, last = (self.of(arg, values) for arg in node.args[:2])
        if first.q != 1 or last.q != 1:
            raise _Irrational("bounds that are no integers")
        low, high, term = int(first), int(last), node.args[2]
        degree = _degree(term, node.name) if node.op == "sum" else None
        if degree is not None and degree <= _MAX_DEGREE and high - low > degree + 2:
            return self._closed(term, node.name, low, high - low, degree, values)
        if high - low >= _MAX_TERMS:
            raise _TooMuch("terms")
        terms = [self.of(term, {**values, node.name: fmpq(at)}) for at in range(low, high + 1)]
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            rest = terms[len(terms) // 2 * 2 :]
            terms = [self._paid(a + b if node.op == "sum" else a * b) for a, b in pairs] + rest
        return terms[0] if terms else fmpq(0 if node.op == "sum" else 1)

    def _closed(self, term: Node, name: str, low: int, count: int, degree: int, values: Mapping[str, fmpq]) -> fmpq:
        """The sum of a polynomial, by Newton's differences of its first partial sums."""
        rows, total = [], fmpq(0)
        for at in range(degree + 2):
            total += self.of(term, {**values, name: fmpq(low + at)})
            rows.append(total)
        result, factor = fmpq(0), fmpq(1)
        for order in range(degree + 2):
            result += rows[0] * factor
            rows = [b - a for a, b in pairwise(rows)]
            factor *= fmpq(count - order, order + 1)
        return self._paid(result)


def _bits(value: fmpq) -> int:
    return int(value.p).bit_length() + int(value.q).bit_length()


def _degree(node: Node, name: str) -> int | None:
    """The degree of a polynomial in a letter, or None for what is none. Other letters count as numbers."""
    if node.op == "num":
        return 0
    if node.op == "sym":
        return int(node.name == name)
    if node.op == "neg":
        return _degree(node.args[0], name)
    if node.op == "sum":
        bounds = [_degree(arg, name) for arg in node.args[:2]]
        return _degree(node.args[2], name) if bounds == [0, 0] and node.name != name else None
    if node.op not in ("+", "-", "*", "/", "^"):
        return None
    first, second = (_degree(arg, name) for arg in node.args)
    if first is None or second is None:
        return None
    if node.op in ("+", "-"):
        return max(first, second)
    if node.op == "*":
        return first + second
    if second:
        return None
    if node.op == "/":
        return first
    exponent = node.args[1]
    whole = exponent.op == "num" and exponent.value.denominator == 1 and 0 <= exponent.value <= _MAX_DEGREE
    return first * int(exponent.value) if whole else 0 if not first else None
