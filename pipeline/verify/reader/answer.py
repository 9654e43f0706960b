"""Reads a whole answer: lists, sets, tuples, intervals, inequalities, equations, conditions, words."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.verify.compare.expressions import compare, constant, letters, rounds_to
from pipeline.verify.compare.letters import value_letters
from pipeline.verify.normal import clean
from pipeline.verify.reader.build import call, symbol
from pipeline.verify.reader.conditions import CONDITION, check_condition
from pipeline.verify.reader.dates import MAX_DATE, MAY_BE_DATE, read_date
from pipeline.verify.reader.families import both_signs, split_congruence, split_family, split_residues
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.joins import combine
from pipeline.verify.reader.names import read_inequality, read_name
from pipeline.verify.reader.plain import read_measure, read_plain
from pipeline.verify.reader.quantity import join_units, read_quantity
from pipeline.verify.reader.ratios import read_ratio
from pipeline.verify.reader.regions import as_pieces, combine_regions, complement
from pipeline.verify.reader.sets import WHOLE, list_whole, read_set_name, split_difference, split_members, split_union
from pipeline.verify.reader.structure import (
    brackets_hold,
    closing_bracket,
    read_matrix,
    read_numeral,
    split,
    split_tuples,
)
from pipeline.verify.reader.tokens import Token, tokenize
from pipeline.verify.reader.values import (
    Cases,
    Clock,
    Conditioned,
    Equation,
    Family,
    Many,
    Named,
    Node,
    Piece,
    Quantity,
    Region,
    Sequence,
    TooLarge,
    Unreadable,
    Value,
    Word,
)
from pipeline.verify.reader.words import may_be_words, read_words

MAX_LENGTH = 2000
MAX_ITEMS = 200
_RELATIONS = frozenset(("=", "<", ">", "le", "ge", "ne", "in"))
_ORDERS = ("<", ">", "le", "ge")
_CLOCK_TEXT = re.compile(r"(?i)\s*(\d{1,2})(?::(\d\d))?\s*\\?(?:text\s*\{)?\s*([ap])\.?\s?m\.?\s*\}?\s*")
_BROKEN_DIGITS = re.compile(r"(?<=\d{20})\s*\n\s*(?=\d)")
"""A line break inside a number of many digits."""
_ESCAPED = re.compile(r"\\\\(?=(?:frac|left|right|sqrt|text|pi|cdot|infty|dfrac|sin|cos)(?![a-z]))")
"""A backslash that was escaped once too often: `\\\\frac` outside of a matrix is no line break."""
_JOINS = dict.fromkeys(("and", "und", "et", "y", "e", "ed", "и", "和", "与", "&"), "and") | dict.fromkeys(
    ("or", "oder", "ou", "o", "или", "或", "或者"), "or"
)
_PERIOD = re.compile(r"(-?\d+),(\d*(?:\(\d+\)|\\overline\s*\{\d+\}))")
"""A period behind a decimal comma."""
_ORDINAL = re.compile(
    r"(?<=\d)\s*(?:\^\s*\{?\s*)?\\(?:text|mathrm|textrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\}?$"
    r"|(?<=\d)(?:\^\{(?:st|nd|rd|th)\}|(?:st|nd|rd|th))$"
)
"""An ordinal is its number."""
_GRID = re.compile(r"(\d{1,4}) ?x ?(\d{1,4})(?: ?x ?(\d{1,4}))?")
"""`2x2`: the size of a grid or matrix."""
MAX_GRID = 40
"""Characters of such a size with the markup around it."""
_UNION = re.compile(r"(?<=[)\]])\s*U\s*(?=[(\[])")
"""The letter that stands for the sign of a union, between intervals."""


@lru_cache(maxsize=1 << 14)
def read_answer(text: str) -> Value:
    """The value that an answer writes. Raises Unreadable, which says what part cannot be read."""
    if len(text) > MAX_LENGTH:
        raise TooLarge(f"longer than {MAX_LENGTH} characters")
    if (plain := read_plain(text) or read_measure(text)) is not None:
        return plain
    if "..." in text or "\u2026" in text:
        raise Unreadable("open-ended")
    if noon := _CLOCK_TEXT.fullmatch(clean(text) if "m" in text.lower()[-6:] else text):
        hour = int(noon[1]) % 12 + (12 if noon[3].lower() == "p" else 0)
        return Clock(60 * hour + int(noon[2] or 0))
    if len(text) < MAX_DATE and MAY_BE_DATE.search(text) and (dated := read_date(clean(text))) is not None:
        return dated
    if "x" in text and len(text) < MAX_GRID and (grid := _GRID.fullmatch(clean(text))):
        return Word("x".join(side for side in grid.groups() if side))
    text = _BROKEN_DIGITS.sub("", text)
    if period := _PERIOD.fullmatch(text.strip("$ ").replace("{,}", ",")):
        text = f"{period[1]}.{period[2]}"
    if "\\begin" not in text:
        text = _ESCAPED.sub(r"\\", text)
    return read_tokens(text)


def read_tokens(text: str) -> Value:
    """The value that the tokens of an answer write, whatever it is."""
    tokens = tokenize(join_units(_UNION.sub(r" \\cup ", _ORDINAL.sub("", clean(text)))))
    if not tokens:
        raise Unreadable("empty")
    if len(tokens) > 4 and _is(tokens[0], "<") and _is(tokens[-1], ">"):
        tokens = (Token("command", "langle"), *tokens[1:-1], Token("command", "rangle"))
    try:
        return _read_whole(tokens)
    except RecursionError as error:
        raise TooLarge("nested too deeply") from error


def _is(token: Token, *texts: str) -> bool:
    return token.kind in ("mark", "command") and token.text in texts


def _read_whole(tokens: tuple[Token, ...]) -> Value:
    if tokens[0].kind == "mark" and tokens[0].text == "{" and brackets_hold(tokens):
        inner = tokens[1:-1]
        if any(_is(token, *_RELATIONS) for token in inner) and not any(_is(token, ",", "|") for token in inner):
            tokens = inner
    while tokens and _is(tokens[0], "approx", "=", "Rightarrow", "therefore"):
        tokens = tokens[1:]
    while tokens and _is(tokens[-1], ".", ",", ";"):
        tokens = tokens[:-1]
    about = split(tokens, lambda token: _is(token, "approx"))
    if len(about) > 1:
        return _read_approximate([part for part, _ in about])
    if (congruence := split_congruence(tokens)) is not None:
        name, residues, modulus = congruence
        return _read_congruence(name, split_residues(residues), modulus)
    if (family := split_family(tokens)) is not None:
        head, letter, domain = family
        value = _read_list(_trim(head))
        if letter not in value_letters(value):
            raise Unreadable(f"{letter} runs over whole numbers, but is not in the value")
        return Family(value, letter, domain)
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.kind == "begin") - (token.kind == "end")
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token.text, 0)
        if at and not depth and token.kind in ("text", "word") and CONDITION.match(_phrase(tokens[at : at + 2])):
            head = tokens[:at]
            while head and _is(head[-1], ","):
                head = head[:-1]
            check_condition(" ".join(part.text for part in tokens[at:]))
            condition = "".join(part.text for part in tokens[at:]).replace(" ", "").lower()
            return Conditioned(_read_list(head), condition)
    return _read_list(tokens)


def _read_approximate(parts: list[tuple[Token, ...]]) -> Value:
    """`\\frac13 \\approx 0.33` is 1/3, where 0.33 is what it rounds to; `x \\approx 0.33` says what x is."""
    if name := read_name(parts[0]):
        value = _read_list(parts[-1]) if len(parts) == 2 else _read_approximate(parts[1:])
        return Named(name, value)
    value = _read_list(parts[0])
    exact = value.value if isinstance(value, Named) else value
    for part in parts[1:]:
        rounded = _read_list(part)
        if not (isinstance(exact, Quantity) and isinstance(rounded, Quantity)):
            raise Unreadable("an approximation of what is no number")
        if not rounds_to(exact.node, rounded.node):
            raise Unreadable("an approximation that is not one")
    return value


def _phrase(tokens: tuple[Token, ...]) -> str:
    return " ".join(token.text.strip() for token in tokens)


def _join_kind(token: Token) -> str:
    """ "and", "or" or "," where a token stands between items, else ""."""
    if token.kind in ("text", "word"):
        word = token.text.strip(" ,").lower()
        return (
            ","
            if token.text.strip() == ","
            else _JOINS.get(word, "")
            if len(word) > 1 or not word.isascii() or token.text != token.text.strip()
            else ""
        )
    if _is(token, ",", ";"):
        return token.text
    return {"and": "and", "or": "or"}.get(token.text, "") if token.kind == "command" else ""


def _read_list(tokens: tuple[Token, ...]) -> Value:
    if not tokens:
        raise Unreadable("empty")
    if (_is(tokens[0], "]") and _is(tokens[-1], "[", "]")) or (_is(tokens[0], "(", "[") and _is(tokens[-1], "[")):
        if any(_is(token, "cup", "cap", "setminus") for token in tokens):
            return read_value(tokens)
        group = _read_group(tokens)
        if group is not None:
            return group
    member = next((at for at, token in enumerate(tokens[:-1], 1) if _is(token, "in")), 0)
    if member and (_is(tokens[member], "]") or _is(tokens[-1], "[")):
        return _read_item(tokens)
    if tokens[0].text == "(" and (tuples := split_tuples(tokens)) is not None:
        return Many(tuple(_read_list(part) for part in tuples))
    if any(_is(token, "cup") for token in tokens) and len(split(tokens, lambda token: _is(token, *_ORDERS))) > 1:
        tokens = tuple(Token("text", " or ") if _is(token, "cup") else token for token in tokens)
    joins = {_join_kind(token) for token in tokens}
    for strong in (join for join in ("or", ";", "and", ",") if join in joins):
        parts = split(tokens, lambda token, strong=strong: _join_kind(token) == strong)  # type: ignore[misc]
        if len(parts) == 1:
            continue
        if strong in ("or", "and") and not all(_trim(part) for part, _ in parts):
            raise Unreadable(f"{strong!r} without one of its sides")
        cleaned = [_trim(part) for part, _ in parts]
        cleaned = [part for part in cleaned if part]
        if len(cleaned) == 1:
            return _read_list(cleaned[0])
        if len(cleaned) > MAX_ITEMS:
            raise TooLarge(f"more than {MAX_ITEMS} items")
        items = [_read_list(part) for part in cleaned]
        logical = any(token.kind == "command" and token.text in ("and", "or") for token in tokens)
        if logical and any(isinstance(item, Quantity) and letters(item.node) for item in items):
            raise Unreadable("a logical formula")
        return combine([_as_number(item) for item in items] if strong == ";" else items, strong, cleaned)
    return _read_item(tokens)


def _as_number(item: Value) -> Value:
    """Between semicolons, the number that has a decimal comma."""
    return item.as_number if isinstance(item, Many) and item.as_number is not None else item


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
        if isinstance(named, Region) and named.name:
            return combine(both, "and" if any(_is(token, "ne") for token in tokens) else ",", [tokens])
        if isinstance(named, Named) and isinstance(both[1], Named):
            return Named(named.name, Many((named.value, both[1].value)))
        return Many(tuple(both))
    parts = split(tokens, lambda token: token.kind in ("mark", "command") and token.text in _RELATIONS)
    if len(parts) == 1:
        return read_value(tokens)
    return _read_relation([part for part, _ in parts], [sign for _, sign in parts if sign])


def _read_congruence(name: tuple[Token, ...], residues: list[tuple[Token, ...]], modulus: tuple[Token, ...]) -> Value:
    """`n \\equiv 0, 1 \\pmod 4` as the family 4k, 4k + 1 over the integers."""
    step = call("*", Reader(modulus).whole(), symbol("k"))
    signed = [part for residue in residues for part in both_signs(residue)]
    members = tuple(Quantity(call("+", step, Reader(residue).whole())) for residue in signed)
    family = Family(members[0] if len(members) == 1 else Many(members), "k", "Z")
    if not name:
        return family
    called = read_name(name)
    if not called or letters(Reader(name).whole()) == {"k"}:
        raise Unreadable("a congruence of what has no name")
    return Named(called, family)


def _read_relation(parts: list[tuple[Token, ...]], signs: list[str]) -> Value:
    if not all(parts):
        raise Unreadable("a relation without one of its sides")
    if "in" in signs:
        if signs != ["in"]:
            raise Unreadable("a relation with several signs")
        value = read_value(parts[1])
        name = read_name(parts[0])
        return Region(value.pieces, name) if isinstance(value, Region) else Named(name, value)
    if all(sign == "=" for sign in signs):
        return _read_equation(parts)
    sides = [Reader(part).whole() for part in parts]
    return read_inequality(sides, signs)


def _read_equation(parts: list[tuple[Token, ...]]) -> Value:
    name = read_name(parts[0])
    if not name and len(parts) == 2 and (name := read_name(parts[1])):
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


def read_value(tokens: tuple[Token, ...]) -> Value:
    """The value of tokens that hold no relation outside of brackets."""
    if not tokens:
        raise Unreadable("empty")
    if len(tokens) == 1 and _is(tokens[0], "emptyset"):
        return Many((), "set")
    if _is(tokens[0], "complement"):
        rest = tokens[1:]
        if rest and _is(rest[0], "_"):
            rest = rest[2:] if not _is(rest[1], "{") else rest[closing_bracket(rest, 1) + 1 :]
        return Region(complement(as_pieces(read_value(rest))))
    if may_be_words(tokens):
        words = read_words(tokens)
        if words is not None:
            return words
    if (matrix := read_matrix(tokens)) is not None:
        if not isinstance(matrix, list):
            return matrix
        if not any(rest for _, rest in matrix):
            return combine([_read_item(value) for value, _ in matrix], ",", [value for value, _ in matrix])
        return Cases(tuple((_read_list(value), _condition(rest)) for value, rest in matrix))
    if len(difference := split_difference(tokens)) > 1:
        return combine_regions([read_value(part) for part in difference], "setminus")
    for sign in (sign for sign in ("cup", "setminus", "cap") if any(_is(token, sign) for token in tokens)):
        parts = split_union(tokens, sign)
        if len(parts) > 1:
            return combine_regions([read_value(part) for part, _ in parts], sign)
    if tokens[0].kind == "command" and tokens[0].text.startswith("mathbb"):
        return read_set_name(tokens)
    if (group := _read_group(tokens)) is not None:
        return group
    if (ratio := read_ratio(tokens)) is not None:
        return ratio
    if (numeral := read_numeral(tokens)) is not None:
        return numeral
    sides = [part for part, _ in split(tokens, lambda token: _is(token, "times"))]
    if len(sides) > 1 and all(len(side) > 1 and side[-1].kind in ("text", "word") for side in sides):
        lengths = [read_quantity(side) for side in sides]
        if all(length.unit for length in lengths):
            return Many(tuple(lengths))
    return read_quantity(tokens)


def _condition(tokens: tuple[Token, ...]) -> str:
    text = "".join(token.text for token in tokens).replace(" ", "").lower()
    return text.removeprefix("if").removeprefix("for")


def _read_group(tokens: tuple[Token, ...]) -> Value | None:
    first, last = tokens[0], tokens[-1]
    if len(tokens) > 5 and tokens[-2].text == "^" and last.text in ("T", "top") and brackets_hold(tokens[:-2]):
        column = split_members(tokens[1:-3])
        return Sequence(tuple(_read_item(part) for part in column)) if len(column) > 1 else None
    if (len(tokens) > 3 and _is(first, "]") and _is(last, "[", "]")) or (_is(first, "(", "[") and _is(last, "[")):
        parts = split_members(tokens[1:-1])
        if len(parts) == 2:
            return _interval(parts[0], parts[1], (_is(first, "["), _is(last, "]")))
    if not (_is(first, "(", "[", "{", "langle") and _is(last, ")", "]", "}", "rangle") and brackets_hold(tokens)):
        return None
    inner = tokens[1:-1]
    if not inner:
        return Many((), "set") if first.text == "{" else None
    if first.text == "{":
        bar = next((at for at, token in enumerate(inner) if _is(token, "|", ":")), 0)
        if bar and first.kind == "command":
            condition = _read_whole(inner[bar + 1 :])
            described = condition.value if isinstance(condition, Family) else None
            if (
                isinstance(condition, Family)
                and isinstance(described, Named)
                and described.name == read_name(inner[:1])
            ):
                return Family(described.value, condition.letter, condition.domain)
            if isinstance(condition, Region) and condition.name == read_name(inner[:1]):
                domain = "".join(token.text for token in inner[1:bar])
                return list_whole(condition.pieces, domain) if domain in WHOLE else Region(condition.pieces, "")
            raise Unreadable("a set by a condition that is no inequality")
        elements = split_members(inner)
        if first.kind == "mark" and len(elements) == 1:
            return None if _only_expression(inner) else read_value(inner)
        items: list[Value] = []
        for part in elements:
            item = _read_item(part)
            items.extend(item.items if isinstance(item, Many) and any(_is(t, "pm", "mp") for t in part) else (item,))
        return Many(tuple(items), "set")
    members = split_members(inner)
    bars = split(inner, lambda token: _is(token, "|"))
    if len(members) == 1 and first.text == "(" and len(bars) in (2, 3):
        members = [part for part, _ in bars] if all(part and part[0].kind != "command" for part, _ in bars) else members
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
