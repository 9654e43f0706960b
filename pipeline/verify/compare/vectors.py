"""Vectors written by their unit vectors, `2\\vec{i} + 3\\vec{j}`, and points with their names, `P(2, 3)`, as tuples."""

from __future__ import annotations

from pipeline.verify.compare.expressions import compare, letters
from pipeline.verify.compare.letters import substitute
from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.values import Node, Quantity, Sequence, Value

_UNITS = (
    ("vector i", "vector j", "vector k"),
    ("hat i", "hat j", "hat k"),
    ("hat imath", "hat jmath", "hat k"),
    ("overline i", "overline j", "overline k"),
    ("i", "j", "k"),
)


def as_tuple(value: Value, length: int) -> Value:
    """The tuple that a vector or point is beside a tuple of some length; anything else as it is."""
    if not isinstance(value, Quantity) or value.unit or value.percent:
        return value
    node = value.node
    if node.op == "fn" and len(node.args) > 1 and node.name.isupper():
        return Sequence(tuple(map(Quantity, node.args)))
    if length not in (2, 3):
        return value
    for names in _UNITS:
        if letters(node) & set(names) and (parts := _components(node, names)) is not None:
            return (
                Sequence(tuple(map(Quantity, parts[:length])))
                if length == 3 or compare(parts[2], number(0)) == "same"
                else value
            )
    return value


def _components(node: Node, names: tuple[str, ...]) -> list[Node] | None:
    """The factors of the unit vectors, where an expression is their sum and nothing else."""
    parts, total = [], number(0)
    for name in names:
        part = node
        for each in names:
            part = substitute(part, each, number(int(each == name)))
        parts.append(part)
        total = call("+", total, call("*", part, symbol(name)))
    return parts if compare(total, node) == "same" else None
