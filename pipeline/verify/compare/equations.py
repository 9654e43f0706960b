"""When an equation or inequality accepts another, or the expression that solves it."""

from __future__ import annotations

from pipeline.verify.compare.expressions import Answer, compare, letters, proportional, subtract
from pipeline.verify.compare.letters import substitute
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Equation, Quantity

DEPENDENT = ("\\rho", "r", "y", "z", "w", "u", "s", "v", "T", "S", "A", "V", "P", "I")
"""Letters that an expression alone may be the value of: `x^2` where the label is `y = x^2`."""


def accept_equation(left: Equation, right: Equation) -> Answer:
    """Equal relations whose differences of sides are equal, or for `=` and `!=` proportional."""
    if left.relation != right.relation:
        return "differ"
    first, second = subtract(left.left, left.right), subtract(right.left, right.right)
    if left.relation in ("=", "ne"):
        return proportional(first, second)
    return compare(first, second)


def accept_solved(label: Equation, answer: Quantity) -> Answer:
    """`6/x` where the label is `xy = 6`: the one other letter, in which the equation is linear, given by the rest."""
    free = letters(label.left) | letters(label.right)
    solved = free - letters(answer.node)
    if label.relation != "=" or len(solved) != 1 or not letters(answer.node) <= free or not letters(answer.node):
        return "differ"
    (name,) = solved
    if name not in DEPENDENT or answer.unit or answer.percent:
        return "differ"
    gap = subtract(label.left, label.right)
    steps = [substitute(gap, name, number(value)) for value in (1, 2, 3)]
    if compare(call("+", steps[0], steps[2]), call("*", number(2), steps[1])) != "same":
        return "differ"
    return compare(substitute(gap, name, answer.node), number(0))
