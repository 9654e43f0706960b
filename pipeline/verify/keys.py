"""Names for classes of equal answers: the canonical writing of a value, where its type has one.

Equal keys are equal values. Other answers may still be equal (`\\sqrt{8}` and `2\\sqrt{2}` have no key): `same_class`
compares what keys do not settle. A key is itself a readable answer of its value, so that classes can be stored as text
and joined later.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pipeline.verify.compare.expressions import Answer, compare
from pipeline.verify.compare.values import accept
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.units import convert
from pipeline.verify.reader.values import Many, Named, Node, Numeral, Quantity, Region, Sequence, Value, Word

_MARKUP = "\\{}$"
"""Characters that are no text inside `\\text{}`."""


def write_key(value: Value) -> str | None:
    """The canonical writing of a value of numbers and words, or None for what has no canonical writing here."""
    if isinstance(value, Quantity):
        return None if value.as_unit is not None else _write_quantity(value)
    if isinstance(value, Word):
        written = not any(character.isdigit() or character in _MARKUP for character in value.text)
        return rf"\text{{{value.text.lower()}}}" if written else None
    if isinstance(value, Numeral):
        return f"{value.digits}_{{{value.base}}}"
    if isinstance(value, Named):
        inner = write_key(value.value)
        return None if inner is None or not value.name.isalpha() else f"{value.name} = {inner}"
    if isinstance(value, Sequence):
        return _join([write_key(item) for item in value.items], value.ends[0], value.ends[-1])
    if isinstance(value, Many) and value.as_number is None and len(value.items) > 1:
        keys = [write_key(item) for item in value.items]
        if any(isinstance(item, Many) for item in value.items) or None in keys:
            return None
        ordered = sorted(key for key in keys if key is not None)
        return _join(ordered, r"\{", r"\}") if value.kind == "set" else _join(ordered, "", "")
    if isinstance(value, Region) and len(value.pieces) == 1 and not value.name:
        piece = value.pieces[0]
        ends = [
            infinite if end is None else _write_number(end)
            for end, infinite in ((piece.low, r"-\infty"), (piece.high, r"\infty"))
        ]
        return _join(ends, "[" if piece.closed[0] else "(", "]" if piece.closed[1] else ")")
    return None


def _join(keys: Iterable[str | None], start: str, end: str) -> str | None:
    written = list(keys)
    return f"{start}{', '.join(map(str, written))}{end}" if written and None not in written else None


def _write_quantity(value: Quantity) -> str | None:
    written = _write_number(value.node)
    if written is None:
        return None
    if value.percent:
        return rf"{written}\%"
    return rf"{written} \text{{{value.unit}}}" if value.unit else written


def _write_number(node: Node) -> str | None:
    """A rational; None for other expressions, and for decimals of so many places that they stand for a rounding."""
    if node.op != "num" or node.places >= 6 or node.value.denominator.bit_length() > 1000:
        return None
    return str(node.value) if node.value.numerator.bit_length() <= 1000 else None


def has_unit(value: Value) -> bool:
    """Whether a value is a quantity with a unit."""
    return isinstance(value, Quantity) and bool(value.unit or value.as_unit)


def roughness(value: Value) -> int:
    """Decimal places of what may stand for a rounding: of two equal answers the exact one names their class."""
    return value.node.places if isinstance(value, Quantity) else 0


def same_class(left: Value, right: Value, strict: bool) -> Answer:
    """Whether each of two answers accepts the other.

    `strict`: only as one type of value, with equal units, and a percentage as its value, so that what is equal to one
    thing is equal: `1, 2` accepts the pair (1, 2) and `2, 1`, which are not one answer.
    """
    if strict:
        inner = [side.value if isinstance(side, Named) else side for side in (left, right)]
        if isinstance(inner[0], Quantity) and isinstance(inner[1], Quantity):
            return _same_quantity(inner[0], inner[1]) if accept(left, right) == "same" else "differ"
        if type(inner[0]) is not type(inner[1]):
            return "differ"
    verdict = accept(left, right)
    verdict = accept(right, left) if verdict == "same" else verdict
    units = [side.as_unit if isinstance(side, Quantity) and side.as_unit else side for side in (left, right)]
    return same_class(units[0], units[1], strict) if verdict == "differ" and units != [left, right] else verdict


def _same_quantity(left: Quantity, right: Quantity) -> Answer:
    if left.as_unit != right.as_unit and _same_quantity(left.as_unit or left, right.as_unit or right) == "same":
        return "same"
    sizes = [convert(side.unit) for side in (left, right)]
    if sizes[0][1] != sizes[1][1]:
        return "differ"
    nodes = []
    for side, (size, _) in zip((left, right), sizes, strict=True):
        factor = size * (Fraction(1, 100) if side.percent else 1)
        nodes.append(side.node if factor == 1 else call("*", side.node, number(factor)))
    return compare(nodes[0], nodes[1])
