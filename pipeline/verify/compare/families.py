"""Whether two families over the whole numbers are one: the same letter written, or the same set of numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import acb

from pipeline.verify.compare.evaluate import Undefined, evaluate, set_precision
from pipeline.verify.compare.expressions import Answer, compare_balls, letters
from pipeline.verify.compare.precision import MAX_PRECISION, bits_for
from pipeline.verify.reader.values import Node

_INNER, _OUTER = range(-4, 5), range(-14, 15)
"""Members of one family that must be among these of the other: families are steps of a few turns, shifted a little."""


def same_members(left: tuple[Node, ...], right: tuple[Node, ...], names: tuple[str, str]) -> Answer:
    """Whether two families of numbers, each with its letter running over the integers, have the same members."""
    bits = max(bits_for(a, b, {}) for a in left for b in right)
    if bits > MAX_PRECISION:
        return "unknown"
    set_precision(bits)
    others = sorted((frozenset().union(*map(letters, left + right))) - set(names))
    for turn in (Fraction(7, 19), Fraction(31, 13)):
        point: dict[str, Any] = {name: turn * (at + 1) for at, name in enumerate(others)}
        try:
            for a, b, (name_a, name_b) in ((left, right, names), (right, left, names[::-1])):
                wide = [evaluate(node, {**point, name_b: acb(k)}) for node in b for k in _OUTER]
                for node in a:
                    for k in _INNER:
                        value = evaluate(node, {**point, name_a: acb(k)})
                        if not any(compare_balls(value, other, bits) == "same" for other in wide):
                            return "differ"
        except Undefined:
            return "unknown"
    return "same"
