"""When an equation or inequality accepts another, or the expression that solves it."""

from __future__ import annotations

from pipeline.verify.compare.expressions import Answer, compare, letters, proportional, subtract
from pipeline.verify.compare.letters import substitute
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Equation, Node, Quantity

DEPENDENT = ("\\rho", "r", "y", "z", "w", "u", "s", "v", "T", "S", "A", "V", "P", "I")
"""Letters that an expression alone may be the value of: `x^2` where the label is `y = x^2`."""


def accept_equation(left: Equation, right: Equation) -> Answer:
    """Equal relations whose differences of sides are equal; for `=` and `!=` proportional, or one of them solved."""
    if left.relation != right.relation:
        return "differ"
    if left == right:
        return "same"
    first, second = subtract(left.left, left.right), subtract(right.left, right.right)
    if left.relation not in ("=", "ne"):
        return compare(first, second)
    verdict = proportional(first, second)
    for equation, solved in ((left, right), (right, left)):
        name = solved.left.name
        given = letters(solved.right)
        if verdict == "same" or solved.left.op != "sym" or not given or name in given:
            continue
        if name in letters(equation.left) | letters(equation.right) and _solves(equation, name, solved.right) == "same":
            return "same"
    return verdict


def accept_solved(label: Equation, answer: Quantity) -> Answer:
    """`6/x` where the label is `xy = 6`: the one other letter, in which the equation is linear, given by the rest."""
    free = letters(label.left) | letters(label.right)
    solved = free - letters(answer.node)
    if label.relation != "=" or len(solved) != 1 or not letters(answer.node) <= free or not letters(answer.node):
        return "differ"
    (name,) = solved
    if name not in DEPENDENT or answer.unit or answer.percent:
        return "differ"
    return _solves(label, name, answer.node)


def _solves(equation: Equation, name: str, node: Node) -> Answer:
    """Whether an equation that is linear in a letter holds for an expression in its place."""
    gap = subtract(equation.left, equation.right)
    steps = [substitute(gap, name, number(value)) for value in (1, 2, 3)]
    if compare(call("+", steps[0], steps[2]), call("*", number(2), steps[1])) != "same":
        return "differ"
    if compare(steps[0], steps[1]) == "same":
        return "differ"
    return compare(substitute(gap, name, node), number(0))
