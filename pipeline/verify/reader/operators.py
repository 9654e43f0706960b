"""Operators over a letter: sums and products, integrals, limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.verify.reader.build import bind_index, call, number, symbol
from pipeline.verify.reader.tokens import GREEK, Token, tokenize
from pipeline.verify.reader.values import Node, Unreadable

MAX_DETERMINANT = 5
"""A determinant is expanded up to here: 120 products."""
_DIFFERENTIAL = re.compile(r"[a-z]{0,2}d[a-z]|d")

if TYPE_CHECKING:
    from pipeline.verify.reader.grammar import Reader


def read_series(reader: Reader, name: str) -> Node:
    """A sum or product over a letter: (letter, first, last, term)."""
    low: list[Node] = []
    high: Node | None = None
    letter = ""
    while reader.at("_", "^"):
        if reader.take().text == "^":
            token = reader.peek()
            if token is not None and token.kind == "word" and len(token.text) == 1:
                reader.take()
                high = symbol(token.text)
            else:
                high = reader.script()
            continue
        reader.expect("{")
        letter = reader.take().text
        reader.expect("=")
        low = [reader.sum()]
        reader.expect("}")
    if not letter or high is None or not low:
        raise Unreadable(f"\\{name} without bounds")
    return Node(
        name,
        (low[0], high, bind_index(reader.product(), letter, lambda index: type(reader)(tokenize(index)).whole())),
        name=letter,
    )


def read_integral(reader: Reader) -> Node:
    """An integral with its differential: (body, and for a definite one the bounds), over the letter `name`."""
    bounds: dict[str, Node] = {}
    while reader.at("_", "^"):
        side = reader.take().text
        bounds[side] = reader.script()
    if len(bounds) == 1:
        raise Unreadable("an integral without one of its bounds")
    end, length, depth, letter, factor = _find_differential(reader.tokens, reader.position)
    rest = reader.tokens[end + length :]
    if depth:
        before = reader.tokens[reader.position : end]
        while before and before[-1].text in ("cdot", "*"):
            before = before[:-1]
        one = (Token("number", "1"),) if before[-1].text == "{" and not factor else ()
        reader.tokens, reader.position = (*before, *factor, *one, *rest), 0
        inner = reader.product()
    else:
        body = (*reader.tokens[reader.position : end], *factor)
        inner = type(reader)(body).whole() if body else number(1)
        reader.position = end + length
    return Node("int", (inner, *(bounds[side] for side in "_^" if side in bounds)), name=letter)


def _find_differential(tokens: tuple[Token, ...], start: int) -> tuple[int, int, int, str, tuple[Token, ...]]:
    """Where `dx` stands, how many tokens and how deep in brackets it is, its letter, and a factor written to it."""
    depth = 0
    for at in range(start, len(tokens)):
        token = tokens[at]
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if token.kind != "word" or depth > 1 or not _DIFFERENTIAL.fullmatch(token.text):
            continue
        if depth and not (at + 1 < len(tokens) and tokens[start].text == "frac"):
            continue
        if token.text != "d":
            factor = (Token("word", token.text[:-2]),) if len(token.text) > 2 else ()
            return at, 1, depth, token.text[-1], factor
        following = tokens[at + 1] if at + 1 < len(tokens) else token
        if following.kind == "command" and following.text in GREEK:
            return at, 2, depth, f"\\{following.text}", ()
        if following.kind == "word" and len(following.text) == 1 and following is not token:
            return at, 2, depth, following.text, ()
    raise Unreadable("an integral without its differential")


def read_determinant(reader: Reader) -> Node:
    """A determinant behind its `\\begin{vmatrix}`, expanded along its first row."""
    rows: list[list[Node]] = [[]]
    start = reader.position
    while True:
        token = reader.take()
        cell = reader.tokens[start : reader.position - 1]
        if token.kind == "row" or token.text == "&" or token.kind == "end":
            if cell or token.text == "&":
                rows[-1].append(type(reader)(cell).whole())
            start = reader.position
        if token.kind == "row":
            rows.append([])
        if token.kind == "end":
            break
    square = tuple(tuple(row) for row in rows if row)
    if not square or len(square) > MAX_DETERMINANT or any(len(row) != len(square) for row in square):
        raise Unreadable(f"a determinant that is not square, or of more than {MAX_DETERMINANT} rows")
    return _expand(square)


def _expand(rows: tuple[tuple[Node, ...], ...]) -> Node:
    if len(rows) == 1:
        return rows[0][0]
    total = number(0)
    for at, factor in enumerate(rows[0]):
        minor = _expand(tuple((*row[:at], *row[at + 1 :]) for row in rows[1:]))
        total = call("-" if at % 2 else "+", total, call("*", factor, minor))
    return total


def read_limit(reader: Reader) -> Node:
    """A limit: (body, point), the letter with the side as `name`."""
    reader.expect("_")
    reader.expect("{")
    letter = reader.take().text
    reader.expect("to")
    point, side = _read_point(reader), ""
    if reader.at("^"):
        reader.take()
        side = reader.raw_group() if reader.at("{") else reader.take().text
    reader.expect("}")
    return Node("lim", (reader.product(), point), name=letter + side)


def _read_point(reader: Reader) -> Node:
    """What a letter goes to, up to the sign that says from which side."""
    end = reader.position
    while end < len(reader.tokens) and reader.tokens[end].text not in ("}", "^"):
        end += 1
    point = type(reader)(reader.tokens[reader.position : end]).whole()
    reader.position = end
    return point
