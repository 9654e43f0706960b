"""The fast path: reads the answers that are common, exactly, in microseconds, and says None to everything else.

It reads integers, decimals, fractions, mixed numbers, percentages, money, units, scientific notation, thousands
separators, roots, pi, polynomials in letters, tuples, lists, sets, intervals, ratios, assignments and short words.
None means "not common": the slow path (math-verify and SymPy in a killable process) is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from pipeline.verify import exact
from pipeline.verify.exact import Element, TooHard
from pipeline.verify.expression import read_expression
from pipeline.verify.normal import clean
from pipeline.verify.units import MEASURES, SCALES, read_unit

Kind = Literal["number", "infinity", "text", "tuple", "interval", "list", "set", "ratio"]
MAX_LENGTH = 300
MAX_ITEMS = 64
MAX_WORDS = 4


@dataclass(frozen=True, slots=True)
class Value:
    """What an answer is worth. `key` alone decides equality; the rest is what a label may be lenient about.

    `unit`: the measure ("cm"), part of the key. `bare`: the key without it. `name`: what it was assigned to (x = 5).
    `percent`: it was written with %. `places`: decimal places of a number written as a decimal. `items`: the members.
    """

    kind: Kind
    key: str
    bare: str
    unit: str = ""
    percent: bool = False
    places: int = 0
    name: str = ""
    items: tuple[Value, ...] = ()
    element: Element | None = field(default=None, compare=False, repr=False)


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")
_TIGHT = re.compile(r"(?<![\d,.])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,/^_])([1-9]\d{0,2}(?: \d{3})+)(?![\d ])")
_JOIN = re.compile(
    r"(?:,\s*)?(?:\\(?:text|mathrm|textrm|mbox)\s*\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z])(?:and|or)(?![A-Za-z]))"
)
_TEXT = re.compile(r"\\(?:text|mathrm|textrm|textbf|textit|mathit|mathbf|mathsf|mbox|operatorname|rm)\s*\{([^{}\\]*)\}")
_UNIT_TEXT = re.compile(
    r"(?P<head>.*?[\d)}%\s])\s*"
    r"(?P<words>(?:\\(?:text|mathrm|textrm|textbf|textit|mbox|operatorname|rm)\s*\{[^{}\\]*\}\s*(?:\^\s*\{?-?\d\}?)?\s*/?\s*)+)",
    re.DOTALL,
)
_UNIT_WORDS = re.compile(
    r"(?P<head>.*[\d)}!])(?P<space>\s*)(?P<words>(?:/\s*)?[A-Za-z\u20ac\u00a3$][A-Za-z .^/{}0-9$\u20ac-]*)"
)
_MONEY = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<coin>US\$|USD(?=[ \d])|[$\u20ac\u00a3\u00a5\u20b9])\s*(?P<rest>[-+]?[\d.\\(].*)"
)
_PERCENT = re.compile(r"(.*?)\s*(?:%|\b(?:percent|per cent|percentage points?|pct)|\\text\s*\{\s*(?:percent|%)\s*\})")
_MIXED = re.compile(r"(?P<sign>[-+]?)\s*(?P<whole>\d+)\s+(?P<top>\d+)\s*/\s*(?P<bottom>\d+)")
_SCIENTIFIC = re.compile(r"([-+]?)((?:\d+\.?\d*|\.\d+))[eE]([-+]?\d{1,3})")
_REPEATING = re.compile(r"([-+]?\d*)\.(\d*)\\(?:overline|bar)\s*\{?(\d+)\}?")
_RATIO = re.compile(r"\d+(?:\.\d+)?(?:\s*:\s*\d+(?:\.\d+)?)+")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")
_CLOCK_NOON = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d))?\s*([ap])\.?\s?m\.?", re.IGNORECASE)
_INFINITY = re.compile(r"([-+]?)\s*(?:\\infty|infinity|inf)", re.IGNORECASE)
_NAME = re.compile(
    r"\\?[A-Za-z]+(?:_\{?[A-Za-z0-9]{1,4}\}?)?'?(?:\(\s*[A-Za-z](?:\s*,\s*[A-Za-z])*\s*\))?"
    r"|[A-Za-z]+(?: [A-Za-z]+){1,3}"
)
_MEMBER = re.compile(r"[A-Za-z](?:_\{?[A-Za-z0-9]\}?)?\s*\\in(?![A-Za-z])\s*(.+)")
_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*)*")
_FUNCTIONS = re.compile(
    r"(?<![A-Za-z])(?:a?(?:rc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|sqrt|frac|det|lim|max|min|gcd|lcm|mod"
    r"|nan|inf|e|i)(?![A-Za-z])"
)
_WRITTEN_SHORT_WORDS = """
all fri mon no none odd one red sat six sun ten thu tie tue two wed win yes
"""
_SHORT_WORDS = frozenset(_WRITTEN_SHORT_WORDS.split())
_EMPTY_SET = frozenset((r"\emptyset", r"\varnothing", r"\{\}", r"\{ \}"))
_OPENERS = {"(": ")", "[": "]", "{": "}"}


def parse_fast(text: str) -> Value | None:
    """The value that a common answer writes, or None when the slow path has to be asked (or there is nothing in it)."""
    if len(text) > MAX_LENGTH:
        return None
    return _parse(text)


def key_fast(text: str) -> str | None:
    """The canonical writing of a common answer: equal keys, equal values. It is itself an answer of that value."""
    value = parse_fast(text)
    return None if value is None else value.key


@lru_cache(maxsize=1 << 16)
def _parse(text: str) -> Value | None:
    stripped = text.strip()
    if _INTEGER.fullmatch(stripped):
        return _number(exact.number(int(stripped)))
    cleaned = clean(stripped)
    if not cleaned:
        return None
    try:
        return _read_answer(cleaned)
    except (ArithmeticError, RecursionError, TooHard):
        return None


def _number(element: Element, unit: str = "", percent: bool = False, places: int = 0) -> Value:
    bare = exact.write(element)
    key = f"{bare} \\text{{{unit}}}" if unit else bare
    return Value("number", key, bare, unit=unit, percent=percent, places=places, element=element)


def _text(words: str) -> Value:
    key = " ".join(words.lower().split())
    if len(key) == 1:
        return _number(exact.generator(words.strip()))
    return Value("text", f"\\text{{{key}}}", key)


def _read_answer(text: str) -> Value | None:
    text = _SPACED_THOUSANDS.sub(lambda match: match[1].replace(" ", ""), text)
    if "," in text and _TIGHT.search(text):
        grouped = any(mark in _TEXT.sub("", text) for mark in "([{")
        if not grouped or re.search(r",\s|;", text) is not None:
            if grouped and any(mark in text for mark in "(["):
                return None
            text = _TIGHT.sub(lambda match: match[0].replace(",", ""), text)
    parts = _split(_JOIN.sub(" \x00 ", text), top=True)
    if parts is None:
        return None
    if len(parts) == 1 and "\\pm" not in text:
        return _read_item(parts[0])
    return _read_list(parts)


def _split(text: str, top: bool) -> list[str] | None:
    """The parts between separators that stand in no brackets; None when brackets do not pair or a part is empty."""
    parts, stack, start, position = [], [], 0, 0
    separators = ",;\x00" if top else ",;"
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            follower = text[position + 1]
            if follower == "{":
                stack.append("\\}")
            elif follower == "}" and (not stack or stack.pop() != "\\}"):
                return None
            position += 2
            continue
        if character in _OPENERS:
            stack.append(_OPENERS[character])
        elif character in ")]}":
            if not stack:
                return None
            opener = stack.pop()
            if opener != character and {opener, character} != {")", "]"}:
                return None
        elif character in separators and not stack:
            parts.append(text[start:position].strip())
            start = position + 1
        elif character == "\x00":
            return None
        position += 1
    parts.append(text[start:].strip())
    if stack or not all(parts) or len(parts) > MAX_ITEMS:
        return None
    return parts


def _read_list(parts: list[str]) -> Value | None:
    items: list[Value] = []
    for part in parts:
        if part.count("\\pm") > 1:
            return None
        signs = ("+", "-") if "\\pm" in part else ("",)
        for sign in signs:
            item = _read_item(re.sub(r"\\pm(?![A-Za-z])", lambda _, sign=sign: sign, part))  # type: ignore[misc]
            if item is None or item.kind in ("list", "set") or "\\pm" in item.key:
                return None
            items.append(item)
    names = {re.sub(r"_.*", "", item.name) for item in items[1:]} | {re.sub(r"_.*", "", items[0].name)}
    if len(names) > 1 and not (items[0].name and names == {re.sub(r"_.*", "", items[0].name), ""}):
        named = ", ".join(sorted(f"{item.name}={item.key}" if item.name else item.key for item in items))
        return Value("list", named, named, items=tuple(items))
    keys = [item.key for item in items]
    unit = items[-1].unit
    if unit and all(item.kind == "number" and item.unit in ("", unit) for item in items):
        keys = [f"{item.bare} \\text{{{unit}}}" for item in items]
    return _unordered("list", keys, tuple(items))


def _unordered(kind: Literal["list", "set"], keys: list[str], items: tuple[Value, ...]) -> Value:
    distinct = sorted(set(keys))
    if kind == "set" and len(distinct) == 1:
        return items[0]
    if kind == "set" or len(distinct) == len(keys):
        key = "\\{" + ", ".join(distinct) + "\\}"
    else:
        key = ", ".join(sorted(keys))
    return Value(kind, key, key, items=items)


def _read_item(text: str) -> Value | None:
    if match := _MEMBER.fullmatch(text):
        text = match[1]
    if "=" not in text:
        return _read_value(text)
    parts = [part.strip() for part in text.split("=")]
    if not all(parts) or any(part[-1] in "<>!:" for part in parts[:-1]) or "\\ne" in text:
        return None
    values = [_read_value(part) for part in parts[1:]]
    last = values[-1]
    if last is None or any(value is None or value.key != last.key for value in values):
        return None
    name = _TEXT.sub(lambda match: match[1].strip(), parts[0])
    if not _NAME.fullmatch(name):
        first = _read_value(parts[0])
        return last if first is not None and first.key == last.key else None
    return Value(
        last.kind,
        last.key,
        last.bare,
        unit=last.unit,
        percent=last.percent,
        places=last.places,
        name=" ".join(re.sub(r"\(.*|[{}\\]", "", name).split()),
        items=last.items,
        element=last.element,
    )


def _read_value(text: str) -> Value | None:
    text = text.strip()
    if not text:
        return None
    if text in _EMPTY_SET:
        return Value("set", r"\emptyset", r"\emptyset")
    if match := _INFINITY.fullmatch(text):
        key = ("-" if match[1] == "-" else "") + r"\infty"
        return Value("infinity", key, key)
    if (choice := re.fullmatch(r"\(\s*(?:\\text\s*\{\s*)?([A-Za-z])\s*\}?\s*\)", text)) is not None:
        return _text(choice[1])
    if (group := _read_group(text)) is not None:
        return group
    if (word := _TEXT.fullmatch(text)) is not None and (words := _WORDS.fullmatch(word[1].strip().rstrip("."))):
        return _text(words[0]) if len(words[0].split()) <= MAX_WORDS else None
    if (words := _WORDS.fullmatch(text)) is not None and len(text) > 1:
        return _read_words(text)
    if (noon := _CLOCK_NOON.fullmatch(_TEXT.sub(lambda match: match[1], text))) is not None:
        key = f"{int(noon[1])}:{noon[2] or '00'} {noon[3].lower()}.m."
        return Value("text", key, key)
    if _RATIO.fullmatch(text):
        return _read_ratio(text)
    return _read_quantity(text)


def _read_words(text: str) -> Value | None:
    words = text.split()
    if len(words) > MAX_WORDS or _FUNCTIONS.search(text.lower()) or "pi" in words:
        return None
    for word in words:
        known = len(word) >= 4 or word.lower() in _SHORT_WORDS or re.fullmatch(r"[A-Z][a-z]+", word)
        if not known and (len(words) == 1 or len(word) == 1):
            return None
    return _text(text)


def _read_ratio(text: str) -> Value | None:
    parts = [Fraction(part.strip()) for part in text.split(":")]
    if not all(parts):
        return None
    if _CLOCK.fullmatch(text):
        key = text
    else:
        scale = parts[-1]
        reduced = [part / scale for part in parts]
        common = 1
        for part in reduced:
            common = common * part.denominator // _gcd(common, part.denominator)
        whole = [int(part * common) for part in reduced]
        divisor = 0
        for n in whole:
            divisor = _gcd(divisor, n)
        key = ":".join(str(n // divisor) for n in whole)
    element = exact.number(parts[0] / parts[1]) if len(parts) == 2 else None
    return Value("ratio", key, key, element=element)


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _read_group(text: str) -> Value | None:
    """A tuple, an interval or a set; None when the brackets do not hold the whole text, or hold one expression."""
    braces = text.startswith("\\{") and text.endswith("\\}")
    if braces:
        inner = text[2:-2]
    elif text[0] in "([{" and text[-1] in ")]}" and len(text) > 2:
        inner, braces = text[1:-1], text[0] == "{"
        if braces and (text[-1] != "}" or "," not in inner):
            return None
    else:
        return None
    parts = _split(inner, top=False)
    if parts is None or (len(parts) == 1 and not braces):
        return None
    items = [_read_value(part) if braces or "=" not in part else None for part in parts]
    members = tuple(item for item in items if item is not None)
    if len(members) != len(items) or any(item.kind in ("list", "ratio")[: 1 if braces else 2] for item in members):
        return None
    if braces:
        return _unordered("set", [item.key for item in members], members)
    if text[0] == "{" or text[-1] == "}":
        return None
    if text[0] + text[-1] not in ("()", "[]") and len(members) != 2:
        return None
    ends = "()" if len(members) > 2 else text[0] + text[-1]
    key = ends[0] + ", ".join(item.key for item in members) + ends[1]
    return Value("tuple" if ends == "()" else "interval", key, key, items=members)


def _read_quantity(text: str) -> Value | None:
    unit, percent, scale = "", False, Fraction(1)
    if money := _MONEY.fullmatch(text):
        coin = money["coin"]
        unit = MEASURES.get("$" if "US" in coin else coin, coin)
        text = money["sign"] + money["rest"]
    if match := _PERCENT.fullmatch(text):
        text, percent = match[1], True
        if unit:
            return None
    elif match := _UNIT_TEXT.fullmatch(text):
        words = _TEXT.sub(lambda inner: " " + inner[1] + " ", match["words"])
        text, found, scale = _read_tail(match["head"], words, True, True)
        if found is None:
            return None
        unit = _join_units(unit, found)
    elif match := _UNIT_WORDS.fullmatch(text):
        tail, found, tail_scale = _read_tail(match["head"], match["words"], False, bool(match["space"]))
        if found is not None:
            text, unit, scale = tail, _join_units(unit, found), tail_scale
    text = text.strip()
    if text.endswith("\\degree"):
        text = text[: -len("\\degree")].strip()
        unit = "deg " + unit if unit else "deg"
    read = _read_number(text)
    if read is None:
        return None
    element, places = read
    if percent:
        scale = Fraction(1, 100)
    if scale != 1:
        element = exact.multiply(element, exact.number(scale))
    return _number(element, unit, percent, places)


def _join_units(coin: str, found: str) -> str:
    """The unit of `coin` before and `found` behind a number: $ and /h make $/h. Raises TooHard for two units."""
    if found.startswith("/"):
        return coin + found if coin else ""
    if coin and found and found != coin and not found.startswith(f"{coin}/"):
        raise TooHard("two units")
    return found or coin


def _read_tail(head: str, words: str, in_text: bool, spaced: bool) -> tuple[str, str | None, Fraction]:
    """The number's text, its unit (None: the words are none) and what a scale word multiplies it by."""
    words = words.strip()
    first, _, rest = words.partition(" ")
    if first.lower() in SCALES:
        return head, read_unit(rest, in_text, True), SCALES[first.lower()]
    return head, read_unit(words, in_text, spaced), Fraction(1)


def _read_number(text: str) -> tuple[Element, int] | None:
    """A number without its unit, with the decimal places that it was written to."""
    if match := _MIXED.fullmatch(text):
        whole, top, bottom = int(match["whole"]), int(match["top"]), int(match["bottom"])
        if not bottom or top >= bottom:
            return None
        value = whole + Fraction(top, bottom)
        return exact.number(-value if match["sign"] == "-" else value), 0
    if match := _SCIENTIFIC.fullmatch(text):
        value = Fraction(match[2]) * Fraction(10) ** int(match[3])
        return exact.number(-value if match[1] == "-" else value), 0
    if match := _REPEATING.fullmatch(text):
        sign = -1 if match[1].startswith("-") else 1
        digits = len(match[2])
        value = Fraction(int(match[1].lstrip("+-") or "0")) + Fraction(int(match[2] or "0"), 10**digits)
        value += Fraction(int(match[3]), (10 ** len(match[3]) - 1) * 10**digits)
        return exact.number(sign * value), 0
    element = read_expression(text)
    decimal = re.fullmatch(r"[-+]?\d*\.(\d+)", text)
    return element, len(decimal[1]) if decimal else 0
