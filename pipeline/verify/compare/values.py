"""When a label accepts an answer: a closed table of pairs of value types."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.verify.compare.equations import DEPENDENT, accept_equation, accept_solved
from pipeline.verify.compare.expressions import Answer, compare, letters
from pipeline.verify.compare.families import same_members
from pipeline.verify.compare.letters import mentions_pi, rename, rename_letter, value_letters
from pipeline.verify.compare.quantities import accept_quantity
from pipeline.verify.compare.vectors import as_tuple
from pipeline.verify.compare.words import fraction_of, same_words, says_all_reals, says_empty
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.regions import LINE
from pipeline.verify.reader.values import (
    Cases,
    Clock,
    Conditioned,
    Equation,
    Family,
    Many,
    Matrix,
    Named,
    Node,
    Numeral,
    Piece,
    Quantity,
    Ratio,
    Region,
    Sequence,
    Value,
    Word,
)

_COORDINATES = frozenset("xyz")
_PERIODS = frozenset("kn")
"""Letters that count turns where an angle is given up to them."""


def accept(label: Value, answer: Value) -> Answer:
    """Whether `answer` is right when `label` is."""
    if isinstance(label, Quantity) and isinstance(answer, Quantity) and label.node.op == answer.node.op == "num":
        return accept_quantity(label, answer)
    if isinstance(label, Conditioned) or isinstance(answer, Conditioned):
        return _accept_conditioned(label, answer)
    if isinstance(label, Family) or isinstance(answer, Family):
        return _accept_family(label, answer)
    if (renamed := _rename_period(label, answer)) is not None:
        return accept(label, renamed)
    if isinstance(label, Named) or isinstance(answer, Named):
        return _accept_named(label, answer)
    if isinstance(label, Quantity) and isinstance(answer, Quantity):
        return accept_quantity(label, answer)
    if isinstance(label, Word) or isinstance(answer, Word):
        return _accept_word(label, answer)
    if isinstance(label, Many) or isinstance(answer, Many):
        return _accept_many(label, answer)
    if isinstance(label, Region) or isinstance(answer, Region):
        return _accept_region(label, answer)
    if isinstance(label, Equation) and isinstance(answer, Equation):
        return accept_equation(label, answer)
    if isinstance(label, Equation) and isinstance(answer, Quantity):
        return accept_solved(label, answer)
    if isinstance(label, Sequence | Matrix) != isinstance(answer, Sequence | Matrix):
        label, answer = as_tuple(label, _length(answer)), as_tuple(answer, _length(label))
    if isinstance(label, Sequence | Matrix) and isinstance(answer, Sequence | Matrix):
        return _accept_sequence(label, answer)
    if isinstance(label, Ratio) or isinstance(answer, Ratio):
        return _accept_ratio(label, answer)
    if isinstance(label, Cases) and isinstance(answer, Cases):
        return _accept_cases(label, answer)
    if isinstance(label, Numeral | Clock) and type(label) is type(answer):
        return "same" if label == answer else "differ"
    return "differ"


def _accept_word(label: Value, answer: Value) -> Answer:
    if isinstance(label, Word) and isinstance(answer, Word):
        return "same" if same_words(label.text, answer.text) else "differ"
    word, other = (label, answer) if isinstance(label, Word) else (answer, label)
    if not isinstance(word, Word):
        return "differ"
    if isinstance(other, Region):
        return "same" if other.pieces == (LINE,) and says_all_reals(word.text) else "differ"
    if isinstance(other, Quantity):
        count = None if other.unit or other.percent else fraction_of(word.text)
        return "differ" if count is None else compare(other.node, number(count))
    empty = isinstance(other, Many) and not other.items
    return "same" if says_empty(word.text) and empty else "differ"


def _accept_family(label: Value, answer: Value) -> Answer:
    """Families are equal with the letter renamed, or as sets of numbers; one side may leave out what it runs over."""
    families = []
    for side, other in ((label, answer), (answer, label)):
        if isinstance(side, Family):
            families.append(side)
            continue
        free = sorted(value_letters(side))
        if isinstance(other, Family) and other.letter in free:
            families.append(Family(side, other.letter, other.domain))
        elif isinstance(other, Family) and len(free) == 1:
            families.append(Family(side, free[0], other.domain))
        else:
            return "differ"
    left, right = families
    if left.domain != right.domain:
        return "differ"
    verdict = accept(left.value, rename_letter(right.value, right.letter, left.letter))
    if verdict == "same" or left.domain != "Z":
        return verdict
    members = [_numbers(side.value) for side in families]
    if not members[0] or not members[1] or left.letter in value_letters(right.value) - {right.letter}:
        return verdict
    return same_members(members[0], members[1], (left.letter, right.letter))


def _rename_period(label: Value, answer: Value) -> Value | None:
    """The answer with its letter renamed to the label's where both are angles up to turns: `\\pi k` is `\\pi n`."""
    if isinstance(label, Named | Equation) and isinstance(answer, Named | Equation) and label == answer:
        return None
    sides = [value_letters(side.value if isinstance(side, Named) else side) for side in (label, answer)]
    if any(len(side) != 1 for side in sides) or sides[0] == sides[1] or not (sides[0] | sides[1]) <= _PERIODS:
        return None
    if not all(mentions_pi(side) and not _is_product(side) for side in (label, answer)):
        return None
    (new,), (old,) = sides
    return rename_letter(answer, old, new)


def _is_product(value: Value) -> bool:
    """Whether a value is one bare product: `\\pi n` may be an area; an angle and its turns, or `x = \\pi n`, is a
    family."""
    return isinstance(value, Quantity) and value.node.op not in ("+", "-")


def _numbers(value: Value) -> tuple[Node, ...]:
    """The expressions of a value that is one or several numbers, else nothing."""
    if isinstance(value, Named):
        return _numbers(value.value)
    if isinstance(value, Quantity):
        return (value.node,) if not value.unit and not value.percent else ()
    if isinstance(value, Many):
        inner = [_numbers(item) for item in value.items]
        return tuple(node for nodes in inner for node in nodes) if all(inner) else ()
    return ()


def _all(answers: Iterable[Answer]) -> Answer:
    verdict: Answer = "same"
    for answer in answers:
        if answer == "differ":
            return "differ"
        if answer == "unknown":
            verdict = "unknown"
    return verdict


def _accept_conditioned(label: Value, answer: Value) -> Answer:
    conditions = [side.condition if isinstance(side, Conditioned) else "" for side in (label, answer)]
    if any("otherwise" in condition or "unless" in condition for condition in conditions):
        return "same" if label == answer else "differ"
    if all(conditions) and conditions[0] != conditions[1]:
        return "differ"
    if isinstance(label, Family) or isinstance(answer, Family):
        return "differ"
    values = [side.value if isinstance(side, Conditioned) else side for side in (label, answer)]
    return accept(values[0], values[1])


def _accept_named(label: Value, answer: Value) -> Answer:
    if isinstance(label, Named) and isinstance(answer, Named):
        heads = [re.fullmatch(r"([A-Za-z]+)\(([A-Za-z])\)", side.name) for side in (label, answer)]
        values = isinstance(label.value, Quantity) and isinstance(answer.value, Quantity)
        if values and heads[0] and heads[1] and heads[0][1] == heads[1][1] and heads[0][2] != heads[1][2]:
            if heads[0][2] in letters(answer.value.node):  # type: ignore[union-attr]
                return "differ"
            renamed = rename(answer.value.node, heads[1][2], heads[0][2])  # type: ignore[union-attr]
            return compare(label.value.node, renamed)  # type: ignore[union-attr]
        if _one_name(label.name, answer.name):
            return accept(label.value, answer.value)
        if label.equation and answer.equation:
            return accept_equation(label.equation, answer.equation)
        return "differ"
    named, other = (label, answer) if isinstance(label, Named) else (answer, label)
    assert isinstance(named, Named)
    if isinstance(other, Equation):
        return accept_equation(named.equation, other) if named.equation else "differ"
    if isinstance(other, Many) and any(isinstance(item, Named) for item in other.items):
        names = {item.name for item in other.items if isinstance(item, Named)}
        if any(name.partition("_")[0] != named.name for name in names) or (len(names) > 1 and "_" in named.name):
            return "differ"
        members = tuple(item.value if isinstance(item, Named) else item for item in other.items)
        other = Many(members, other.kind)
    if isinstance(other, Word):
        return "differ" if not isinstance(named.value, Word) else accept(named.value, other)
    if not isinstance(label, Named):
        return accept(other, named.value)
    verdict = accept(named.value, other)
    if verdict == "differ" and named.equation and isinstance(other, Quantity):
        return accept_solved(named.equation, other)
    return verdict


def _one_name(left: str, right: str) -> bool:
    if left.lower().replace(" ", "") == right.lower().replace(" ", ""):
        return True
    functions = ["(" in name and not name.startswith("(") for name in (left, right)]
    if all(functions):
        return False
    if any(functions):
        other = right if functions[0] else left
        return other in DEPENDENT
    return False


def _accept_many(label: Value, answer: Value) -> Answer:
    if isinstance(label, Many) and isinstance(answer, Many):
        if len(label.items) != len(answer.items):
            label, answer = _distinct(label), _distinct(answer)
        if len(label.items) != len(answer.items):
            return "differ"
        named = [side for side in (label, answer) if side.items and all(isinstance(item, Named) for item in side.items)]
        if len(named) == 1 and len({item.name for item in named[0].items if isinstance(item, Named)}) == len(
            label.items
        ):
            return _all(map(accept, _in_order(label), _in_order(answer)))
        things = [_things(side) for side in (label, answer)]
        if things[0] and things[1] and set(things[0]) == set(things[1]):
            given = dict(zip(things[1], answer.items, strict=True))
            return _all(accept(item, given[thing]) for thing, item in zip(things[0], label.items, strict=True))
        if things[0] or things[1]:
            return _all(map(accept, label.items, answer.items))
        return _match(label.items, answer.items)
    many, other = (label, answer) if isinstance(label, Many) else (answer, label)
    assert isinstance(many, Many)
    if many.as_number is not None and isinstance(other, Quantity):
        written = many.as_number.node
        whole = written.op == "num" and written.value.denominator == 1
        if whole and written.places and not many.as_number.unit:
            return "differ"
        return accept_quantity(other, many.as_number) if many is answer else accept_quantity(many.as_number, other)
    if isinstance(other, Sequence) and many.kind == "list" and len(many.items) == len(other.items):
        return _all(map(accept, _in_order(label), _in_order(answer)))  # type: ignore[arg-type]
    if (
        isinstance(other, Region)
        and many.kind == "set"
        and many.items
        and all(isinstance(i, Quantity) for i in many.items)
    ):
        points = tuple(Piece(i.node, i.node, (True, True)) for i in many.items if isinstance(i, Quantity))
        return _accept_region(Region(points), other)
    if isinstance(other, Quantity | Sequence | Matrix) and len((many := _distinct(many)).items) == 1:
        label, answer = (many, answer) if other is answer else (label, many)
        return accept(many.items[0], other) if many is label else accept(other, many.items[0])
    return "differ"


def _in_order(listed: Many | Sequence) -> tuple[Value, ...]:
    """The items as a pair or triple has them: `y = 1, x = 2` is (2, 1), for coordinates have an order of their own."""
    names = [item.name for item in listed.items if isinstance(item, Named)]
    if len(names) < len(listed.items) or not set(names) <= _COORDINATES:
        return listed.items
    return tuple(sorted(listed.items, key=lambda item: item.name))  # type: ignore[union-attr]


def _things(many: Many) -> list[str]:
    """What each item of a list counts, where each counts another thing; such a list is in order."""
    things = [item.thing for item in many.items if isinstance(item, Quantity) and item.thing]
    return things if len(set(things)) == len(many.items) > 1 else []


def _distinct(many: Many) -> Many:
    """A set without its repetitions; a bare list keeps them."""
    if many.kind != "set":
        return many
    kept: list[Value] = []
    for item in many.items:
        if all(accept(item, other) != "same" for other in kept):
            kept.append(item)
    return Many(tuple(kept), "set")


def _match(wanted: tuple[Value, ...], given: tuple[Value, ...]) -> Answer:
    left = list(given)
    unsure = False
    for item in wanted:
        for position, candidate in enumerate(left):
            verdict = accept(item, candidate)
            unsure = unsure or verdict == "unknown"
            if verdict == "same":
                del left[position]
                break
        else:
            return "unknown" if unsure else "differ"
    return "same"


def _ends(value: Value) -> Region | None:
    if isinstance(value, Region):
        return value
    if isinstance(value, Sequence) and len(value.items) == 2 and value.ends == "()":
        low, high = value.items
        if isinstance(low, Quantity) and isinstance(high, Quantity):
            return Region((Piece(low.node, high.node, (False, False)),))
    return None


def _accept_region(label: Value, answer: Value) -> Answer:
    left, right = _ends(label), _ends(answer)
    if left is None or right is None:
        pairs = [side for side in (label, answer) if isinstance(side, Region)]
        other = answer if pairs[0] is label else label
        if isinstance(other, Sequence) and len(pairs[0].pieces) == 1 and pairs[0].pieces[0].closed == (True, True):
            piece = pairs[0].pieces[0]
            if piece.low and piece.high and other.ends == "[]":
                return accept(other, Sequence((Quantity(piece.low), Quantity(piece.high)), "[]"))
        return "differ"
    if left.name and right.name and left.name != right.name:
        return "differ"
    if len(left.pieces) != len(right.pieces):
        return "differ"
    return _all(_accept_piece(a, b) for a, b in zip(left.pieces, right.pieces, strict=True))


def _accept_piece(left: Piece, right: Piece) -> Answer:
    if left.closed != right.closed:
        return "differ"
    answers: list[Answer] = []
    for a, b in ((left.low, right.low), (left.high, right.high)):
        if a is None or b is None:
            answers.append("same" if a is b else "differ")
        else:
            answers.append(compare(a, b))
    return _all(answers)


def _accept_sequence(label: Sequence | Matrix, answer: Sequence | Matrix) -> Answer:
    if isinstance(label, Matrix) and isinstance(answer, Matrix):
        if len(label.rows) != len(answer.rows):
            return "differ"
        pairs = list(zip(label.rows, answer.rows, strict=True))
        if any(len(a) != len(b) for a, b in pairs):
            return "differ"
        return _all(compare(x, y) for a, b in pairs for x, y in zip(a, b, strict=True))
    sides = [_components(side) for side in (label, answer)]
    if sides[0] is None or sides[1] is None or len(sides[0]) != len(sides[1]):
        return "differ"
    return _all(map(accept, sides[0], sides[1]))


def _length(value: Value) -> int:
    return len(_components(value) or ()) if isinstance(value, Sequence | Matrix) else 0


def _components(value: Sequence | Matrix) -> tuple[Value, ...] | None:
    if isinstance(value, Sequence):
        return value.items
    if all(len(row) == 1 for row in value.rows):
        return tuple(Quantity(row[0]) for row in value.rows)
    return tuple(Quantity(node) for node in value.rows[0]) if len(value.rows) == 1 else None


def _accept_ratio(label: Value, answer: Value) -> Answer:
    if isinstance(label, Clock) or isinstance(answer, Clock):
        clock, other = (label, answer) if isinstance(label, Clock) else (answer, label)
        if not isinstance(other, Ratio) or not other.clock or not isinstance(clock, Clock):
            return "differ"
        hour, minute = map(int, other.clock.split(":"))
        return (
            "same"
            if clock.minutes in (60 * hour + minute, 60 * (hour + 12) + minute if hour < 12 else -1)
            else "differ"
        )
    if isinstance(label, Ratio) and isinstance(answer, Ratio):
        if label.clock and answer.clock:
            return "same" if label.clock.lstrip("0") == answer.clock.lstrip("0") else "differ"
        if len(label.parts) != len(answer.parts):
            return "differ"
        scaled = [
            (call("*", a, answer.parts[-1]), call("*", b, label.parts[-1]))
            for a, b in zip(label.parts, answer.parts, strict=True)
        ]
        return _all(compare(a, b) for a, b in scaled)
    ratio, other = (label, answer) if isinstance(label, Ratio) else (answer, label)
    if (
        not isinstance(ratio, Ratio)
        or not isinstance(other, Quantity)
        or len(ratio.parts) != 2
        or other.unit
        or other.percent
    ):
        return "differ"
    if ratio.clock and len(ratio.clock.split(":")[1]) == 2 and ratio.clock.split(":")[1][0] in "0123":
        return "differ"
    return compare(call("/", *ratio.parts), other.node)


def _accept_cases(label: Cases, answer: Cases) -> Answer:
    if len(label.rows) != len(answer.rows):
        return "differ"
    left = {condition: value for value, condition in label.rows}
    if set(left) != {condition for _, condition in answer.rows}:
        return "differ"
    return _all(accept(left[condition], value) for value, condition in answer.rows)
