"""Reads a number or expression with its unit: money, percentages, compound units, scale words."""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.text.units import SYMBOLS
from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.tokens import COMMAND_FUNCTIONS, FUNCTIONS, Token
from pipeline.verify.reader.units import LETTERS, convert, is_unit_word, read_unit_words
from pipeline.verify.reader.values import Quantity, Unreadable

_COINS = {"dollar": "$", "$": "$", "\u20ac": "EUR", "\u00a3": "GBP", "\u00a5": "JPY", "\u20b9": "INR"}
_DOLLARS = {"US": "$", "USD": "$", "A": "$", "C": "$", "CA": "$", "HK": "$", "NZ": "$", "S": "$", "R": "BRL"}
"""What stands before the sign of a dollar or real."""
_CLOSES = frozenset(")]}|")


_NAME = r"\{\s*(?:\\(?:text|mathrm|rm|mbox)\s*\{\s*)?([A-Za-z]+(?:\^\{?\d\}?)?)\s*\}?\s*(\^\{?\d\}?)?\s*\}"
_QUOTIENT = re.compile(rf"(?<=[\d}}\s])\\frac\s*{_NAME}\s*{_NAME}$")
"""A fraction of two units behind a number."""

_GREEK_UNIT = re.compile(r"\\mu(?![A-Za-z])|\\Omega(?![A-Za-z])|[\u03bc\u00b5\u03a9]")
_SYMBOL = re.compile(
    r"(?<=[\d}])\s*(?:\\(?:text|mathrm)\s*\{)?\s*"
    r"(?:(?P<micro>\\mu(?![A-Za-z])|[\u03bc\u00b5])\s*(?:\\(?:text|mathrm)\s*\{)?\s*(?P<name>[A-Za-z]+)"
    r"|(?P<prefix>[kMG])?\}?\s*(?:\\Omega(?![A-Za-z])|\u03a9))\s*\}?$"
)
"""A unit with a Greek letter in it behind a number: `12 \\mu m`, `4.7 \\text{ k}\\Omega`."""


def join_units(text: str) -> str:
    """A cleaned answer whose unit is a fraction, `72 \\frac{km}{h}`, with the unit as text: `72 \\text{km/h}`."""
    if _GREEK_UNIT.search(text) and (unit := _SYMBOL.search(text)) is not None:
        prefix, name = unit["prefix"] or "", unit["name"] or "\u03a9"
        prefix = "\u03bc" if unit["micro"] else prefix
        if prefix + name in SYMBOLS:
            return rf"{text[: unit.start()]}\text{{{prefix}{name}}}"
    match = _QUOTIENT.search(text) if "frac" in text else None
    if match is None or not re.match(r"-?[\d.]", text):
        return text
    above, power, below, raised = (part or "" for part in match.groups())
    names = [re.sub(r"\W.*|\d", "", part) for part in (above, below)]
    known = all(is_unit_word(name) or name in LETTERS for name in names)
    return rf"{text[: match.start()]}\text{{{above}{power}/{below}{raised}}}" if known else text


def read_quantity(tokens: tuple[Token, ...]) -> Quantity:
    """The number or expression that the tokens write, with its unit. Raises Unreadable."""
    tokens, coin = _take_coin(tokens)
    runs = _split_runs(tokens)
    if len(runs) == 1:
        amount, suffix = runs[0]
        read = _one(amount, suffix, coin)
        return read if suffix or coin else replace(read, as_unit=_read_letter_unit(tokens))
    parts = [_one(amount, suffix, "") for amount, suffix in runs]
    if coin or any(not part.unit or part.percent for part in parts):
        raise Unreadable("several amounts of which one has no unit")
    sizes = [convert(part.unit) for part in parts]
    if len({dimension for _, dimension in sizes}) > 1 or [factor for factor, _ in sizes] != sorted(
        {factor for factor, _ in sizes}, reverse=True
    ):
        raise Unreadable("units that do not add up")
    total = number(0)
    last = sizes[-1][0]
    for part, (factor, _) in zip(parts, sizes, strict=True):
        total = call("+", total, call("*", part.node, number(factor / last)))
    return Quantity(total, parts[-1].unit)


def _read_letter_unit(tokens: tuple[Token, ...]) -> Quantity | None:
    """A number, a space and a letter that is a unit (`3 m`), which may also be a product; None for anything else."""
    sign = tokens[:1] if tokens and tokens[0].text in ("+", "-") else ()
    number_, *rest = tokens[len(sign) :] or (Token("mark", ""),)
    if number_.kind != "number" or not rest or not rest[0].spaced or rest[0].text not in LETTERS:
        return None
    if any(token.kind not in ("word", "number") and token.text not in ("^", "/", "{", "}") for token in rest):
        return None
    try:
        return _one((*sign, number_), tuple(rest), "")
    except Unreadable:
        return None


def _take_coin(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], str]:
    head: tuple[Token, ...] = ()
    rest = tokens
    if rest and rest[0].text in ("+", "-"):
        head, rest = rest[:1], rest[1:]
    named = len(rest) > 1 and rest[0].kind == "word" and rest[0].text in _DOLLARS
    if named and (rest[0].text == "USD" or rest[1].text in ("$", "dollar")):
        return head + rest[2 if rest[1].text in _COINS else 1 :], _DOLLARS[rest[0].text]
    if len(rest) > 1 and rest[0].kind in ("mark", "command") and rest[0].text in _COINS:
        return head + rest[1:], _COINS[rest[0].text]
    return tokens, ""


def _is_unit(tokens: tuple[Token, ...], at: int, in_unit: bool, compound: bool = False) -> bool:
    token = tokens[at]
    if at == 0:
        return False
    if token.kind == "text":
        return True
    if token.kind in ("mark", "command") and token.text in ("%", *_COINS):
        return True
    if token.text == "degree" and token.kind == "command":
        if any(before.kind == "command" and before.text in FUNCTIONS | COMMAND_FUNCTIONS for before in tokens[:at]):
            return False
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following is not None and following.text in ("C", "F"):
            return at + 2 == len(tokens)
        return following is None or following.kind in ("number", "text")
    if token.text == "'" and tokens[at - 1].kind == "number":
        return any(before.text == "degree" for before in tokens[:at])
    before = tokens[at - 1]
    if token.text in ("/", "per") and before.kind == "number" and at + 1 < len(tokens):
        below = tokens[at + 1]
        return below.kind in ("word", "text") and len(below.text) > 1 and is_unit_word(below.text)
    if token.kind == "command" and token.text == "min":
        return before.kind == "number"
    if token.kind != "word":
        return False
    if not in_unit and not (before.kind == "number" or before.text in _CLOSES or before.text == "!"):
        return False
    word = token.text
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if before.kind == "number" and word in ("sq", "cu") and following is not None and is_unit_word(following.text):
        return True
    if before.kind == "number" and (
        word == "in" or (word in LETTERS and (compound or (following is not None and following.kind == "number")))
    ):
        return True
    if word in SYMBOLS:
        return token.spaced or in_unit
    known = len(word) > 1 and is_unit_word(word)
    return (
        known or len(word) > 4 or (in_unit and len(word) > 1) or (token.spaced and len(word) > 3) or not word.isascii()
    )


def _split_runs(tokens: tuple[Token, ...]) -> list[tuple[tuple[Token, ...], tuple[Token, ...]]]:
    """(amount, unit) after one another; the unit is empty where there is none."""
    runs: list[tuple[tuple[Token, ...], tuple[Token, ...]]] = []
    start, at, depth = 0, 0, 0
    while at < len(tokens):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(tokens[at].text, 0)
        if depth or not _is_unit(tokens, at, False, bool(runs)):
            at += 1
            continue
        end = at + 1
        while end < len(tokens):
            token = tokens[end]
            if (
                token.text in ("^", "/", "{", "}", "-", "cdot", ".")
                or _is_unit(tokens, end, True)
                or (token.kind == "number" and tokens[end - 1].text in ("^", "{", "-"))
                or (token.kind == "word" and tokens[end - 1].text in ("/", "cdot", "degree"))
            ):
                end += 1
            else:
                break
        runs.append((tokens[start:at], tokens[at:end]))
        start = at = end
    if start < len(tokens):
        runs.append((tokens[start:], ()))
    return runs


def _one(amount: tuple[Token, ...], suffix: tuple[Token, ...], coin: str) -> Quantity:
    node = Reader(amount).whole()
    words = "".join((" " if token.kind in ("text", "word") else "") + token.text for token in suffix).strip()
    words = words.replace("{", "").replace("}", "").strip()
    if not words:
        if node.op == "*" and node.args[1] == symbol("degree"):
            return Quantity(node.args[0], "deg")
        return Quantity(node, coin)
    words = " ".join(words.split())
    unit, factor = read_unit_words(words)
    if unit == "%":
        if coin:
            raise Unreadable("money in percent")
        return Quantity(node, percent=True)
    if coin and unit and not unit.startswith("/") and unit != coin:
        raise Unreadable(f"two units: {coin} and {unit}")
    if unit.startswith("/"):
        unit = coin + unit if coin else ""
    scaled = call("*", node, number(factor)) if factor != 1 else node
    return Quantity(scaled, unit or coin, thing="" if unit or coin or factor != 1 else words.lower())
