"""What a value may be called (`x`, `f(x)`, `AB`, `x:y`), and the inequalities that say where one letter lies."""

from __future__ import annotations

import re

from pipeline.verify.compare.expressions import letters
from pipeline.verify.reader.build import call
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.regions import LINE, half_line, order
from pipeline.verify.reader.structure import brackets_hold, split, strip_words
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Equation, Many, Node, Piece, Region, Unreadable, Value

MIRROR = {"<": ">", ">": "<", "le": "ge", "ge": "le", "=": "=", "ne": "ne"}
_CONSTANTS = ("pi", "e", "i", "infty")
_FUNCTION_HEAD = re.compile(
    r"[A-Za-z](?:_\{?\w\}?)?(?:'+|\^\{?-1\}?|\^\{?\(\w\)\}?)\([A-Za-z]\)|\([A-Za-z]circ[A-Za-z]\)\([A-Za-z]\)"
)
_DERIVATIVE = re.compile(
    r"frac\{(?:d|partial)(?:\^\{?\d\}?)?[A-Za-z]\}\{(?:d|partial)[A-Za-z](?:\^\{?\d\}?)?\}|d[a-z]/d[a-z]"
)
_OPERATOR = re.compile(r"(?:det|rank|rang|dim|tr|deg|nullity)\(?[A-Z]\)?")
"""`\\det A`, `\\operatorname{rank}(A)`."""
"""`f'(x)`, `f^{-1}(x)`, `f^{(n)}(x)`, `(f \\circ g)(x)`."""


def read_name(tokens: tuple[Token, ...]) -> str:
    """The name that a value is given, or "" for what is no name."""
    if not tokens:
        return ""
    if all(token.kind in ("text", "word") and len(token.text) > 1 for token in tokens):
        return strip_words(tokens)
    written = "".join(token.text for token in tokens)
    if _FUNCTION_HEAD.fullmatch(written) or _DERIVATIVE.fullmatch(written) or _OPERATOR.fullmatch(written):
        return written
    ratio = split(tokens, lambda token: token.text == ":" and token.kind == "mark")
    if len(ratio) > 1:
        names = [read_name(part) for part, _ in ratio]
        return ":".join(names) if all(names) else ""
    if len(tokens) > 2 and tokens[0].text == "(" and tokens[-1].text == ")" and brackets_hold(tokens):
        names = [read_name(part) for part, _ in split(tokens[1:-1], lambda token: token.text == ",")]
        return f"({','.join(names)})" if len(names) > 1 and all(names) else ""
    try:
        node = Reader(tokens).whole()
    except Unreadable:
        return ""
    if node.op == "sym" and node.name not in _CONSTANTS:
        return node.name
    if node.op == "fn" or (node.op == "abs" and node.args[0].op == "sym"):
        return written
    inner = letters(node)
    if inner and all(re.fullmatch(r"[A-Z]{2,}|angle .*", part) for part in inner):
        return written
    if len(tokens) == 4 and tokens[0].kind == "word" and tokens[1].text == "(" and inner and len(tokens[0].text) == 1:
        return written
    return ""


def read_inequality(sides: list[Node], signs: list[str]) -> Value:
    """Where a letter lies, when that is all that a chain of inequalities says; else its links, as a set."""
    if len(sides) == 2:
        left, right = sides
        for side, other, sign in ((left, right, signs[0]), (right, left, MIRROR[signs[0]])):
            if (region := _region(side, sign, other)) is not None:
                return region
        if signs[0] in (">", "ge"):
            left, right = right, left
        return Equation(left, right, {">": "<", "ge": "le"}.get(signs[0], signs[0]))
    if len(sides) == 3 and (finite := _drop_infinity(sides, signs)) is not None:
        return read_inequality(*finite)
    if len(sides) == 3 and "=" not in signs and "ne" not in signs:
        middle = sides[1]
        if middle.op == "sym" and len(letters(middle)) == 1:
            first = half_line(MIRROR[signs[0]], sides[0])
            second = half_line(signs[1], sides[2])
            if signs[0] in ("<", "le") and signs[1] in ("<", "le"):
                return Region((Piece(first.low, second.high, (first.closed[0], second.closed[1])),), middle.name)
            if signs[0] in (">", "ge") and signs[1] in (">", "ge"):
                return Region((Piece(second.low, first.high, (second.closed[0], first.closed[1])),), middle.name)
    links: list[Value] = []
    for position, sign in enumerate(signs):
        link = [sides[position], sides[position + 1]]
        links.append(Equation(link[0], link[1]) if sign == "=" else read_inequality(link, [sign]))
    return Many(tuple(links), "set")


def _drop_infinity(sides: list[Node], signs: list[str]) -> tuple[list[Node], list[str]] | None:
    """`0 <= x < \\infty` without its end, which says nothing of a real number."""
    for end, sign, rest in ((sides[-1], signs[-1], slice(0, 2)), (sides[0], MIRROR[signs[0]], slice(1, 3))):
        infinite = end.args[0] if end.op == "neg" else end
        below = end.op == "neg"
        if infinite == Node("sym", name="infty") and sign == (">" if below else "<"):
            return sides[rest], signs[:1] if rest.start == 0 else signs[1:]
    return None


def _region(side: Node, sign: str, other: Node) -> Region | None:
    """`x < 3`, and `|x - 1| < 3` where the bound is a positive number, as the region of x."""
    if side.op == "sym" and len(letters(side)) == 1 and not letters(side) & letters(other):
        return Region(_pieces(sign, other), side.name)
    if side.op != "abs" or letters(other) or sign in ("ne", "="):
        return None
    inner = side.args[0]
    centre: Node | None = None
    if inner.op in ("+", "-") and inner.args[0].op == "sym" and not letters(inner.args[1]):
        centre = inner.args[1] if inner.op == "-" else call("neg", inner.args[1])
        inner = inner.args[0]
    if inner.op != "sym" or len(letters(inner)) != 1 or inner.name in ("z", "w") or _sign(other) <= 0:
        return None
    ends = [call("neg", other), other]
    if centre is not None:
        ends = [call("+", centre, end) for end in ends]
    closed = sign in ("le", "ge")
    if sign in ("<", "le"):
        return Region((Piece(ends[0], ends[1], (closed, closed)),), inner.name)
    return Region((half_line("le" if closed else "<", ends[0]), half_line(sign, ends[1])), inner.name)


def _sign(node: Node) -> int:
    try:
        return order(node, call("-", node, node))
    except Unreadable:
        return 0


def _pieces(sign: str, end: Node) -> tuple[Piece, ...]:
    infinite = end.args[0] if end.op == "neg" else end
    if infinite.name == "infty" and sign == (">" if end.op == "neg" else "<"):
        return (LINE,)
    if "infty" in letters(end) or infinite.name == "infty":
        raise Unreadable("an inequality with infinity")
    if sign == "ne":
        return half_line("<", end), half_line(">", end)
    return (half_line(sign, end),)
