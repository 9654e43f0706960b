"""What is refused before any parser sees it: answers that no careful comparison should be spent on, or trusted with.

math-verify's parser is generous: it multiplies the letters of prose, adds numbers that stand side by side and evaluates
towers of powers until the memory is gone. What is refused here is `wrong` as an answer and unverifiable as a label.
"""

from __future__ import annotations

import re

MAX_ANSWER = 2000
MAX_SLOW = 600
MAX_DEPTH = 16
_DEEP = "nested too deeply"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TOWER = re.compile(
    r"\d\s*\^\s*\{?\s*\(?[\d.]+\s*\)?\s*\}?\s*\^|\^\s*\{?\s*-?\s*[\d.]*\d{5,}|\^\s*\{[^{}]*\d\s*\^\s*\{?\s*\d{2,}|\^\s*\{[^{}]*\d\s*!"
)
MAX_OPERATORS = 4
"""Integrals, limits, sums and products of one answer: SymPy takes seconds for more."""
_OPERATOR = re.compile(r"\\(?:lim|i{1,3}nt|oint|sum|prod)(?![A-Za-z])")
_FACTORIAL = re.compile(r"\d{4,}\s*!|!\s*[!)}]\s*!|!!|\)\s*!\s*\)\s*!")
_BESIDE = re.compile(r"(?<![\d.^_])[\d.]+\s+\d")
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u02ff\u0370-\u03ff]")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_INNER_TEXT = re.compile(r"\\(?:text|mathrm|textrm|textbf|textit|mbox|operatorname|rm)\s*\{([^{}]*)\}")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\{[^{}]*\})?")
_WORD = re.compile(r"[A-Za-z]{4,}")
_WRITTEN_FUNCTIONS = """
arccos arcosh arcsin arctan arsinh artanh ceil cosh coth floor frac infinity infty sign sinh sqrt tanh
"""
_FUNCTIONS = frozenset(_WRITTEN_FUNCTIONS.split())
_OPEN_ENDED = re.compile(r"\\[lcd]?dots|\.\.\.|\u2026|\?")
_ODD = re.compile(r"__|[`@#\"]|(?<![\\A-Za-z])(?:lambda|import)\b")
_EQUATION = re.compile(r"(?<![<>!\\])=")


def refuse(text: str) -> str | None:
    """Why SymPy is not asked about this cleaned text, or None when it may be. Linear in the length."""
    if not text:
        return "empty"
    if (limit := find_limit(text)) is not None:
        return limit
    if _CONTROL.search(text):
        return "control characters"
    if _FOREIGN.search(text):
        return "prose"
    if (problem := _unbalanced(text)) is not None:
        return problem
    if _BESIDE.search(text):
        return "numbers side by side"
    if _OPEN_ENDED.search(text):
        return "open-ended"
    if _ODD.search(text):
        return "not mathematics"
    if len(_EQUATION.findall(text)) > 6:
        return "a chain of equations"
    words = [word for inside in _INNER_TEXT.findall(text) for word in inside.split()]
    rest = _COMMAND.sub(" ", _ENVIRONMENT.sub(" ", _INNER_TEXT.sub(" ", text)))
    bare = [word for word in _WORD.findall(rest) if word.lower() not in _FUNCTIONS]
    if len(words) > 4 or bare:
        return "prose"
    return None


def find_limit(text: str) -> str | None:
    """The limit of length, depth or digits that a cleaned text is over, or None."""
    if len(text) > MAX_SLOW:
        return f"longer than {MAX_SLOW} characters"
    if _unbalanced(text) == _DEEP:
        return _DEEP
    if re.search(r"\d{301}", text):
        return "too many digits"
    if _TOWER.search(text):
        return "a tower of powers"
    if len(_OPERATOR.findall(text)) > MAX_OPERATORS:
        return "too many operators"
    if _FACTORIAL.search(text):
        return "too large a factorial"
    return None


def _unbalanced(text: str) -> str | None:
    depth, position = 0, 0
    brackets = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character in "([":
            brackets += 1
        elif character in ")]":
            brackets -= 1
        if depth < 0 or depth > MAX_DEPTH or abs(brackets) > MAX_DEPTH:
            return "malformed" if depth < 0 else _DEEP
        position += 1
    if depth != 0:
        return "malformed"
    return None
