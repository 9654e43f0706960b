"""Builds expressions, folding rational arithmetic exactly while it stays small."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial, gcd, lcm

from pipeline.verify.reader.values import Node, Unreadable

MAX_BITS = 1 << 18
"""Bits of an exact rational: 2024^4046 has 44,432; larger ones are compared as balls."""
MAX_FACTORIAL = 20_000


def number(value: Fraction | int, places: int = 0) -> Node:
    """A rational number."""
    return Node("num", value=Fraction(value), places=places)


def symbol(name: str) -> Node:
    """A letter, or a constant such as pi."""
    return Node("sym", name=name)


def call(op: str, *args: Node) -> Node:
    """An operation on expressions; on numbers its value, where that is rational and small."""
    if all(arg.op == "num" for arg in args):
        folded = _fold(op, [arg.value for arg in args])
        if folded is not None:
            return Node("num", value=folded, places=max(arg.places for arg in args) if op == "neg" else 0)
    return Node(op, args)


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _fold(op: str, values: list[Fraction]) -> Fraction | None:
    a = values[0]
    b = values[1] if len(values) > 1 else Fraction(0)
    if sum(map(_bits, values)) > MAX_BITS:
        return None
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if op == "neg":
        return -a
    if op == "/":
        if not b:
            raise Unreadable("division by zero")
        return a / b
    if op == "^":
        return _power(a, b)
    if op == "!" and a.denominator == 1 and 0 <= a <= MAX_FACTORIAL:
        return Fraction(factorial(int(a)))
    if op == "!!" and a.denominator == 1 and -1 <= a <= 4000:
        product = 1
        for factor in range(int(a), 0, -2):
            product *= factor
        return Fraction(product)
    if op == "binom" and a.denominator == b.denominator == 1 and 0 <= b <= a <= MAX_FACTORIAL:
        return Fraction(comb(int(a), int(b)))
    if op == "abs":
        return abs(a)
    if op == "floor":
        return Fraction(a.numerator // a.denominator)
    if op == "ceil":
        return Fraction(-(-a.numerator // a.denominator))
    if op in ("max", "min"):
        return max(values) if op == "max" else min(values)
    if op in ("gcd", "lcm", "mod") and all(value.denominator == 1 for value in values):
        if op == "mod":
            return a % b if b else None
        return Fraction((gcd if op == "gcd" else lcm)(*map(int, values)))
    return None


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1:
        return None
    if not base and exponent <= 0:
        raise Unreadable("0 to a power that is not positive")
    if abs(exponent) > MAX_BITS or max(_bits(base) - 1, 1) * abs(int(exponent)) > MAX_BITS:
        return None if abs(base) not in (0, 1) else base if exponent % 2 else abs(base)
    return base ** int(exponent)


def bind_index(term: Node, letter: str, read: Callable[[str], Node]) -> Node:
    """The term of a sum over `letter`, with letters that have it in their index as functions of the index: a_{k+1}."""
    if term.op == "sym" and "_" in term.name and letter in term.name:
        name, _, index = term.name.partition("_")
        return Node("fn", (read(index),), name=f"{name}_")
    args = tuple(bind_index(arg, letter, read) for arg in term.args)
    return Node(term.op, args, term.value, term.name, term.places)
