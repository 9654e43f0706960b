"""Is this output the expected one? Pure functions of two texts, or of a Python literal and what a program returned.

Whoever compares decides outside the sandbox, from data: no object of the program's is ever asked whether it is equal.
"""

import math
import re
from typing import Any

from pipeline.sandbox.inside import codec
from pipeline.sandbox.match import match_items
from pipeline.sandbox.program import Checker

TOLERANCE = 1e-6
"""Absolute below 1, relative above, as contest checkers have it; it can be widened by `checker.float_tolerance`."""
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_FLOAT = re.compile(r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][+-]?[0-9]+)?\Z")


def compare_output(expected: str | None, got: str, checker: Checker | None = None) -> bool:
    """Whether the text `got` on stdout is the `expected` one.

    Token by token between white space: integers exactly, as digits; where the expected token is a non-integer number,
    within TOLERANCE (or `float_tolerance`, which then holds for integers as well); anything else exactly, or without
    case if `ignore_case`. nan and inf match nothing but themselves written the same way. `strict_whitespace` compares
    line by line, but for white space at line ends and at the end. `ignore_order` takes lines in any order (`outer`),
    words within each line (`inner`), or both (`all`). No expectation (None) is never met.
    """
    if expected is None:
        return False
    rules = checker or {}
    if rules.get("ignore_order"):
        return _same_in_any_order(expected, got, rules)
    if rules.get("strict_whitespace"):
        wanted, printed = _lines(expected), _lines(got)
        if len(wanted) != len(printed):
            return False
        pairs = [pair for line, other in zip(wanted, printed, strict=True) for pair in _same_spacing(line, other)]
        return all(other is not None and _same_token(token, other, rules) for token, other in pairs)
    tokens = expected.split()
    others = got.split(maxsplit=len(tokens))
    return len(tokens) == len(others) and all(
        _same_token(token, other, rules) for token, other in zip(tokens, others, strict=True)
    )


def _same_in_any_order(expected: str, got: str, checker: Checker) -> bool:
    level = checker.get("ignore_order")
    wanted = [line.split() for line in expected.split("\n") if line.strip()]
    printed = [line.split() for line in got.split("\n") if line.strip()]

    def write(words: list[str]) -> str | None:
        shown = [word.casefold() for word in words] if checker.get("ignore_case") else words
        if any(map(_is_no_number, words)):
            return None
        return " ".join(shown if level == "outer" else sorted(shown))

    def same(line: list[str], other: list[str]) -> bool:
        if len(line) != len(other):
            return False
        if level == "outer":
            return all(_same_token(one, two, checker) for one, two in zip(line, other, strict=True))
        keys = [[None if _is_no_number(word) else word for word in words] for words in (line, other)]
        return match_items(line, keys[0], other, keys[1], lambda one, two: _same_token(one, two, checker))

    if level == "inner":
        return len(wanted) == len(printed) and all(map(same, wanted, printed))
    return match_items(wanted, list(map(write, wanted)), printed, list(map(write, printed)), same)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_spacing(line: str, other: str) -> list[tuple[str, str | None]]:
    mine, others = re.split(r"(\s+)", line), re.split(r"(\s+)", other)
    if len(mine) != len(others) or mine[1::2] != others[1::2]:
        return [(line, None)]
    return list(zip(mine[::2], others[::2], strict=True))


def _same_token(token: str, other: str, checker: Checker) -> bool:
    if token == other:
        return not _is_no_number(token)
    if checker.get("ignore_case") and token.casefold() == other.casefold():
        return not _is_no_number(token)
    tolerance = _tolerance(checker)
    if _INTEGER.match(token) and tolerance is None:
        return bool(_INTEGER.match(other)) and _sign_and_digits(token) == _sign_and_digits(other)
    if not (_FLOAT.match(token) or _INTEGER.match(token)) or not (_FLOAT.match(other) or _INTEGER.match(other)):
        return False
    return _near(float(token), float(other), TOLERANCE if tolerance is None else tolerance)


def _is_no_number(token: str) -> bool:
    return token.lower().lstrip("+-") == "nan"


def _sign_and_digits(token: str) -> tuple[bool, str]:
    digits = token.lstrip("+-").lstrip("0")
    return token.startswith("-") and bool(digits), digits


def _tolerance(checker: Checker | None) -> float | None:
    given = (checker or {}).get("float_tolerance")
    return float(given) if isinstance(given, int | float) else None


def _near(expected: float, got: float, tolerance: float) -> bool:
    if not (math.isfinite(expected) and math.isfinite(got)):
        return False
    return abs(expected - got) <= tolerance * max(1.0, abs(expected))


def compare_value(expected: Any, tagged: Any, checker: Checker | None = None, loose: bool = False) -> bool:
    """Whether a returned value, as tagged JSON, is the `expected` one (plain Python data).

    As Python's `==` does, but a float that is no integer is compared within TOLERANCE, nan only equals an expected nan,
    and with `loose` a tuple is a list and a key its text, as after a way through JSON. `ignore_order` takes the
    elements of a list or tuple in any order (`outer`), those of its elements (`inner`), or of all (`all`). `tagged` is
    never made into a dict or set larger than the expected one: its hashes may be chosen to collide.
    """
    try:
        return _same(expected, tagged, checker or {}, loose)
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        return False


def _same(expected: Any, tagged: Any, checker: Checker, loose: bool) -> bool:
    tag, held = _open(tagged)
    if isinstance(expected, str):
        return tag == "" and isinstance(held, str) and _same_text(expected, held, checker)
    if expected is None or isinstance(expected, bytes):
        return bool(tag == "") and type(held) is type(expected) and bool(held == expected)
    if isinstance(expected, bool | int | float | complex):
        return tag == "" and isinstance(held, bool | int | float | complex) and _same_number(expected, held, checker)
    if isinstance(expected, list | tuple):
        kinds = {"list", "t"} if loose else {"t" if isinstance(expected, tuple) else "list"}
        if tag not in kinds or len(held) != len(expected):
            return False
        level, within = checker.get("ignore_order"), _look_within(checker)
        if level in ("outer", "all"):
            keys = [_write_key(codec.encode(item), level == "all") for item in expected]
            others = [_write_key(item, level == "all") for item in held]
            return match_items(expected, keys, held, others, lambda one, two: _same(one, two, within, loose))
        return all(_same(one, other, within, loose) for one, other in zip(expected, held, strict=True))
    if tag != ("d" if isinstance(expected, dict) else "s") or len(held) != len(expected):
        return False
    if isinstance(expected, dict):
        return _same_dict(expected, held, checker, loose)
    return {codec.decode(item) for item in held} == set(expected)


def _look_within(checker: Checker) -> Checker:
    """The rules for what is within a value."""
    level = checker.get("ignore_order")
    return checker if level in (None, "all") else {**checker, "ignore_order": "outer" if level == "inner" else None}


def _write_key(tagged: Any, sort: bool) -> str:
    """A text that equal values share; with `sort` those too whose lists are in another order."""
    tag, held = _open(tagged)
    if tag in ("list", "t") and sort:
        return f"{tag}[{', '.join(sorted(_write_key(item, sort) for item in held))}]"
    return write_literal(tagged)


def _open(tagged: Any) -> tuple[str, Any]:
    if isinstance(tagged, list):
        return "list", tagged
    if not isinstance(tagged, dict):
        return "", tagged
    ((tag, held),) = tagged.items()
    return (tag, held) if tag in ("t", "d", "s") else ("", codec.decode(tagged))


def _same_dict(expected: dict[Any, Any], pairs: list[Any], checker: Checker, loose: bool) -> bool:
    wanted = {str(key): item for key, item in expected.items()} if loose else expected
    seen = set()
    for tagged_key, tagged_item in pairs:
        key = codec.decode(tagged_key)
        key = str(key) if loose else key
        if key not in wanted or not _same(wanted[key], tagged_item, _look_within(checker), loose):
            return False
        seen.add(key)
    return len(seen) == len(wanted)


def _same_text(expected: str, got: str, checker: Checker) -> bool:
    return expected == got or (bool(checker.get("ignore_case")) and expected.casefold() == got.casefold())


def _same_number(expected: Any, got: Any, checker: Checker) -> bool:
    if expected != expected:
        return bool(got != got)
    if expected == got:
        return True
    tolerance = _tolerance(checker)
    if isinstance(expected, complex) or isinstance(got, complex):
        whole, other = complex(expected), complex(got)
        return abs(whole - other) <= TOLERANCE * max(1.0, abs(whole))
    if tolerance is None and (not isinstance(expected, float) or expected.is_integer()):
        return isinstance(expected, float) and isinstance(got, float) and _near(expected, got, TOLERANCE)
    return _near(float(expected), float(got), TOLERANCE if tolerance is None else tolerance)


def write_literal(tagged: Any) -> str:
    """A returned value, given as tagged JSON, as a Python literal that `read_literal` reads; sets in order of text."""
    tag, held = _open(tagged)
    if tag == "list":
        return "[" + ", ".join(write_literal(item) for item in held) + "]"
    if tag == "t":
        return "(" + ", ".join(write_literal(item) for item in held) + (",)" if len(held) == 1 else ")")
    if tag == "d":
        return "{" + ", ".join(f"{write_literal(key)}: {write_literal(item)}" for key, item in held) + "}"
    if tag == "s":
        return "{" + ", ".join(sorted(write_literal(item) for item in held)) + "}" if held else "set()"
    if isinstance(held, complex):
        return f"complex({held.real!r}, {held.imag!r})"
    if isinstance(held, int) and not isinstance(held, bool) and abs(held) >> 14000:
        return hex(held)
    return repr(held)
