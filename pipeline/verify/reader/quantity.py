"""Reads a number or expression with its unit: money, percentages, compound units, scale words."""

from __future__ import annotations

from fractions import Fraction

from pipeline.verify import units
from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.tokens import FUNCTIONS, Token
from pipeline.verify.reader.values import Quantity, Unreadable

_COINS = {"dollar": "$", "$": "$", "\u20ac": "EUR", "\u00a3": "GBP", "\u00a5": "JPY", "\u20b9": "INR"}
_PERCENT = frozenset(("%", "percent", "per cent", "percentage", "pct", "percentage points"))
_FOREIGN_UNITS = {
    "\u7c73": "m",
    "\u5398\u7c73": "cm",
    "\u6beb\u7c73": "mm",
    "\u5343\u7c73": "km",
    "\u516c\u91cc": "km",
    "\u514b": "g",
    "\u5343\u514b": "kg",
    "\u516c\u65a4": "kg",
    "\u79d2": "s",
    "\u5206\u949f": "min",
    "\u5c0f\u65f6": "h",
    "\u5ea6": "deg",
    "\u5143": "CNY",
    "\u7f8e\u5143": "$",
    "\u5e73\u65b9\u7c73": "m^2",
    "\u5e73\u65b9\u5398\u7c73": "cm^2",
    "\u7acb\u65b9\u5398\u7c73": "cm^3",
    "\u5347": "l",
    "\u5929": "day",
    "\u5e74": "year",
    "\u043c": "m",
    "\u0441\u043c": "cm",
    "\u043c\u043c": "mm",
    "\u043a\u043c": "km",
    "\u043a\u0433": "kg",
    "\u0433": "g",
    "\u0447": "h",
    "\u043c\u0438\u043d": "min",
}
"""Measures as Chinese and Russian write them -> the name in `units`."""
_FOREIGN_NOT_THINGS = [
    "或",
    "以上",
    "以下",
    "以内",
    "至少",
    "至多",
    "不",
    "万",
    "千",
    "百",
    "亿",
    "倍",
    "打",
    "和",
    "или",
    "более",
    "менее",
    "тыс",
    "мил",
    "не",
    "и",
]
_CLOSES = frozenset(")]}|")


def read_quantity(tokens: tuple[Token, ...]) -> Quantity:
    """The number or expression that the tokens write, with its unit. Raises Unreadable."""
    tokens, coin = _take_coin(tokens)
    runs = _split_runs(tokens)
    if len(runs) == 1:
        amount, suffix = runs[0]
        return _one(amount, suffix, coin)
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


def _take_coin(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], str]:
    head: tuple[Token, ...] = ()
    rest = tokens
    if rest and rest[0].text in ("+", "-"):
        head, rest = rest[:1], rest[1:]
    if len(rest) > 1 and rest[0].text in ("US", "USD") and rest[0].kind == "word":
        return head + rest[2 if rest[1].text in _COINS else 1 :], "$"
    if len(rest) > 1 and rest[0].kind in ("mark", "command") and rest[0].text in _COINS:
        return head + rest[1:], _COINS[rest[0].text]
    return tokens, ""


def _is_unit(tokens: tuple[Token, ...], at: int, in_unit: bool) -> bool:
    token = tokens[at]
    if at == 0:
        return False
    if token.kind == "text":
        return True
    if token.kind in ("mark", "command") and token.text in ("%", *_COINS):
        return True
    if token.text == "degree" and token.kind == "command":
        if any(before.kind == "command" and before.text in FUNCTIONS for before in tokens[:at]):
            return False
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        return following is None or following.kind in ("number", "text")
    if token.text == "'" and tokens[at - 1].kind == "number":
        return any(before.text == "degree" for before in tokens[:at])
    before = tokens[at - 1]
    if token.kind == "command" and token.text == "min":
        return before.kind == "number"
    if token.kind != "word":
        return False
    if not in_unit and not (before.kind == "number" or before.text in _CLOSES or before.text == "!"):
        return False
    word = token.text
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if before.kind == "number" and (
        word == "in" or (word in ("h", "m", "s") and following and following.kind == "number")
    ):
        return True
    known = (word in units.MEASURES or word.lower() in units.MEASURES or word == "pct") and len(word) > 1
    return (
        known or len(word) > 4 or (in_unit and len(word) > 1) or (token.spaced and len(word) > 3) or not word.isascii()
    )


def _split_runs(tokens: tuple[Token, ...]) -> list[tuple[tuple[Token, ...], tuple[Token, ...]]]:
    """(amount, unit) after one another; the unit is empty where there is none."""
    runs: list[tuple[tuple[Token, ...], tuple[Token, ...]]] = []
    start, at, depth = 0, 0, 0
    while at < len(tokens):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(tokens[at].text, 0)
        if depth or not _is_unit(tokens, at, False):
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
    if words.lower().rstrip(".") in _PERCENT:
        if coin:
            raise Unreadable("money in percent")
        return Quantity(node, percent=True)
    unit, factor = read_unit_words(words)
    if coin and unit and not unit.startswith("/") and unit != coin:
        raise Unreadable(f"two units: {coin} and {unit}")
    if unit.startswith("/"):
        unit = coin + unit if coin else ""
    scaled = call("*", node, number(factor)) if factor != 1 else node
    return Quantity(scaled, unit or coin)


def read_unit_words(words: str) -> tuple[str, Fraction]:
    """The unit's name ("" for counted things) and what a scale word multiplies by. Raises Unreadable."""
    if words == "'":
        return "arcmin", Fraction(1)
    if words.startswith("degree"):
        rest = words[len("degree") :].strip()
        return ("deg" if not rest else f"deg {rest}"), Fraction(1)
    first, _, rest = words.partition(" ")
    if first.lower() in units.SCALES:
        return (read_unit_words(rest)[0] if rest else ""), units.SCALES[first.lower()]
    if (
        any(character in units.MEASURES and character != "$" for character in words)
        and len(words) == 1
        and not words.isalpha()
    ):
        return units.MEASURES[words], Fraction(1)
    if words in ("$", "dollar"):
        return "$", Fraction(1)
    if not words.isascii() and any(character.isalpha() and ord(character) > 0x24F for character in words):
        if words in _FOREIGN_UNITS:
            return _FOREIGN_UNITS[words], Fraction(1)
        if len(words) > 20 or any(
            part in words if ord(part[0]) > 0x2E00 else part in words.split() for part in _FOREIGN_NOT_THINGS
        ):
            raise Unreadable(f"cannot read the unit {words!r}")
        return "", Fraction(1)
    if len(words) == 1 and words not in units.LETTERS and words not in units.MEASURES:
        raise Unreadable(f"cannot read the unit {words!r}")
    unit = units.read_unit(words, True, True)
    if unit is None:
        raise Unreadable(f"cannot read the unit {words!r}")
    return unit, Fraction(1)


_BASES: dict[str, tuple[str, Fraction]] = {
    "mm": ("m", Fraction(1, 1000)),
    "cm": ("m", Fraction(1, 100)),
    "km": ("m", Fraction(1000)),
    "mg": ("g", Fraction(1, 1000)),
    "kg": ("g", Fraction(1000)),
    "in": ("in", Fraction(1)),
    "ft": ("in", Fraction(12)),
    "yd": ("in", Fraction(36)),
    "mi": ("in", Fraction(63360)),
    "oz": ("oz", Fraction(1)),
    "lb": ("oz", Fraction(16)),
    "ml": ("l", Fraction(1, 1000)),
    "min": ("s", Fraction(60)),
    "h": ("s", Fraction(3600)),
    "day": ("s", Fraction(86400)),
    "week": ("s", Fraction(604800)),
    "cent": ("$", Fraction(1, 100)),
    "arcmin": ("deg", Fraction(1, 60)),
    "month": ("month", Fraction(1)),
    "year": ("month", Fraction(12)),
    "mph": ("in/s", Fraction(63360, 3600)),
}
"""Unit -> its base and what one is in it, where the definition is exact."""


def convert(unit: str) -> tuple[Fraction, str]:
    """(factor, dimension): what one of `unit` is in its base unit."""
    factor, names = Fraction(1), []
    above, _, below = unit.partition("/")
    for side, part in ((1, above), (-1, below)):
        for piece in part.split():
            name, _, power = piece.partition("^")
            exponent = int(power or 1) * side
            base, size = _BASES.get(name, (name, Fraction(1)))
            factor *= size**exponent
            names.append(f"{base}^{exponent}")
    return factor, " ".join(sorted(names))
