"""How near to zero an algebraic number can be without being zero: what makes the agreement of two balls a proof.

An expression of rationals, roots and roots of unity is a quotient of two algebraic integers. Its numerator is no
smaller than the product of its other conjugates allows, so that a value below the bound is zero. The bound is that of
Burnikel, Funke, Mehlhorn, Schirra and Schmitt, *A Separation Bound for Real Algebraic Expressions* (ESA 2001), with
sines and cosines of rational parts of a turn beside the roots.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm, prod

from flint import arb

from pipeline.verify.compare.evaluate import Undefined, evaluate, set_precision
from pipeline.verify.reader.values import Node

MAX_SEPARATION = 1 << 15
"""Bits of the smallest number that is looked for: a few milliseconds for an expression of some dozen roots."""
_GUARD = 64
_MAX_ROOT = 1000
_MAX_ORDER = 2000
"""Order of a root of unity, at most: its degree alone would be above every bound."""


class NotAlgebraic(ArithmeticError):
    """The expression has a part of which no bound is known."""


def vanishes(node: Node) -> bool | None:
    """Whether an algebraic number is zero, or None where it is none, or its bound is too small to be reached."""
    size = _Size()
    try:
        above, below = size.of(node)
        bits = size.degree() * above + below
    except (NotAlgebraic, OverflowError):
        return None
    if bits > MAX_SEPARATION:
        return None
    precision = int(bits + above) + _GUARD
    for _ in range(4):
        set_precision(precision)
        try:
            ball = abs(evaluate(node, {}))
        except Undefined:
            precision *= 2
            continue
        if not ball.contains(0):
            return False
        if ball.upper() < arb(2) ** (-int(bits) - 1):
            return True
        precision *= 2
    return None


class _Size:
    """Bounds of one expression: every root counts once for its degree, however often it stands there."""

    def __init__(self) -> None:
        self.roots: dict[tuple[Node, int], int] = {}
        self.order = 1

    def degree(self) -> float:
        """The degree of the field, less one: the conjugates beside the value itself."""
        return prod(self.roots.values()) * _totient(self.order) - 1

    def of(self, node: Node) -> tuple[float, float]:
        """(bits of the numerator's conjugates, bits of the denominator's). Raises NotAlgebraic."""
        op = node.op
        if op == "num":
            return _bits(node.value.numerator), _bits(node.value.denominator)
        if op == "sym" and node.name == "i":
            self._turn(4)
            return 0.0, 0.0
        if op in ("sin", "cos", "tan", "cot", "sec", "csc", "cis"):
            return self._of_angle(op, node.args[0])
        if op in ("neg", "abs"):
            above, below = self.of(node.args[0])
            if op == "abs" and not _is_real(node.args[0]):
                raise NotAlgebraic(op)
            return above, below
        if op == "cbrt":
            return self._of_root(node.args[0], 3)
        if op in ("^", "root"):
            return self._of_power(node)
        if op not in ("+", "-", "*", "/"):
            raise NotAlgebraic(op)
        (a, b), (c, d) = self.of(node.args[0]), self.of(node.args[1])
        if op == "*":
            return a + c, b + d
        if op == "/":
            return a + d, b + c
        return max(a + d, b + c) + 1, b + d

    def _of_power(self, node: Node) -> tuple[float, float]:
        exponent = node.args[1]
        if exponent.op != "num":
            raise NotAlgebraic("a power")
        power = exponent.value if node.op == "^" else 1 / exponent.value if exponent.value else Fraction(0)
        if power.denominator > _MAX_ROOT:
            raise NotAlgebraic("a root")
        above, below = (
            self.of(node.args[0]) if power.denominator == 1 else self._of_root(node.args[0], power.denominator)
        )
        times = abs(power.numerator)
        return (below * times, above * times) if power < 0 else (above * times, below * times)

    def _of_root(self, base: Node, degree: int) -> tuple[float, float]:
        above, below = self.of(base)
        self.roots[base, degree] = degree
        if above >= below:
            return (above + (degree - 1) * below) / degree, below
        return above, ((degree - 1) * above + below) / degree

    def _of_angle(self, op: str, angle: Node) -> tuple[float, float]:
        turns = multiple_of_pi(angle)
        if turns is None:
            raise NotAlgebraic("an angle")
        self._turn(lcm(4, (turns / 2).denominator))
        return (0.0, 0.0) if op == "cis" else (1.0, 1.0)

    def _turn(self, order: int) -> None:
        self.order = lcm(self.order, order)
        if self.order > _MAX_ORDER:
            raise NotAlgebraic("a root of unity of a high order")


def _bits(whole: int) -> float:
    return float(abs(whole).bit_length())


def _totient(order: int) -> int:
    count, rest, factor = order, order, 2
    while factor * factor <= rest:
        if rest % factor == 0:
            count -= count // factor
            while rest % factor == 0:
                rest //= factor
        factor += 1
    return count - count // rest if rest > 1 else count


def _is_real(node: Node) -> bool:
    """Whether an expression has no part that may be complex: no i and no even root of what may be negative."""
    if (node.op == "sym" and node.name == "i") or node.op == "cis":
        return False
    if node.op in ("root", "^") and (
        node.op == "root" or node.args[1].op != "num" or node.args[1].value.denominator > 1
    ):
        set_precision(320)
        try:
            if not evaluate(node.args[0], {}).real > 0:
                return False
        except Undefined:
            return False
    return all(map(_is_real, node.args))


def multiple_of_pi(node: Node) -> Fraction | None:
    """The rational number that pi is multiplied by, where an expression is written as a rational multiple of it."""
    if node.op == "num":
        return Fraction(0) if not node.value else None
    if node.op == "sym":
        return {"pi": Fraction(1), "degree": Fraction(1, 180)}.get(node.name)
    if node.op == "neg":
        inner = multiple_of_pi(node.args[0])
        return None if inner is None else -inner
    if node.op in ("+", "-"):
        parts = [multiple_of_pi(arg) for arg in node.args]
        if parts[0] is None or parts[1] is None:
            return None
        return parts[0] + parts[1] if node.op == "+" else parts[0] - parts[1]
    if node.op == "/" and node.args[1].op == "num" and node.args[1].value:
        inner = multiple_of_pi(node.args[0])
        return None if inner is None else inner / node.args[1].value
    if node.op == "*":
        for factor, rest in (node.args, node.args[::-1]):
            if factor.op == "num" and (inner := multiple_of_pi(rest)) is not None:
                return inner * factor.value
    return None
