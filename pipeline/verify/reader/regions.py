"""Sets of reals from inequalities and intervals: their union and intersection."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from pipeline.verify.compare.expressions import sign
from pipeline.verify.reader.build import call
from pipeline.verify.reader.values import Node, Piece, Unreadable

LINE = Piece(None, None, (False, False))


def order(left: Node, right: Node) -> int:
    """-1, 0 or 1. Raises Unreadable where two ends cannot be ordered."""
    if left == right:
        return 0
    found = sign(call("-", left, right))
    if found is None:
        raise Unreadable("ends that cannot be ordered")
    return found


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


def complement(points: Iterable[Node]) -> tuple[Piece, ...]:
    """The reals without some points."""
    pieces: tuple[Piece, ...] = (LINE,)
    for point in points:
        pieces = intersect(pieces, (half_line("<", point), half_line(">", point)))
    return pieces
