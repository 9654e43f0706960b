"""Named sets of numbers, and where a set's members or the sets of a union are parted."""

from __future__ import annotations

from math import ceil, floor

from pipeline.verify.reader.build import number
from pipeline.verify.reader.regions import LINE, half_line
from pipeline.verify.reader.structure import brackets_hold, split
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Many, Piece, Quantity, Region, Unreadable, Value, Word

_WRITTEN_SETS = {"mathbb Z": "the integers", "mathbb N": "the natural numbers", "mathbb C": "complex numbers",
                 "mathbb Q": "the rational numbers"}  # fmt: skip


def read_set_name(tokens: tuple[Token, ...]) -> Value:
    """`\\mathbb{R}`, also of one sign and without zero, as a region; other sets of numbers by name."""
    script = "".join(token.text for token in tokens[1:]).translate(str.maketrans("", "", "_^{} "))
    if tokens[0].text != "mathbb R":
        if tokens[0].text not in _WRITTEN_SETS:
            raise Unreadable(f"cannot read \\{tokens[0].text}")
        return Word(f"{_WRITTEN_SETS[tokens[0].text]} {script}".strip())
    sign = {"": "", "+": ">", "-": "<", ">0": ">", "<0": "<", "ge0": "ge", "le0": "le", "*": "ne", "+*": ">",
            "*+": ">", "-*": "<", "*-": "<"}.get(script)  # fmt: skip
    if sign is None:
        raise Unreadable(f"cannot read the script of \\mathbb{{R}}: {script!r}")
    if sign == "ne":
        return Region((half_line("<", number(0)), half_line(">", number(0))))
    return Region((half_line(sign, number(0)) if sign else LINE,))


WHOLE = {
    "inmathbb Z": None,
    "inmathbb N": 0,
    "inmathbb Z^+": 1,
    "inmathbb Z^{+}": 1,
    "inmathbb N^*": 1,
    "inmathbb N^{*}": 1,
}
"""What is said of the letter of a set of whole numbers, and the least of these. No set with 0 in it depends on whether
the natural numbers begin there but one that reaches below 1."""
MAX_WHOLE = 200


def list_whole(pieces: tuple[Piece, ...], domain: str) -> Many:
    """The whole numbers in some bounded pieces, as the set of them. Raises Unreadable for any other."""
    least = WHOLE[domain]
    members: list[Value] = []
    for piece in pieces:
        low = number(least) if piece.low is None and least is not None else piece.low
        ends = (low, piece.high)
        if any(end is None or end.op != "num" for end in ends) or low is None or piece.high is None:
            raise Unreadable("a set of whole numbers without bounds that are numbers")
        first, last = ceil(low.value), floor(piece.high.value)
        first += int(first == low.value and piece.low is not None and not piece.closed[0])
        last -= int(last == piece.high.value and not piece.closed[1])
        if least is not None:
            first = max(first, least)
        if last - first >= MAX_WHOLE or (domain == "inmathbb N" and first == 0 <= last):
            raise Unreadable("a set of whole numbers that is too large, or may begin at 0 or 1")
        members += [Quantity(number(each)) for each in range(first, last + 1)]
    return Many(tuple(members), "set")


def split_union(tokens: tuple[Token, ...], sign: str) -> list[tuple[tuple[Token, ...], str]]:
    """The parts between signs outside of brackets; among intervals such as `]0,1[`, between all signs."""
    turned = _is(tokens[0], "]") or _is(tokens[-1], "[")
    if not turned:
        return split(tokens, lambda token: _is(token, sign))
    parts, start = [], 0
    for at, token in enumerate(tokens):
        if _is(token, sign):
            parts.append((tokens[start:at], sign))
            start = at + 1
    return [*parts, (tokens[start:], "")]


def split_difference(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The sets in braces that a minus stands between."""
    if tokens[-1].kind != "command" or not _is(tokens[-1], "}"):
        return []
    parts = [part for part, _ in split(tokens, lambda token: _is(token, "-"))]
    first = parts[0]
    if len(first) == 1 and first[0].text == "mathbb R":
        return parts if all(part and _is(part[0], "{") and brackets_hold(part) for part in parts[1:]) else []
    if tokens[0].kind != "command":
        return []
    return parts if all(part and _is(part[0], "{") and brackets_hold(part) for part in parts) else []


def split_members(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The parts between semicolons, with their commas as decimal points, or else between commas."""
    parts = [part for part, _ in split(tokens, lambda token: _is(token, ";"))]
    if len(parts) > 1:
        return [_point_commas(part) for part in parts]
    return [part for part, _ in split(tokens, lambda token: _is(token, ","))]


def _point_commas(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    for at in range(1, len(tokens) - 1):
        before, comma, after = tokens[at - 1 : at + 2]
        if _is(comma, ",") and before.text.isdigit() and after.text.isdigit() and not after.spaced:
            joined = Token("number", f"{before.text}.{after.text}", before.spaced)
            return _point_commas((*tokens[: at - 1], joined, *tokens[at + 2 :]))
    return tokens


def _is(token: Token, *texts: str) -> bool:
    return token.kind in ("mark", "command") and token.text in texts
