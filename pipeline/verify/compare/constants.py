"""Arbitrary constants: `x^2 + C` and `x^2 + 1 + K` are one, and so are `Ce^{2x}` and `Ae^{2x}`."""

from __future__ import annotations

from itertools import permutations

from pipeline.verify.compare.expressions import Answer, compare, letters
from pipeline.verify.compare.letters import rename, substitute
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Node

_CONSTANTS = ("C", "c", "K", "C_1", "c_1")
"""How a constant of integration is called."""
_SEVERAL = frozenset((*_CONSTANTS, "C_2", "c_2", "C_3", "c_3", "A", "B"))
"""And the constants of a general solution."""
_VARIABLES = frozenset(("x", "t", "u", "y", "z", "s", "w", "r", "v", "\\theta"))
"""The letters that an antiderivative may be of."""


def same_antiderivative(left: Node, right: Node) -> Answer:
    """Whether two expressions of one variable, each plus a constant of integration, differ by a constant."""
    sides = [_split_constant(node) for node in (left, right)]
    if sides[0] is None or sides[1] is None:
        return "differ"
    free = letters(sides[0]) | letters(sides[1])
    if len(free) != 1 or not free <= _VARIABLES:
        return "differ"
    gap = call("-", sides[0], sides[1])
    (name,) = free
    shifted = substitute(gap, name, call("+", Node("sym", name=name), number(1)))
    if compare(substitute(gap, name, number(2)), substitute(gap, name, number(3))) == "differ":
        return "differ"
    return compare(gap, shifted)


def _split_constant(node: Node) -> Node | None:
    """What stands before the constant that is added at the end, or None."""
    if node.op != "+" or node.args[1].op != "sym" or node.args[1].name not in _CONSTANTS:
        return None
    before = node.args[0]
    return before if node.args[1].name not in letters(before) else None


def same_solution(left: Node, right: Node) -> Answer:
    """Whether two general solutions are one but for the names of their constants."""
    sides = [letters(node) & _SEVERAL for node in (left, right)]
    free = (letters(left) | letters(right)) - _SEVERAL
    if not 0 < len(sides[0]) == len(sides[1]) < 4 or not sides[0] & _MARKED or not free or not free <= _VARIABLES:
        return "differ"
    if sides[0] != sides[1] and {name[0] for name in sides[0]} & {name[0] for name in sides[1]}:
        return "differ"
    names = sorted(sides[0])
    for order in permutations(sorted(sides[1])):
        renamed = right
        for at, name in enumerate(order):
            renamed = rename(renamed, name, f"constant {at}")
        for at, name in enumerate(names):
            renamed = rename(renamed, f"constant {at}", name)
        if compare(left, renamed) == "same":
            return "same"
    return "differ"


_MARKED = _SEVERAL - {"A", "B"}
