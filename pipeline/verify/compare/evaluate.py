"""Values of expressions as complex balls (FLINT's arb): every result encloses the true value, whatever its size.

Nothing here can run away: a power tower is a ball with a huge exponent or no finite ball at all, an expression has at
most as many operations as its text has tokens, and a sum is added up only between written bounds, over at most
MAX_TERMS terms.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from threading import local
from typing import Any

from flint import acb, arb, ctx, fmpq

from pipeline.verify.reader.values import Node

MAX_TERMS = 2000
"""Terms of one sum or product."""
MAX_WORK = 40_000
"""Operations for the terms of all sums of an expression together, nested ones too, at 320 bits; fewer at more bits, and
at each of several points."""
MAX_FLOOR_BITS = 4096
"""Bits of a number whose floor is looked for: exact powers of two may have any exponent."""
MAX_EXACT_FACTORIAL = 1 << 16
"""Factorials up to here are products; beyond by Stirling's series, which takes as long for every number."""
ROUNDED = ""
"""As a name in a point: decimals of six places and more are balls, around all that may have been rounded to them."""
PLACES = 6
"""A decimal written to six places or more stands for what rounds to it there (math-verify's rule)."""
_COMPUTED_PLACES = 9
"""Places that are right, but for the last, of a decimal that was computed in floating point."""
_UNARY = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "coth": "coth", "sech": "sech", "csch": "csch", "asin": "asin", "acos": "acos", "atan": "atan",
    "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "exp": "exp", "ln": "log", "log": "log",
}  # fmt: skip
Point = Mapping[str, Any]
"""The values of letters: balls, or rationals, which are as precise as all else is."""
_work = local()


class Undefined(ArithmeticError):
    """The expression has no value at this point, or none that can be enclosed."""


class Exhausted(Undefined):
    """Whatever the precision, there is no value: a division by zero, a ball without end."""


def evaluate(node: Node, point: Point) -> Any:
    """The ball of an expression's value where the letters have the values of `point`. Raises Undefined."""
    _work.left = MAX_WORK * 320 // ctx.prec // (8 if point else 1)
    try:
        ball = _value(node, point)
    except (ZeroDivisionError, ValueError, OverflowError, RecursionError) as error:
        raise Exhausted(str(error)) from error
    if not ball.is_finite():
        raise Exhausted("not finite")
    return ball


def _value(node: Node, point: Point) -> Any:
    op = node.op
    if op == "num":
        middle = arb(fmpq(node.value.numerator, node.value.denominator))
        return acb(middle if node.places < PLACES or ROUNDED not in point else _widen(middle, node.places))
    if op == "sym":
        return _symbol(node.name, point)
    if op in ("sum", "prod"):
        return _series(node, point)
    args = [_value(arg, point) for arg in node.args]
    if op == "fn":
        return _unknown(node.name, args)
    a = args[0]
    if op == "+":
        return a + args[1]
    if op == "-":
        return a - args[1]
    if op == "*":
        return a * args[1]
    if op == "/":
        if args[1].contains(0):
            raise Exhausted("division by zero")
        return a / args[1]
    if op == "neg":
        return -a
    if op == "^":
        return _power(a, args[1], node.args[1])
    if op == "root":
        return _root(a, args[1], node.args[1])
    if op == "log" and len(args) == 2:
        return a.log() / args[1].log()
    if op in _UNARY:
        return getattr(a, _UNARY[op])()
    if op in ("floor", "ceil"):
        return _step(op, a, None if point else node.args[0])
    return _other(op, args)


def tolerance(places: int) -> Fraction:
    """How far from a decimal of so many places the number may lie that it stands for: half a unit of the sixth place,
    nearly a unit of a later one, where a writer may also have cut off; 0 for a shorter one."""
    if places < PLACES:
        return Fraction(0)
    unit = Fraction(1, 10 ** min(places, _COMPUTED_PLACES))
    return unit / 2 if places == PLACES else unit * Fraction(99, 100)


def _widen(middle: Any, places: int) -> Any:
    """All numbers that a decimal may stand for."""
    away = tolerance(places)
    return middle + arb(0, arb(fmpq(away.numerator, away.denominator)))


def _symbol(name: str, point: Point) -> Any:
    if name in point:
        value = point[name]
        return acb(arb(fmpq(value.numerator, value.denominator))) if isinstance(value, Fraction) else value
    if name == "pi":
        return acb.pi()
    if name == "e":
        return acb(1).exp()
    if name == "i":
        return acb(0, 1)
    if name == "degree":
        return acb.pi() / 180
    raise Undefined(f"{name} has no value")


def _power(base: Any, exponent: Any, written: Node) -> Any:
    if written.op == "num" and written.value.denominator == 1 and abs(written.value) < 1 << 40:
        whole = int(written.value)
        if whole < 0:
            if base.contains(0):
                raise Exhausted("division by zero")
            return 1 / base ** (-whole)
        return base**whole
    if base.contains(0):
        if base == 0 and exponent.real > 0:
            return acb(0)
        raise Exhausted("a power of zero") if base == 0 or not is_precise(base) else Undefined("a power of zero")
    return (exponent * base.log()).exp()


def _root(a: Any, degree: Any, written: Node) -> Any:
    """The real root where there is one (odd roots of negative numbers too), else the principal one."""
    if a.contains(0):
        if a == 0:
            return acb(0)
        return a.sqrt() if written.op == "num" and written.value == 2 else (a.log() / degree).exp()
    if written.op == "num" and written.value == 2:
        return a.sqrt()
    if a.imag == 0 and a.real < 0 and written.op == "num" and written.value.denominator == 1 and written.value % 2 == 1:
        return -((-a).log() / degree).exp()
    return (a.log() / degree).exp()


def _other(op: str, args: list[Any]) -> Any:
    a = args[0]
    if op == "abs":
        return acb(abs(a))
    if op == "!":
        return (a + 1).lgamma().exp() if a.real > MAX_EXACT_FACTORIAL else (a + 1).gamma()
    if op == "!!":
        half = a / 2
        cosine = (acb.pi() * a).cos()
        return acb(2) ** half * (half + 1).gamma() * ((cosine - 1) / 4 * (acb.pi() / 2).log()).exp()
    if op == "binom":
        return (a + 1).gamma() * (args[1] + 1).rgamma() * (a - args[1] + 1).rgamma()
    if op in ("asec", "acsc", "acot"):
        return {"asec": lambda: (1 / a).acos(), "acsc": lambda: (1 / a).asin(), "acot": lambda: (1 / a).atan()}[op]()
    if op in ("max", "min"):
        best = args[0].real
        for other in args[1:]:
            best = best.max(other.real) if op == "max" else best.min(other.real)
        return acb(best)
    if op == "cis":
        return (a * acb(0, 1)).exp()
    if op == "cbrt":
        return _root(a, acb(3), Node("num", value=3))  # type: ignore[arg-type]
    raise Undefined(f"{op} is not evaluated")


def _step(op: str, a: Any, written: Node | None) -> Any:
    """The whole number below or above a ball. Of a number (`written`) that no precision tells from a whole one it must
    be proven to be that."""
    _bound_size(a)
    whole = (a.real.floor() if op == "floor" else a.real.ceil()).unique_fmpz()
    if whole is None and is_precise(a):
        whole = (a.real + arb("0.5")).floor().unique_fmpz()
        if whole is not None and written is not None and not _is_proven(written, int(whole)):
            raise Undefined("a step beside a whole number")
    if whole is None:
        raise Exhausted("a step of no number")
    return acb(int(whole))


def _is_proven(node: Node, whole: int) -> bool:
    from pipeline.verify.compare.proof import prove_zero

    bits, left = ctx.prec, _work.left
    try:
        return prove_zero(Node("-", (node, Node("num", value=Fraction(whole))))) is True
    finally:
        ctx.prec, _work.left = bits, left


def _unknown(name: str, args: list[Any]) -> Any:
    """A function that is only named: a fixed smooth stand-in, another for each name."""
    seed = acb(zlib.crc32(name.encode()) % 9973 + 17) / 1009
    total = acb(0)
    for position, arg in enumerate(args):
        total += (arg * (seed + position)).sin() + arg / (position + 3)
    return total + seed


def _series(node: Node, point: Point) -> Any:
    first, last = (_value(arg, point) for arg in node.args[:2])
    for bound in (first, last):
        _bound_size(bound)
    bounds = [bound.real.unique_fmpz() for bound in (first, last)]
    if None in bounds:
        raise Undefined("a sum between bounds that are no integers")
    if int(bounds[1]) - int(bounds[0]) > MAX_TERMS:
        raise Exhausted("a sum of too many terms")
    total = acb(0 if node.op == "sum" else 1)
    size = count_operations(node.args[2])
    for k in range(int(bounds[0]), int(bounds[1]) + 1):
        _work.left -= size
        if _work.left < 0:
            raise Exhausted("sums of too many terms")
        term = _value(node.args[2], {**point, node.name: acb(k)})
        total = total + term if node.op == "sum" else total * term
    return total


def _bound_size(ball: Any) -> None:
    """Raises Exhausted where a ball's whole part has more digits than anything may be written out with."""
    if not abs(ball).upper() < arb(2) ** MAX_FLOOR_BITS:
        raise Exhausted("a step of too large a number")


@lru_cache(maxsize=1 << 10)
def count_operations(node: Node) -> int:
    """The operations and letters of an expression, each once."""
    return 1 + sum(map(count_operations, node.args))


def is_precise(ball: Any) -> bool:
    """Whether a ball is finite and no wider than 2^-200 of its size, or of 1 where it is smaller."""
    return bool(ball.is_finite()) and bool(ball.real.rad() + ball.imag.rad() < arb(2) ** -200 * (1 + abs(ball)))


def set_precision(bits: int) -> None:
    """The precision of all balls of this thread, in bits."""
    ctx.prec = bits
