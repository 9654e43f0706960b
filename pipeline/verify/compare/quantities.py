"""When a number with its unit or percent sign accepts another."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pipeline.verify.compare.constants import same_antiderivative, same_solution
from pipeline.verify.compare.expressions import Answer, compare, is_rounding, letters
from pipeline.verify.compare.letters import mentions_i, mentions_pi, substitute
from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.units import MONEY, convert
from pipeline.verify.reader.values import Node, Quantity

PERCENT_FROM = 10
"""A label without % takes the same number with % from here on. Whether 2 means 2% only the statement can say, which
marks the label where it asks for a percentage (`pipeline.verify.ask`); beside a larger number nothing else is meant."""


_ONE_NAME = ({"GBP", "lb"},)
"""Units that one word names: pounds."""


def _is_complex_sum(node: Node) -> bool:
    """Whether a number is a sum of a real and an imaginary part: there an engineer's j is i. Alone j may be another
    letter than i, or another unit vector."""
    return node.op in ("+", "-") and len({mentions_i(Quantity(part)) for part in node.args}) == 2


def accept_quantity(label: Quantity, answer: Quantity) -> Answer:
    """Units agree, converted, where both have one; a percentage is its hundredth, and see PERCENT_FROM."""
    if answer.as_unit is not None and (not letters(label.node) or label.as_unit is not None):
        answer = answer.as_unit if label.as_unit is None or compare(label.node, answer.node) != "same" else answer
    if label.as_unit is not None and (answer.unit or (not letters(answer.node) and "/" in label.as_unit.unit)):
        label = label.as_unit
    if {label.unit, answer.unit} in _ONE_NAME:
        label, answer = replace(label, unit=""), replace(answer, unit="")
    a, b = label.node, answer.node
    if label.unit and answer.unit and label.unit != answer.unit:
        (size_a, dimension_a), (size_b, dimension_b) = convert(label.unit), convert(answer.unit)
        if {label.unit, answer.unit} == {"deg", "rad"}:
            a, b = (call("*", s.node, symbol("degree")) if s.unit == "deg" else s.node for s in (label, answer))
            return compare(a, b)
        if dimension_a != dimension_b:
            per = [side.unit.partition("/") for side in (label, answer)]
            if per[0][0] != per[1][0] or "" not in (per[0][2], per[1][2]) or per[0][0] not in MONEY:
                return "differ"
        elif size_a != size_b:
            a, b = call("*", a, number(size_a)), call("*", b, number(size_b))
    elif bool(label.unit) != bool(answer.unit):
        unit, bare = (label, answer) if label.unit else (answer, label)
        if letters(bare.node) and compare(_spell(unit), bare.node) == "same":
            return "same"
        if unit.unit == "deg" and mentions_pi(bare.node):
            return compare(call("*", unit.node, symbol("degree")), bare.node)
        if unit.unit == "cent":
            return "differ"
    if label.percent == answer.percent:
        verdict = compare(a, b)
        if verdict != "differ" or (a.op == b.op == "num"):
            return "same" if verdict == "differ" and is_rounding(a, b) else verdict
        if is_rounding(a, b) or same_antiderivative(a, b) == "same" or same_solution(a, b) == "same":
            return "same"
        for given, other in ((a, b), (b, a)):
            for name in ("I", "j"):
                if letters(given) == {name} and not letters(other) and (name == "I" or _is_complex_sum(other)):
                    return compare(substitute(given, name, symbol("i")), other)
        return "differ"
    share = number(Fraction(1, 100))
    marked, plain = (label, answer) if label.percent else (answer, label)
    verdict = compare(call("*", marked.node, share), plain.node)
    if verdict == "differ" and label.percent and is_rounding(a, call("*", b, number(100))):
        return "same"
    if verdict == "same" or plain.unit:
        return verdict
    lenient = label.percent or (b.op == "num" and abs(b.value) >= PERCENT_FROM)
    return compare(marked.node, plain.node) if lenient else "differ"


def _spell(value: Quantity) -> Node:
    """The number times its unit with the unit's names as letters: what `3 m` is where m can be a letter."""
    node = value.node
    above, _, below = value.unit.partition("/")
    for op, part in (("*", above), ("/", below)):
        for piece in part.split():
            name, _, power = piece.partition("^")
            node = call(op, node, call("^", symbol(name), number(int(power or 1))))
    return node
