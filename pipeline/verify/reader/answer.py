"""Reads a whole answer: lists, sets, tuples, intervals, inequalities, equations, conditions, words."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.verify.compare.expressions import compare, constant, letters
from pipeline.verify.normal import clean
from pipeline.verify.reader.build import number
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.joins import combine
from pipeline.verify.reader.quantity import read_quantity
from pipeline.verify.reader.regions import LINE, complement, half_line, intersect, merge
from pipeline.verify.reader.structure import brackets_hold, read_matrix, read_numeral, split, split_tuples, strip_words
from pipeline.verify.reader.tokens import Token, tokenize
from pipeline.verify.reader.values import (
    Cases,
    Clock,
    Conditioned,
    Equation,
    Many,
    Named,
    Node,
    Piece,
    Quantity,
    Ratio,
    Region,
    Sequence,
    Unreadable,
    Value,
    Word,
)

MAX_LENGTH = 2000
MAX_ITEMS = 200
MAX_WORDS = 6
MAX_WORD = 40
_RELATIONS = frozenset(("=", "<", ">", "le", "ge", "ne", "in"))
_MIRROR = {"<": ">", ">": "<", "le": "ge", "ge": "le", "=": "=", "ne": "ne"}
_CONDITIONS = re.compile(
    r"(?i)\s*,?\s*(?:if|when|whenever|where|for|with|at|such that|provided|given|as long as|otherwise|unless)\b"
)
_CLOCK_TEXT = re.compile(r"(?i)\s*(\d{1,2})(?::(\d\d))?\s*\\?(?:text\s*\{)?\s*([ap])\.?\s?m\.?\s*\}?\s*")
_BROKEN_DIGITS = re.compile(r"(?<=\d{20})\s*\n\s*(?=\d)")
"""A line break inside a number of many digits."""
_ESCAPED = re.compile(r"\\\\(?=(?:frac|left|right|sqrt|text|pi|cdot|infty|dfrac|sin|cos)(?![a-z]))")
"""A backslash that was escaped once too often: `\\\\frac` outside of a matrix is no line break."""
_SHORT_WORDS = r"[A-Z][a-z]+|yes|no|odd|all|none|red|one|two|six|ten|win|tie"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")


@lru_cache(maxsize=1 << 14)
def read_answer(text: str) -> Value:
    """The value that an answer writes. Raises Unreadable, which says what part cannot be read."""
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"longer than {MAX_LENGTH} characters")
    if _INTEGER.fullmatch(text):
        return Quantity(number(int(text)))
    if "..." in text or "\u2026" in text:
        raise Unreadable("open-ended")
    if noon := _CLOCK_TEXT.fullmatch(text):
        hour = int(noon[1]) % 12 + (12 if noon[3].lower() == "p" else 0)
        return Clock(60 * hour + int(noon[2] or 0))
    text = _BROKEN_DIGITS.sub("", text)
    if "\\begin" not in text:
        text = _ESCAPED.sub(r"\\", text)
    tokens = tokenize(clean(text))
    if not tokens:
        raise Unreadable("empty")
    try:
        return _read_whole(tokens)
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error


def _is(token: Token, *texts: str) -> bool:
    return token.kind in ("mark", "command") and token.text in texts


def _read_whole(tokens: tuple[Token, ...]) -> Value:
    while tokens and _is(tokens[0], "approx", "=", "Rightarrow", "therefore"):
        tokens = tokens[1:]
    while tokens and _is(tokens[-1], ".", ",", ";"):
        tokens = tokens[:-1]
    about = split(tokens, lambda token: _is(token, "approx"))
    if len(about) > 1:
        tokens = about[0][0]
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.kind == "begin") - (token.kind == "end")
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token.text, 0)
        if at and not depth and token.kind in ("text", "word") and _CONDITIONS.match(_phrase(tokens[at : at + 2])):
            head = tokens[:at]
            while head and _is(head[-1], ","):
                head = head[:-1]
            condition = "".join(part.text for part in tokens[at:]).replace(" ", "").lower()
            return Conditioned(_read_list(head), condition)
    return _read_list(tokens)


def _phrase(tokens: tuple[Token, ...]) -> str:
    return " ".join(token.text.strip() for token in tokens)


def _join_kind(token: Token) -> str:
    """ "and", "or" or "," where a token stands between items, else ""."""
    if token.kind in ("text", "word"):
        word = token.text.strip(" ,").lower()
        return (
            word
            if word in ("and", "or")
            else ","
            if token.text.strip() == ","
            else "or"
            if word in ("oder", "ou", "или", "或")
            else ""
        )
    if _is(token, ",", ";"):
        return token.text
    return {"and": "and", "or": "or"}.get(token.text, "") if token.kind == "command" else ""


def _read_list(tokens: tuple[Token, ...]) -> Value:
    if not tokens:
        raise Unreadable("empty")
    if (_is(tokens[0], "]") and _is(tokens[-1], "[", "]")) or (_is(tokens[0], "(", "[") and _is(tokens[-1], "[")):
        group = _read_group(tokens)
        if group is not None:
            return group
    if (tuples := split_tuples(tokens)) is not None:
        return Many(tuple(_read_list(part) for part in tuples))
    for strong in (("or",), (";",), ("and",), (",",)):
        parts = split(tokens, lambda token, strong=strong: _join_kind(token) in strong)  # type: ignore[misc]
        if len(parts) == 1:
            continue
        if strong[0] in ("or", "and") and not all(_trim(part) for part, _ in parts):
            raise Unreadable(f"{strong[0]!r} without one of its sides")
        cleaned = [_trim(part) for part, _ in parts]
        cleaned = [part for part in cleaned if part]
        if len(cleaned) == 1:
            return _read_list(cleaned[0])
        if len(cleaned) > MAX_ITEMS:
            raise Unreadable(f"more than {MAX_ITEMS} items")
        return combine([_read_list(part) for part in cleaned], strong[0], cleaned)
    return _read_item(tokens)


def _trim(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens without separators at their ends."""
    while tokens and _join_kind(tokens[0]) in (",", ";"):
        tokens = tokens[1:]
    while tokens and _join_kind(tokens[-1]) in (",", ";"):
        tokens = tokens[:-1]
    return tokens


def _read_item(tokens: tuple[Token, ...]) -> Value:
    if any(_is(token, "pm", "mp") for token in tokens):
        both = []
        for first, second in (("+", "-"), ("-", "+")):
            signs = {"pm": first, "mp": second}
            both.append(
                _read_item(tuple(Token("mark", signs[t.text], t.spaced) if _is(t, "pm", "mp") else t for t in tokens))
            )
        named = both[0]
        if isinstance(named, Named) and isinstance(both[1], Named):
            return Named(named.name, Many((named.value, both[1].value)))
        return Many(tuple(both))
    parts = split(tokens, lambda token: token.kind in ("mark", "command") and token.text in _RELATIONS)
    if len(parts) == 1:
        return read_value(tokens)
    return _read_relation([part for part, _ in parts], [sign for _, sign in parts if sign])


def _read_relation(parts: list[tuple[Token, ...]], signs: list[str]) -> Value:
    if not all(parts):
        raise Unreadable("a relation without one of its sides")
    if "in" in signs:
        if signs != ["in"]:
            raise Unreadable("a relation with several signs")
        value = read_value(parts[1])
        name = _name(parts[0])
        return Region(value.pieces, name) if isinstance(value, Region) else Named(name, value)
    if all(sign == "=" for sign in signs):
        return _read_equation(parts)
    sides = [Reader(part).whole() for part in parts]
    return _read_inequality(sides, signs)


def _read_equation(parts: list[tuple[Token, ...]]) -> Value:
    name = _name(parts[0])
    if not name and len(parts) == 2 and (name := _name(parts[1])):
        parts = [parts[1], parts[0]]
    if name:
        values = [read_value(part) for part in parts[1:]]
        last = values[-1]
        for value in values[:-1]:
            if (
                not (isinstance(value, Quantity) and isinstance(last, Quantity))
                or compare(value.node, last.node) != "same"
            ):
                raise Unreadable("a chain whose sides are not seen to be equal")
        if isinstance(last, Sequence) and name.startswith("("):
            names = name[1:-1].split(",")
            if len(names) != len(last.items):
                raise Unreadable("a tuple of other length than its names")
            return Many(tuple(Named(part, item) for part, item in zip(names, last.items, strict=True)))
        equation = None
        if isinstance(last, Quantity) and not last.unit and len(parts) == 2:
            try:
                equation = Equation(Reader(parts[0]).whole(), last.node)
            except Unreadable:
                equation = None
        return Named(name, last, equation)
    sides = [Reader(part).whole() for part in parts]
    if all(constant(side) for side in sides):
        if any(compare(side, sides[-1]) != "same" for side in sides):
            raise Unreadable("an equation that does not hold")
        return read_value(parts[-1])
    if len(sides) != 2:
        raise Unreadable("a chain of equations")
    return Equation(sides[0], sides[1])


def _name(tokens: tuple[Token, ...]) -> str:
    """The name that a value is given, or "" for what is no name."""
    if all(token.kind in ("text", "word") and len(token.text) > 1 for token in tokens):
        return strip_words(tokens)
    ratio = split(tokens, lambda token: _is(token, ":"))
    if len(ratio) > 1:
        names = [_name(part) for part, _ in ratio]
        return ":".join(names) if all(names) else ""
    if len(tokens) > 2 and _is(tokens[0], "(") and _is(tokens[-1], ")") and brackets_hold(tokens):
        names = [_name(part) for part, _ in split(tokens[1:-1], lambda token: _is(token, ","))]
        return f"({','.join(names)})" if len(names) > 1 and all(names) else ""
    try:
        node = Reader(tokens).whole()
    except Unreadable:
        return ""
    if node.op == "sym" and node.name not in ("pi", "e", "i", "infty"):
        return node.name
    if node.op == "fn" or (node.op == "abs" and node.args[0].op == "sym"):
        return "".join(token.text for token in tokens)
    inner = letters(node)
    if inner and all(re.fullmatch(r"[A-Z]{2,}|angle .*", part) for part in inner):
        return "".join(token.text for token in tokens)
    if len(tokens) == 4 and tokens[0].kind == "word" and _is(tokens[1], "(") and inner and len(tokens[0].text) == 1:
        return "".join(token.text for token in tokens)
    return ""


def _read_inequality(sides: list[Node], signs: list[str]) -> Value:
    if len(sides) == 2:
        left, right = sides
        for side, other, sign in ((left, right, signs[0]), (right, left, _MIRROR[signs[0]])):
            if side.op == "sym" and len(letters(side)) == 1 and not letters(side) & letters(other):
                pieces = _pieces(sign, other)
                return Region(pieces, side.name)
        if signs[0] in (">", "ge"):
            left, right = right, left
        return Equation(left, right, {">": "<", "ge": "le"}.get(signs[0], signs[0]))
    if len(sides) == 3 and "=" not in signs and "ne" not in signs:
        middle = sides[1]
        if middle.op == "sym" and len(letters(middle)) == 1:
            first = half_line(_MIRROR[signs[0]], sides[0])
            second = half_line(signs[1], sides[2])
            if signs[0] in ("<", "le") and signs[1] in ("<", "le"):
                return Region((Piece(first.low, second.high, (first.closed[0], second.closed[1])),), middle.name)
            if signs[0] in (">", "ge") and signs[1] in (">", "ge"):
                return Region((Piece(second.low, first.high, (second.closed[0], first.closed[1])),), middle.name)
    links = []
    for position, sign in enumerate(signs):
        links.append(
            _read_inequality([sides[position], sides[position + 1]], [sign])
            if sign != "="
            else Equation(sides[position], sides[position + 1])
        )
    return Many(tuple(links), "set")


def _pieces(sign: str, end: Node) -> tuple[Piece, ...]:
    if "infty" in letters(end) or end.name == "infty":
        raise Unreadable("an inequality with infinity")
    if sign == "ne":
        return half_line("<", end), half_line(">", end)
    return (half_line(sign, end),)


def read_value(tokens: tuple[Token, ...]) -> Value:
    """The value of tokens that hold no relation outside of brackets."""
    if not tokens:
        raise Unreadable("empty")
    if len(tokens) == 1 and _is(tokens[0], "emptyset"):
        return Many((), "set")
    if len(tokens) == 1 and tokens[0].kind == "command" and tokens[0].text in ("mathbb R", "mathbb C"):
        return Region((LINE,)) if tokens[0].text == "mathbb R" else Word("complex numbers")
    if all(
        token.kind in ("text", "word", "mark") and (token.kind != "mark" or token.text in ".'-!") for token in tokens
    ):
        words = _read_words(tokens)
        if words is not None:
            return words
    if (matrix := read_matrix(tokens)) is not None:
        if not isinstance(matrix, list):
            return matrix
        return Cases(tuple((_read_list(value), _condition(rest)) for value, rest in matrix))
    for sign in ("cup", "setminus", "cap"):
        parts = split(tokens, lambda token, sign=sign: _is(token, sign))  # type: ignore[misc]
        if len(parts) > 1:
            return _read_region([read_value(part) for part, _ in parts], sign)
    if (group := _read_group(tokens)) is not None:
        return group
    if len(tokens) > 2 and (ratio := _read_ratio(tokens)) is not None:
        return ratio
    if (numeral := read_numeral(tokens)) is not None:
        return numeral
    return read_quantity(tokens)


def _condition(tokens: tuple[Token, ...]) -> str:
    text = "".join(token.text for token in tokens).replace(" ", "").lower()
    return text.removeprefix("if").removeprefix("for")


def _read_words(tokens: tuple[Token, ...]) -> Value | None:
    text = strip_words(tokens)
    if not any(character.isalpha() for character in text) or any(len(word) > MAX_WORD for word in text.split()):
        raise Unreadable(f"cannot read {text[:12]!r}")
    if len(text) == 1 and text.isascii():
        return Quantity(Reader((Token("word", text),)).whole())
    if (
        len(tokens) == 1
        and tokens[0].kind == "word"
        and len(text) < 4
        and not re.fullmatch(_SHORT_WORDS, tokens[0].text)
    ):
        english = len(text) == 3 and re.search(r"[aeiou]", text) and re.search(r"[^aeiou]", text) and text.islower()
        if tokens[0].text.isascii() and not english:
            return None
    if len(tokens) == 1 and tokens[0].kind == "text" and re.fullmatch(r"\(?[A-Za-z]\)?", text):
        return Quantity(Reader((Token("word", text.strip("()")),)).whole())
    if len(text.split()) > MAX_WORDS:
        raise Unreadable("a sentence")
    return Word(text.lower())


def _as_region(value: Value) -> tuple[Piece, ...]:
    if isinstance(value, Region):
        return value.pieces
    if isinstance(value, Sequence) and len(value.items) == 2 and value.ends == "()":
        low, high = value.items
        if isinstance(low, Quantity) and isinstance(high, Quantity):
            return (Piece(low.node, high.node, (False, False)),)
    if isinstance(value, Many) and all(isinstance(item, Quantity) for item in value.items):
        return tuple(Piece(item.node, item.node, (True, True)) for item in value.items if isinstance(item, Quantity))
    raise Unreadable("a union of what is no interval")


def _read_region(values: list[Value], sign: str) -> Value:
    pieces = _as_region(values[0])
    for value in values[1:]:
        other = _as_region(value)
        if sign == "cup":
            pieces = (*pieces, *other)
        elif sign == "cap":
            pieces = intersect(pieces, other)
        elif all(piece.low is not None and piece.low == piece.high for piece in other):
            pieces = intersect(pieces, complement(piece.low for piece in other if piece.low is not None))
        else:
            raise Unreadable("a difference of intervals")
    return Region(merge(pieces))


def _read_group(tokens: tuple[Token, ...]) -> Value | None:
    first, last = tokens[0], tokens[-1]
    if (len(tokens) > 3 and _is(first, "]") and _is(last, "[", "]")) or (_is(first, "(", "[") and _is(last, "[")):
        parts = split(tokens[1:-1], lambda token: _is(token, ",", ";"))
        if len(parts) == 2:
            return _interval(parts[0][0], parts[1][0], (_is(first, "["), _is(last, "]")))
    if not (_is(first, "(", "[", "{", "langle") and _is(last, ")", "]", "}", "rangle") and brackets_hold(tokens)):
        return None
    inner = tokens[1:-1]
    if not inner:
        return Many((), "set") if first.text == "{" else None
    if first.text == "{":
        bar = split(inner, lambda token: _is(token, "|", ":"))
        if len(bar) == 2 and first.kind == "command":
            condition = _read_list(bar[1][0])
            if isinstance(condition, Region) and condition.name == _name(bar[0][0][:1]):
                return Region(condition.pieces, "")
            raise Unreadable("a set by a condition that is no inequality")
        elements = [part for part, _ in split(inner, lambda token: _is(token, ",", ";"))]
        if first.kind == "mark" and len(elements) == 1:
            return None if _only_expression(inner) else read_value(inner)
        items: list[Value] = []
        for part in elements:
            item = _read_item(part)
            items.extend(item.items if isinstance(item, Many) and any(_is(t, "pm", "mp") for t in part) else (item,))
        return Many(tuple(items), "set")
    members = [part for part, _ in split(inner, lambda token: _is(token, ",", ";"))]
    if len(members) == 1:
        if first.text == "langle":
            raise Unreadable("a vector of one part")
        return None if _only_expression(inner) else read_value(inner)
    ends = first.text + last.text
    if len(members) == 2 and ends in ("[)", "(]", "[]"):
        return _interval(members[0], members[1], (ends[0] == "[", ends[1] == "]"))
    if len(members) == 2 and any(_is(token, "infty") for token in inner):
        return _interval(members[0], members[1], (False, False))
    if ends not in ("()", "[]", "langlerangle"):
        raise Unreadable(f"brackets {ends} that do not pair")
    return Sequence(tuple(_read_item(part) for part in members), "()" if "langle" in ends or len(members) > 2 else ends)


def _only_expression(tokens: tuple[Token, ...]) -> bool:
    return all(
        token.kind in ("number", "mark", "command") or (token.kind == "word" and len(token.text) < 4)
        for token in tokens
    )


def _interval(low: tuple[Token, ...], high: tuple[Token, ...], closed: tuple[bool, bool]) -> Region:
    ends: list[Node | None] = []
    for part, closed_end, sign in ((low, closed[0], "-"), (high, closed[1], "+")):
        if part and _is(part[-1], "infty"):
            written = "+" if len(part) == 1 else part[0].text
            if len(part) > 2 or written != sign or closed_end:
                raise Unreadable("an infinite end that is closed or has the other sign")
            ends.append(None)
        else:
            ends.append(Reader(part).whole())
    return Region((Piece(ends[0], ends[1], (closed[0] and ends[0] is not None, closed[1] and ends[1] is not None)),))


def _read_ratio(tokens: tuple[Token, ...]) -> Value | None:
    members = split(tokens, lambda token: _is(token, ":"))
    if len(members) == 1:
        return None
    text = "".join(token.text for token in tokens)
    nodes = tuple(Reader(part).whole() for part, _ in members)
    return Ratio(nodes, text if _CLOCK.fullmatch(text) else "")
