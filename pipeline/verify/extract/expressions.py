"""Finds expressions in running text: formulas between their delimiters, and numbers with what belongs to them."""

from __future__ import annotations

import re

_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_DIGITS = r"(?:\d+(?:(?:[.,]|\{,\}|,\\!|\\[,! ]|[\u00a0\u202f\u2009'\u2019](?=\d{3}(?!\d)))\d+)*|\.\d+)"
_SPACED_DIGITS = rf"(?:(?<![\d.,])\d{{1,3}}(?: \d{{3}})+(?![\d])(?:,\d+)?|{_DIGITS})"
"""With spaces between thousands, as Russian, French and German write."""
_CONSTANT = r"(?:\\pi(?![A-Za-z])|\u03c0|\\infty(?![A-Za-z])|\u221e)"
_ROOT = rf"(?:\\sqrt(?:\[\d+\])?\s*(?:{_GROUP}|\d)|\u221a\s?(?:\(\d+\)|\d+))"
_FRACTION = rf"\\[dtc]?frac\s*(?:{_GROUP}\s*{_GROUP}|\d\s*\d)"
_SIGN = r"(?:(?<![\d)\]}A-Za-z])[-\u2212+](?=[\d.$\u20ac\u00a3\\\u221a\u03c0]))"


def _amount(digits: str) -> str:
    atom = rf"(?:{_FRACTION}|{_ROOT}|{_CONSTANT}|{digits})"
    product = rf"{atom}(?:\s?(?:\\cdot|\\times|\u00b7|\u00d7|\*)\s?{atom}|\s?(?:{_ROOT}|{_CONSTANT}|{_FRACTION}))*"
    power = r"(?:\s?\^\s?(?:-?\d+|" + _GROUP + r"))?"
    below = rf"(?:{_ROOT}|{_CONSTANT}|\d+(?:\.\d+)?(?![\d/]|\.\d)){_CONSTANT}?"
    tail = rf"(?:\s+\d+/\d+(?![\d.])|\s?/\s?{below}|[eE][-+]?\d+(?![A-Za-z]))?"
    radical = rf"(?:\s?[-+\u2212\u00b1]\s?(?:\d*\s?{_ROOT}|\d*\s?{_CONSTANT}))?"
    return rf"[$\u20ac\u00a3]?(?<![\d]){product}{power}{tail}{radical}(?:\s*\\?%)?"


def _expression(digits: str) -> re.Pattern[str]:
    amount = rf"{_SIGN}?{_amount(digits)}"
    inner = rf"\s*[-\u2212+]?{_amount(digits)}\s*"
    return re.compile(
        rf"(?<![A-Za-z0-9_.\\^])(?:(?P<tuple>[(\[]{inner}(?:[,;]{inner}){{1,9}}[)\]])|(?P<amount>{amount}))"
    )


_PLAIN, _SPACED = _expression(_DIGITS), _expression(_SPACED_DIGITS)
_FOREIGN = re.compile(r"[\u00c0-\u024f\u0400-\u04ff]")
FORMULA = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$|(?<![\\\d$])\$(?P<b>(?! )[^$\n]{1,600}(?<! ))\$(?!\d)"
    r"|\\\((?P<c>.{1,600}?)\\\)|\\\[(?P<d>.{1,1000}?)\\\]",
    re.DOTALL,
)
"""A formula in its delimiters. A `$` before a space, or after one, or before a digit at its end, is money."""
_EQUALS = re.compile(r"(?<![<>!:\\])=(?!=)")


def expressions_in(text: str) -> re.Pattern[str]:
    """The pattern of an expression in this text: thousands may stand apart where the text is not plain English."""
    return _SPACED if _FOREIGN.search(text) else _PLAIN


def formula_text(match: re.Match[str]) -> str:
    """What stands between the delimiters of a `FORMULA`."""
    return next(group for group in match.groups() if group is not None).strip()


def last_side(formula: str) -> str:
    """What a formula comes to: the part behind its last equals sign, or all of it where it lists several things."""
    depth, cut, listed = 0, 0, False
    for match in re.finditer(r"\\\\|\\[{}]|[{(\[]|[)\]}]|,(?=\s)|\\q?quad|=", formula):
        mark = match[0]
        if mark in ("{", "(", "[", "\\{"):
            depth += 1
        elif mark in ("}", ")", "]", "\\}"):
            depth -= 1
        elif depth <= 0 and mark == "=" and _EQUALS.match(formula, match.start()):
            cut = match.end()
        elif depth <= 0 and mark != "=" and mark != "\\\\":
            listed = True
    side = formula if listed else formula[cut:]
    return side.strip().rstrip(".,;").strip() or formula.strip()
