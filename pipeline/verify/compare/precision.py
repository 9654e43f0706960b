"""How many bits two expressions must agree to before their agreement says anything.

A difference can only hide behind the working precision where a part of an expression is as small, or as large, as that:
`x + 10^{-100}` is `x` to 320 bits. So the bits are counted that the numbers and powers of an expression span.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.verify.compare.evaluate import Undefined, evaluate
from pipeline.verify.reader.values import Node

USUAL = 320
MAX_PRECISION = 1 << 16
_SPANS = 4
"""Bits of precision for each bit that an expression spans: its parts cancel each other to a few of their orders."""
_CAP = float(1 << 40)
_EXPONENTIAL = frozenset(("exp", "sinh", "cosh", "tanh", "coth", "sech", "csch"))


def bits_for(left: Node, right: Node, point: Mapping[str, Any]) -> int:
    """The precision at which the agreement of two expressions is no accident; over MAX_PRECISION there is none."""
    return max(USUAL, int(_SPANS * min(_span(left, point) + _span(right, point), _CAP)))


def agreement(bits: int) -> int:
    """The bits after the point that values must have alike at a precision: the rest is lost to rounding."""
    return bits * 5 // 8


def _span(node: Node, point: Mapping[str, Any]) -> float:
    op = node.op
    if op == "num":
        return float(max(node.value.numerator.bit_length(), node.value.denominator.bit_length()))
    if op == "sym":
        return 2.0
    inner = sum(_span(arg, point) for arg in node.args)
    if op == "^":
        if (exponent := node.args[1]).op == "num":
            return min(max(1.0, abs(float(exponent.value))) * _span(node.args[0], point), _CAP)
        return min(inner + _size(exponent, point) * max(2.0, _span(node.args[0], point)), _CAP)
    if op in _EXPONENTIAL:
        return min(inner + 1.5 * _size(node.args[0], point), _CAP)
    return inner


def _size(node: Node, point: Mapping[str, Any]) -> float:
    """The size of an exponent, 0 where it has no value here."""
    try:
        return min(float(abs(evaluate(node, point)).upper()), _CAP)
    except (Undefined, OverflowError):
        return 0.0
