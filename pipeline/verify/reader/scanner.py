"""A position in tokens, and the numbers that can stand there: what the grammar of expressions is built on."""

from __future__ import annotations

from fractions import Fraction

from pipeline.verify.reader.build import number
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Node, TooLarge, Unreadable

MAX_STEPS = 20_000
"""Tokens that one reading may take, those taken again after a try that failed among them. An answer has 600 at most,
and nests such tries seldom; `3\\frac{3\\frac{...` would double them at each level."""


class Scanner:
    """Tokens, read from `position` on. Methods raise Unreadable where the tokens do not go on as they must."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens, self.position, self.steps = tokens, 0, 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that comes next, or None at the end."""
        at = self.position + ahead
        return self.tokens[at] if 0 <= at < len(self.tokens) else None

    def at(self, *texts: str) -> bool:
        """Whether the next token is one of these marks or commands."""
        token = self.peek()
        return token is not None and token.kind in ("mark", "command") and token.text in texts

    def take(self) -> Token:
        """The next token, passed."""
        token = self.peek()
        if token is None:
            raise Unreadable("the text ends too early")
        self.position += 1
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLarge("tries to read it in too many ways")
        return token

    def expect(self, text: str) -> None:
        """Passes the mark or command that must come next."""
        token = self.take()
        if token.text != text or token.kind not in ("mark", "command"):
            raise Unreadable(f"{text!r} is missing before {token.text!r}")

    def cut(self, length: int) -> None:
        """Splits the next token, so that its first `length` characters are one."""
        token = self.tokens[self.position]
        parts = (Token(token.kind, token.text[:length], token.spaced), Token(token.kind, token.text[length:]))
        self.tokens = (*self.tokens[: self.position], *parts, *self.tokens[self.position + 1 :])

    def raw_group(self) -> str:
        """The text of a group in braces."""
        self.expect("{")
        depth, pieces = 1, []
        while depth:
            token = self.take()
            depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
            pieces.append(token.text)
        return " ".join(pieces[:-1]) if len(pieces) > 2 else "".join(pieces[:-1])

    def number(self, token: Token) -> Node:
        """The number that begins with `token`: a decimal, also one with a period, or one with an exponent (3e8)."""
        text = token.text.replace(",", "").rstrip(".")
        if not text:
            raise Unreadable("a point without digits")
        places = len(text.partition(".")[2])
        value = Fraction(text if not text.startswith(".") else f"0{text}")
        if "." in token.text and (period := self._period()) is not None:
            return number(value + Fraction(int(period), (10 ** len(period) - 1) * 10**places))
        following = self.peek()
        if following and following.kind == "word" and not following.spaced and following.text in ("e", "E"):
            ahead = 1
            sign = ""
            if (mark := self.peek(1)) is not None and mark.text in ("+", "-"):
                sign, ahead = mark.text, 2
            digits = self.peek(ahead)
            if digits and digits.kind == "number" and digits.text.isdigit() and len(digits.text) < 4:
                self.position += ahead + 1
                return number(value * Fraction(10) ** int(sign + digits.text))
        return number(value, places)

    def _period(self) -> str | None:
        """The digits under a bar, between dots, or in brackets right behind the point: 0.\\overline{3}, 0.(3)."""
        if self.at("overline", "dot"):
            dotted = self.take().text == "dot"
            period = self._digits()
            if not dotted:
                return period
            start, middle = self.position, ""
            token = self.peek()
            if token is not None and token.kind == "number" and token.text.isdigit():
                middle = self.take().text
            if not self.at("dot"):
                self.position = start
                return period
            self.take()
            return period + middle + self._digits()
        before, inner, closing = self.peek(-1), self.peek(1), self.peek(2)
        if not (self.at("(") and before and inner and closing):
            return None
        alone = len(self.tokens) == self.position + 3 and self.position <= 2
        if not (before.text.endswith(".") or alone) or self.tokens[self.position].spaced:
            return None
        if inner.kind != "number" or not inner.text.isdigit() or closing.text != ")":
            return None
        self.position += 3
        return inner.text

    def _digits(self) -> str:
        grouped = self.at("{")
        if grouped:
            self.take()
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise Unreadable("no digits under the bar")
        if not grouped and len(token.text) > 1:
            self.position -= 1
            self.cut(1)
            token = self.take()
        if grouped:
            self.expect("}")
        return token.text
