"""Sets of reals from inequalities and intervals: their union and intersection."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from pipeline.verify.compare.expressions import sign
from pipeline.verify.reader.build import call
from pipeline.verify.reader.values import Many, Node, Piece, Quantity, Region, Sequence, Unreadable, Value

LINE = Piece(None, None, (False, False))


def order(left: Node, right: Node) -> int:
    """-1, 0 or 1. Raises Unreadable where two ends cannot be ordered."""
    if left == right:
        return 0
    difference = sign(call("-", left, right))
    if difference is None:
        raise Unreadable("ends that cannot be ordered")
    return difference


def half_line(relation: str, end: Node) -> Piece:
    """The piece of x where `x relation end` holds, for <, >, le, ge."""
    closed = relation in ("le", "ge")
    if relation in ("<", "le"):
        return Piece(None, end, (False, closed))
    return Piece(end, None, (closed, False))


def intersect(left: Iterable[Piece], right: Iterable[Piece]) -> tuple[Piece, ...]:
    """What lies in both."""
    common = []
    rights = tuple(right)
    for a in left:
        for b in rights:
            low, low_closed = _tighter(a.low, a.closed[0], b.low, b.closed[0], 1)
            high, high_closed = _tighter(a.high, a.closed[1], b.high, b.closed[1], -1)
            if low is not None and high is not None:
                gap = order(low, high)
                if gap > 0 or (gap == 0 and not (low_closed and high_closed)):
                    continue
            common.append(Piece(low, high, (low_closed, high_closed)))
    return tuple(common)


def _tighter(a: Node | None, a_closed: bool, b: Node | None, b_closed: bool, side: int) -> tuple[Node | None, bool]:
    if a is None or b is None:
        return (b, b_closed) if a is None else (a, a_closed)
    gap = order(a, b) * side
    if gap == 0:
        return a, a_closed and b_closed
    return (a, a_closed) if gap > 0 else (b, b_closed)


def merge(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The union, as pieces that do not touch, in order. Pieces with letters stay as they are written."""
    given = list(pieces)
    try:
        given.sort(key=cmp_to_key(_before))
        merged: list[Piece] = []
        for piece in given:
            if merged and _touch(merged[-1], piece):
                merged[-1] = _join(merged[-1], piece)
            else:
                merged.append(piece)
    except Unreadable:
        return tuple(given)
    return tuple(merged)


def _before(left: Piece, right: Piece) -> int:
    if left.low is None or right.low is None:
        return (left.low is not None) - (right.low is not None)
    return order(left.low, right.low) or int(right.closed[0]) - int(left.closed[0])


def _touch(left: Piece, right: Piece) -> bool:
    if left.high is None or right.low is None:
        return True
    gap = order(left.high, right.low)
    return gap > 0 or (gap == 0 and (left.closed[1] or right.closed[0]))


def _join(left: Piece, right: Piece) -> Piece:
    if left.high is None or right.high is None:
        return Piece(left.low, None, (left.closed[0], False))
    gap = order(left.high, right.high)
    closed = left.closed[1] if gap > 0 else right.closed[1] if gap < 0 else left.closed[1] or right.closed[1]
    return Piece(left.low, left.high if gap > 0 else right.high, (left.closed[0], closed))


def complement(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The reals outside of some pieces."""
    rest: tuple[Piece, ...] = (LINE,)
    for piece in pieces:
        outside = []
        if piece.low is not None:
            outside.append(half_line("<" if piece.closed[0] else "le", piece.low))
        if piece.high is not None:
            outside.append(half_line(">" if piece.closed[1] else "ge", piece.high))
        rest = intersect(rest, outside)
    return merge(rest)


def combine_regions(values: list[Value], sign: str) -> Region:
    """The union ("cup"), intersection ("cap") or difference ("setminus") of regions. Raises Unreadable for others."""
    pieces = as_pieces(values[0])
    for value in values[1:]:
        other = as_pieces(value)
        if sign == "cup":
            pieces = (*pieces, *other)
        else:
            pieces = intersect(pieces, other if sign == "cap" else complement(other))
    return Region(merge(pieces))


def as_pieces(value: Value) -> tuple[Piece, ...]:
    """The pieces of a region, of a pair that can be an open interval, or of listed points."""
    if isinstance(value, Region):
        return value.pieces
    if isinstance(value, Sequence) and len(value.items) == 2 and value.ends == "()":
        low, high = value.items
        if isinstance(low, Quantity) and isinstance(high, Quantity):
            return (Piece(low.node, high.node, (False, False)),)
    if isinstance(value, Many) and all(isinstance(item, Quantity) for item in value.items):
        return tuple(Piece(item.node, item.node, (True, True)) for item in value.items if isinstance(item, Quantity))
    raise Unreadable("a union of what is no interval")
