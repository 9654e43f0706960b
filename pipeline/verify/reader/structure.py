"""Brackets, separators outside of them, matrices and cases."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Matrix, Numeral, Unreadable

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


def read_numeral(tokens: tuple[Token, ...]) -> Numeral | None:
    """A numeral with its base, `1011_2` or `1011_{two}`, or None."""
    if len(tokens) < 3 or tokens[0].kind not in ("number", "word") or tokens[1].text != "_":
        return None
    base = "".join(token.text for token in tokens[2:]).strip("{}").strip().lower()
    digits = tokens[0].text.replace(",", "")
    if tokens[0].kind == "number" and (base.isdigit() or base in _NUMERAL_WORDS):
        return Numeral(digits, int(base) if base.isdigit() else _NUMERAL_WORDS[base])
    return None


def closing_bracket(tokens: tuple[Token, ...], start: int) -> int:
    """Where the bracket that opens at `start` is closed."""
    return next(end for end in range(start + 1, len(tokens) + 1) if brackets_hold(tokens[start:end])) - 1
