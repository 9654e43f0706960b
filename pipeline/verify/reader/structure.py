"""Brackets, separators outside of them, matrices and cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from pipeline.verify.reader.build import call
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Matrix, Node, Numeral, Unreadable

_OPEN = frozenset(("(", "[", "{", "langle", "lfloor", "lceil"))
_CLOSE = frozenset((")", "]", "}", "rangle", "rfloor", "rceil"))
_MATRICES = frozenset(["pmatrix", "bmatrix", "matrix", "array", "Bmatrix", "smallmatrix"])
_NUMERAL_WORDS = dict(zip(
    ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "sixteen"],
    (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16), strict=True,
))  # fmt: skip


def _step(token: Token) -> int:
    if token.kind in ("mark", "command"):
        return (token.text in _OPEN) - (token.text in _CLOSE)
    return (token.kind == "begin") - (token.kind == "end")


def split(tokens: tuple[Token, ...], separates: Callable[[Token], object]) -> list[tuple[tuple[Token, ...], str]]:
    """(part, the separator behind it or "") for the separators that stand in no brackets."""
    parts: list[tuple[tuple[Token, ...], str]] = []
    depth = start = 0
    for at, token in enumerate(tokens):
        depth += _step(token)
        if depth <= 0 and separates(token):
            parts.append((tokens[start:at], token.text))
            start = at + 1
    parts.append((tokens[start:], ""))
    return parts


def brackets_hold(tokens: tuple[Token, ...]) -> bool:
    """Whether the first token's bracket is closed by the last token."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += _step(token)
        if depth == 0:
            return at == len(tokens) - 1
    return False


def split_tuples(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]] | None:
    """The tuples of `(2, 3)(2, 7)`, or None for anything else."""
    groups: list[tuple[Token, ...]] = []
    rest = tokens
    while rest:
        end = next((end for end in range(1, len(rest) + 1) if rest[0].text == "(" and brackets_hold(rest[:end])), 0)
        if not end or len(split(rest[1 : end - 1], lambda token: token.text == ",")) < 2:
            return None
        groups.append(rest[:end])
        rest = rest[end:]
    return groups if len(groups) > 1 else None


def strip_words(tokens: tuple[Token, ...]) -> str:
    """The words of text tokens, with single spaces and without the last full stop."""
    return " ".join(" ".join(token.text for token in tokens).split()).strip(" .!")


def read_matrix(
    tokens: tuple[Token, ...],
) -> Matrix | list[tuple[tuple[Token, ...], tuple[Token, ...]]] | None:
    """A matrix, the (value, condition) rows of cases, or None for what is neither."""
    if len(tokens) > 2 and tokens[0].text in ("(", "{", "[") and brackets_hold(tokens) and tokens[1].kind == "begin":
        return read_matrix(tokens[1:-1])
    if len(tokens) > 2 and tokens[0].text == "{" and tokens[1].kind == "begin" and tokens[-1].kind == "end":
        tokens = (Token("begin", "cases"), *tokens[2:])
    if (nested := _read_nested(tokens)) is not None:
        return Matrix(nested)
    if len(tokens) > 2 and tokens[-2].text == "^" and tokens[-1].text in ("T", "top"):
        turned = read_matrix(tokens[:-2])
        return Matrix(tuple(zip(*turned.rows, strict=True))) if isinstance(turned, Matrix) else None
    begin = next((at for at, token in enumerate(tokens) if token.kind == "begin"), 0)
    if begin > 0 and tokens[begin].text in _MATRICES and brackets_hold(tokens[begin:]):
        return _scale(tokens[:begin], tokens[begin:])
    first, last = tokens[0], tokens[-1]
    if first.text == "vmatrix" or first.kind != "begin" or last.kind != "end" or not brackets_hold(tokens):
        return None
    rows = [part for part, _ in split(tokens[1:-1], lambda token: token.kind == "row") if part]
    cells = [
        [part for part, _ in split(row, lambda token: token.text == "&" and token.kind in ("mark", "command"))]
        for row in rows
    ]
    if first.text in ("cases", "aligned", "gathered", "dcases", "rcases"):
        return [(tuple(t for t in row[0] if t.text != ","), row[1] if len(row) > 1 else ()) for row in cells]
    if first.text not in _MATRICES:
        raise Unreadable(f"cannot read \\begin{{{first.text}}}")
    nodes = tuple(tuple(Reader(cell).whole() for cell in row) for row in cells)
    if not nodes or any(len(a) != len(b) for a, b in pairwise(nodes)):
        raise Unreadable("a matrix whose rows differ in length")
    return Matrix(nodes)


def _read_nested(tokens: tuple[Token, ...]) -> tuple[tuple[Node, ...], ...] | None:
    """The rows of `[[1, 2], [3, 4]]`, as programs write a matrix."""
    if len(tokens) < 4 or tokens[0].text != "[" or tokens[1].text != "[" or not brackets_hold(tokens):
        return None
    rows = [part for part, _ in split(tokens[1:-1], lambda token: token.text == "," and token.kind == "mark")]
    if not all(row and row[0].text == "[" and brackets_hold(row) for row in rows):
        return None
    cells = [split(row[1:-1], lambda token: token.text == "," and token.kind == "mark") for row in rows]
    if len({len(row) for row in cells}) > 1:
        return None
    return tuple(tuple(Reader(cell).whole() for cell, _ in row) for row in cells)


def _scale(factor: tuple[Token, ...], matrix: tuple[Token, ...]) -> Matrix | None:
    """A matrix times the number or expression before it."""
    while factor and factor[-1].text in ("cdot", "times", "*"):
        factor = factor[:-1]
    read = read_matrix(matrix)
    if not isinstance(read, Matrix) or not factor:
        return None
    if factor in _SIGNS:
        return Matrix(tuple(tuple(call("neg", cell) for cell in row) for row in read.rows))
    try:
        number = Reader(factor).whole()
    except Unreadable:
        return None
    return Matrix(tuple(tuple(call("*", number, cell) for cell in row) for row in read.rows))


_SIGNS = ((Token("mark", "-"),), (Token("mark", "-", True),))


def read_numeral(tokens: tuple[Token, ...]) -> Numeral | None:
    """A numeral with its base (`1011_2`, `(2A)_{16}`, `1011_{two}`, `1011 \\text{ (base 2)}`), or None."""
    if len(tokens) < 2 or any(token.kind not in ("number", "word", "text", "mark", "command") for token in tokens):
        return None
    written = " ".join(token.text for token in tokens)
    match = _NUMERAL.fullmatch(written)
    if match is None:
        return None
    base = (match["script"] or match["named"]).lower()
    value = int(base) if base.isdigit() else _NUMERAL_WORDS.get(base)
    digits = match["digits"].replace(" ", "").replace(",", "").upper()
    if value is None or (digits.isalpha() and len(digits) < 2) or any(int(digit, 16) >= value for digit in digits):
        return None
    return Numeral(digits, value)


_NUMERAL = re.compile(
    r"(?:overline \{ |\( )?(?P<digits>\d[\d, ]*(?:[A-Fa-f][A-Fa-f\d ]*)?|[A-F]+[A-F\d ]*)(?: \}| \))?"
    r"(?: _ (?:\{ )?(?:\( )?(?P<script>\d+|[a-z]+) ?(?:\) ?)?(?:\})?"
    r"| +\(? ?(?:in )?base *[- ] *(?P<named>\d+|[a-z]+) ?\)?)"
)


def closing_bracket(tokens: tuple[Token, ...], start: int) -> int:
    """Where the bracket that opens at `start` is closed."""
    return next(end for end in range(start + 1, len(tokens) + 1) if brackets_hold(tokens[start:end])) - 1
