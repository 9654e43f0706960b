"""Reads the arithmetic that answers are written in, LaTeX or plain, into exact elements.

A recursive descent over a small grammar: sums, products, quotients, integer powers, roots, fractions, mixed numbers,
factorials, binomials, pi and letters. What could be read in two ways (`1/2x`, `x2`, `5 6`, `f(x)`) is refused, not
guessed.
"""

from __future__ import annotations

import re
from fractions import Fraction

from pipeline.verify import exact
from pipeline.verify.exact import Element, TooHard

MAX_DEPTH = 24

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.\d+|\d+|\.\d+)|(?P<command>\\[A-Za-z]+)"
    r"|(?P<letter>[A-Za-z](?:_(?:\{[A-Za-z0-9]{1,4}\}|[A-Za-z0-9]))?)|(?P<mark>\*\*|[-+*/^!(){}\[\]]))"
)
_BARE_PI = re.compile(r"(?<![A-Za-z\\])pi(?![A-Za-z])")
_BARE_ROOT = re.compile(r"(?<![A-Za-z\\])sqrt(?![A-Za-z])")
_FUNCTION = re.compile(
    r"(?<![A-Za-z\\])(?:a(?:rc)?)?(?:sin|cos|tan|cot|sec|csc|log|ln|exp|lim|max|min|gcd|lcm|mod|det)"
)
_WRITTEN_LETTERS = """
alpha beta chi delta ell epsilon eta gamma kappa lambda mu nu omega phi psi rho sigma tau theta varepsilon varphi xi
zeta
"""
_LETTERS = frozenset(_WRITTEN_LETTERS.split())
_TIMES = frozenset(("*", "\\times", "\\cdot"))
_STARTS_FACTOR = re.compile(r"[\d.A-Za-z\\({]")


def read_expression(text: str) -> Element:
    """The exact element that `text` writes.

    Raises TooHard when it is not of this grammar, is ambiguous, or too large.
    """
    if len(text) > 300 or _FUNCTION.search(text):
        raise TooHard("not arithmetic")
    text = _BARE_ROOT.sub(r"\\sqrt ", _BARE_PI.sub(r"\\pi ", text))
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise TooHard("not arithmetic")
        tokens.append(match[0].strip())
        position = match.end()
    reader = _Reader(tokens)
    element = reader.sum(0)
    if reader.position != len(tokens):
        raise TooHard("trailing text")
    return element


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected is not None and token != expected):
            raise TooHard("malformed")
        self.position += 1
        return token

    def sum(self, depth: int) -> Element:
        if depth > MAX_DEPTH:
            raise TooHard("too deep")
        sign = 1
        if self.peek() in ("+", "-"):
            sign = -1 if self.take() == "-" else 1
        total = self.product(depth)
        if sign < 0:
            total = exact.negate(total)
        while self.peek() in ("+", "-"):
            token = self.take()
            term = self.product(depth)
            total = exact.add(total, term if token == "+" else exact.negate(term))
        return total

    def product(self, depth: int) -> Element:
        first = self.peek()
        total = self.factor(depth)
        if first.isdigit() and self.peek() == "\\frac":
            total, mixed = self._mixed(total, depth)
            if mixed and _STARTS_FACTOR.match(self.peek() or "+"):
                raise TooHard("product with a mixed number")
        divided = False
        while token := self.peek():
            if token in _TIMES:
                self.take()
                total = exact.multiply(total, self._signed(depth))
                divided = False
            elif token in ("/", "\\div"):
                self.take()
                total = exact.multiply(total, exact.invert(self._signed(depth)))
                divided = True
            elif _STARTS_FACTOR.match(token):
                if divided or token[0].isdigit() or token[0] == ".":
                    raise TooHard("ambiguous product")
                if token == "(" and re.match(r"[fghFGHPp]$", self.tokens[self.position - 1]):
                    raise TooHard("a function, perhaps")
                if token == "{":
                    raise TooHard("stray group")
                total = exact.multiply(total, self.factor(depth))
            else:
                break
        return total

    def _signed(self, depth: int) -> Element:
        if self.peek() == "-":
            self.take()
            return exact.negate(self.factor(depth))
        return self.factor(depth)

    def _mixed(self, whole: Element, depth: int) -> tuple[Element, bool]:
        """An integer before a proper fraction of integers is a mixed number; before any other one, a product."""
        start = self.position
        fraction = self.factor(depth)
        inside = self.tokens[start + 1 : self.position]
        if not all(token.isdigit() or token in "{}" for token in inside):
            return exact.multiply(whole, fraction), False
        value = exact.as_rational(fraction)
        if value is None or not 0 < value < 1:
            raise TooHard("improper mixed number")
        return exact.add(whole, fraction), True

    def factor(self, depth: int) -> Element:
        base = self.base(depth)
        while self.peek() == "!":
            self.take()
            if self.peek() == "!":
                raise TooHard("double factorial")
            base = exact.count(base)
        if self.peek() in ("^", "**"):
            self.take()
            exponent = exact.as_rational(self.argument(depth + 1, signed=True))
            if self.peek() in ("^", "**", "!"):
                raise TooHard("tower of powers")
            if exponent is None:
                raise TooHard("power")
            base = _raise(base, exponent)
        return base

    def argument(self, depth: int, signed: bool = False) -> Element:
        """A group in braces or parentheses, or one token: for `\\frac12` a number is taken digit by digit."""
        if depth > MAX_DEPTH:
            raise TooHard("too deep")
        token = self.peek()
        if token == "{":
            self.take()
            inside = self.sum(depth + 1)
            self.take("}")
            return inside
        if signed and token == "-":
            self.take()
            return exact.negate(self.argument(depth + 1))
        return self.base(depth)

    def digit(self, depth: int) -> Element:
        token = self.peek()
        if token.isdigit() and len(token) > 1:
            self.tokens[self.position] = token[1:]
            return exact.number(int(token[0]))
        return self.argument(depth)

    def base(self, depth: int) -> Element:
        if depth > MAX_DEPTH:
            raise TooHard("too deep")
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            if len(token) > 1000:
                raise TooHard("too many digits")
            return exact.number(Fraction(token))
        if token == "(":
            inside = self.sum(depth + 1)
            self.take(")")
            return inside
        if token == "{":
            inside = self.sum(depth + 1)
            self.take("}")
            return inside
        if token == "\\frac":
            top = self.digit(depth + 1)
            return exact.multiply(top, exact.invert(self.digit(depth + 1)))
        if token == "\\binom":
            top = self.digit(depth + 1)
            return exact.count(top, self.digit(depth + 1))
        if token == "\\sqrt":
            degree = 2
            if self.peek() == "[":
                self.take()
                degree = int(exact.as_rational(self.sum(depth + 1)) or 0)
                self.take("]")
            inside = self.digit(depth + 1)
            return exact.square_root(inside) if degree == 2 else exact.whole_root(inside, degree)
        if token == "\\pi":
            return exact.generator("pi")
        if token[0] == "\\" and token[1:] in _LETTERS:
            return exact.generator(token)
        if token[0].isalpha() and token != "i":
            return exact.generator(token.replace("{", "").replace("}", ""))
        raise TooHard(f"no value: {token}")


def _raise(base: Element, exponent: Fraction) -> Element:
    if abs(exponent) > exact.MAX_POWER:
        raise TooHard("power")
    if exponent.denominator == 1:
        return exact.power(base, int(exponent))
    rational = exact.as_rational(base)
    if exponent.denominator == 2 and rational is not None and rational > 0:
        return exact.power(exact.square_root(base), exponent.numerator)
    raise TooHard("fractional power")
