"""The grammar of expressions: sums, products (also unwritten ones), powers, functions, roots, big operators."""

from __future__ import annotations

from fractions import Fraction

from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.operators import read_determinant, read_integral, read_limit, read_series
from pipeline.verify.reader.scanner import Scanner
from pipeline.verify.reader.tokens import COMMAND_FUNCTIONS, FUNCTIONS, GREEK, Token, tokenize
from pipeline.verify.reader.values import Node, TooLarge, Unreadable

MAX_DEPTH = 40
_FUNCTION_HEADS = frozenset("fgFGPQ")
"""Letters that, before a bracket, are the name of a function and no factor."""
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_WRITTEN_ALIASES = """
arsinh:asinh arcosh:acosh artanh:atanh arcsinh:asinh arccosh:acosh arctanh:atanh tg:tan ctg:cot cotg:cot
cosec:csc sen:sin sh:sinh ch:cosh th:tanh cth:coth arctg:atan arcctg:acot arccotg:acot arcsen:asin
arccosec:acsc arsh:asinh arch:acosh arth:atanh arcsin:asin arccos:acos arctan:atan arccot:acot arcsec:asec
arccsc:acsc
"""
_ALIASES: dict[str, str] = dict(item.split(":") for item in _WRITTEN_ALIASES.split())
_INVERSE = frozenset(["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"])
_STOPS = (FUNCTIONS | COMMAND_FUNCTIONS) - {"sqrt"}
_BIG = frozenset(("sum", "prod", "int", "lim", "iint", "oint"))
_UNREAD = frozenset(
    [
        "frac",
        "binom",
        "sqrt",
        "sum",
        "prod",
        "int",
        "lim",
        "pi",
        "infty",
        "overline",
        "hat",
        "widehat",
        "tilde",
        "lfloor",
        "lceil",
        "root",
    ]
)


_CHOICES = frozenset("CAP")
_COUNTED = frozenset(("n", "m", "k", "r", "p", "N", "+", "-", "{", "}"))
"""What the number of things is written with that some are chosen of."""


def _choose(letter: str, things: Node, chosen: Node) -> Node:
    combinations = call("binom", things, chosen)
    return combinations if letter == "C" else call("*", combinations, call("!", chosen))


class Reader(Scanner):
    """Reads an expression. Every method raises Unreadable where the grammar does not go on."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        super().__init__(tokens)
        self.depth = self.bars = 0

    def whole(self) -> Node:
        """The expression that all tokens write."""
        node = self._divided()
        if (token := self.peek()) is not None:
            raise Unreadable(f"cannot read from {token.text!r} on")
        return node

    def _divided(self) -> Node:
        """A sum, or TeX's own `{a \\over b}`, `{n \\choose k}` and `a \\bmod b`, which split all of their group."""
        node = self.sum()
        if not self.at("over", "choose", "bmod"):
            return node
        op = {"over": "/", "choose": "binom", "bmod": "mod"}[self.take().text]
        return call(op, node, self.sum())

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge("nested too deeply")
        sign = self._sign()
        total = self.product()
        total = call("neg", total) if sign < 0 else total
        while self.at("+", "-"):
            sign = self._sign()
            total = call("+" if sign > 0 else "-", total, self.product())
        self.depth -= 1
        return total

    def _sign(self) -> int:
        sign = 1
        while self.at("+", "-"):
            sign = -sign if self.take().text == "-" else sign
        return sign

    def product(self) -> Node:
        total = self.power(first=True)
        while True:
            if self.at("*", "times", "cdot"):
                self.take()
                sign = self._sign()
                factor = self.power()
                total = call("*", total, call("neg", factor) if sign < 0 else factor)
            elif self.at("/"):
                self.take()
                sign = self._sign()
                factor = self.power()
                total = call("/", total, call("neg", factor) if sign < 0 else factor)
            elif self._starts_factor():
                token, before = self.tokens[self.position], self.tokens[self.position - 1]
                if token.kind == "number" and before.text not in (")", "}", "]", "!", "i"):
                    raise Unreadable(f"numbers side by side at {token.text!r}")
                total = call("*", total, self.power())
            else:
                return total

    def _starts_factor(self) -> bool:
        token = self.peek()
        if token is None:
            return False
        if token.kind in ("number", "word", "vector"):
            return True
        if token.kind == "command":
            return (
                token.text in FUNCTIONS
                or token.text in COMMAND_FUNCTIONS
                or token.text in GREEK
                or token.text in _BIG
                or token.text in _UNREAD
            )
        if token.kind == "begin":
            return token.text == "vmatrix"
        return token.kind == "mark" and (token.text in "([{" or (token.text == "|" and not self.bars))

    def power(self, first: bool = False) -> Node:
        base = self.postfix(self.atom())
        if first and (fraction := self._mixed(base)) is not None:
            return fraction
        if self.at("^"):
            self.take()
            if self.at("degree", "circ"):
                self.take()
                return call("*", base, symbol("degree"))
            exponent = self.script()
            base = self.postfix(call("^", base, exponent))
        while self.at("degree"):
            self.take()
            base = call("*", base, symbol("degree"))
        return base

    def _mixed(self, base: Node) -> Node | None:
        """`3\\frac{1}{2}` and `3 1/2`: a whole number before a proper fraction of numbers."""
        if (
            base.op != "num"
            or base.value.denominator != 1
            or base.value < 0
            or self.tokens[self.position - 1].kind != "number"
        ):
            return None
        start = self.position
        token, bar, bottom = self.peek(), self.peek(1), self.peek(2)
        if token is None:
            return None
        if token.kind == "number" and token.spaced and bar and bottom and bar.text == "/" and bottom.kind == "number":
            if token.text.isdigit() and bottom.text.isdigit() and 0 < int(token.text) < int(bottom.text):
                self.position += 3
                return call("+", base, number(Fraction(int(token.text), int(bottom.text))))
            return None
        if token.kind == "command" and token.text == "frac":
            part = self.atom()
            if part.op == "num" and 0 < part.value < 1:
                return call("+", base, part)
            self.position = start
        return None

    def postfix(self, base: Node) -> Node:
        while self.at("!"):
            self.take()
            double = self.at("!") and not self.tokens[self.position].spaced
            if double:
                self.take()
            base = call("!!" if double else "!", base)
        while self.at("'"):
            raise Unreadable("a prime behind an expression")
        return base

    def script(self) -> Node:
        """What stands raised: a group, a signed number, or one letter or command."""
        if self.at("{"):
            return self._group("{")
        if self.at("-", "+"):
            sign = self._sign()
            inner = self.script()
            return call("neg", inner) if sign < 0 else inner
        token = self.peek()
        if token is not None and token.kind == "word" and len(token.text) > 1:
            self.cut(1)
        return self.atom()

    def _group(self, opener: str) -> Node:
        self.expect(opener)
        bars, self.bars = self.bars, 0
        inner = self._divided()
        self.bars = bars
        self.expect(_CLOSERS[opener])
        return inner

    def argument(self) -> Node:
        """A TeX argument: a group, or the next single digit, letter or command."""
        if self.at("{"):
            return self._group("{")
        token = self.peek()
        if token is not None and token.kind in ("number", "word") and len(token.text) > 1:
            self.cut(1)
        return self.atom()

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "word":
            return self._letters(token)
        if token.kind == "text" and token.text in _CHOICES and self.at("_", "^"):
            return self._symbol(token.text)
        if token.kind == "vector":
            return symbol(f"vector {token.text}")
        if token.text in ("_", "^") or (token.text == "{" and self.at("}")):
            if token.text == "{":
                self.take()
            else:
                self.position -= 1
            if self.at("_", "^"):
                return self._prescript()
            raise Unreadable("empty braces")
        if token.kind == "mark" and token.text in "([{":
            self.position -= 1
            return self._group(token.text)
        if token.kind == "mark" and token.text in ("|", "||"):
            self.bars += 1
            inner = self.sum()
            self.bars -= 1
            if token.text == "|" and self.at("||"):
                self.cut(1)
            self.expect(token.text)
            return call("abs", inner)
        if token.kind == "begin" and token.text == "vmatrix":
            return read_determinant(self)
        if token.kind == "command":
            return self._command(token)
        raise Unreadable(f"cannot read {token.text!r}")

    def _letters(self, token: Token) -> Node:
        """One letter, a product of small letters, or a name of capitals such as AB."""
        word = token.text
        if len(word) == 1:
            return self._symbol(word)
        if word.isupper() and word.isascii() and len(word) <= 4:
            return self._symbol(word)
        if len(word) > 4 or not word.isascii():
            raise Unreadable(f"cannot read {word!r}")
        self.position -= 1
        self.cut(1)
        self.position += 1
        return self._symbol(word[0])

    def _symbol(self, name: str) -> Node:
        while self.at("_", "'"):
            if self.take().text == "'":
                name += "'"
            elif self.at("{"):
                name += "_" + self.raw_group()
            else:
                token = self.peek()
                if token and token.kind in ("number", "word") and len(token.text) > 1:
                    self.cut(1)
                name += "_" + self.take().text
        if self._is_head(name) and self.at("(") and not self.tokens[self.position].spaced:
            self.take()
            args = [self.sum()]
            while self.at(",", ";"):
                self.take()
                args.append(self.sum())
            self.expect(")")
            return Node("fn", tuple(args), name=name)
        return self._combination(name)

    def _is_head(self, name: str) -> bool:
        """Whether a letter before a bracket names a function, or a capital one a point: what it holds has a comma."""
        if name.rstrip("'")[0] in _FUNCTION_HEADS:
            return True
        if len(name) > 1 or not name.isupper():
            return False
        depth = 0
        for token in self.tokens[self.position :]:
            depth += (token.text in ("(", "{", "[")) - (token.text in (")", "}", "]"))
            if depth == 0:
                return False
            if depth == 1 and token.text in (",", ";"):
                return True
        return False

    def _combination(self, name: str) -> Node:
        """C_n^k and C^k_n are binomial coefficients, A_n^k and P_n^k the permutations of them; else the symbol."""
        letter, _, below = name.partition("_")
        if letter not in _CHOICES or not self.at("^"):
            return symbol(name)
        start, tokens = self.position, self.tokens
        self.take()
        raised = self.script()
        if not below and self.at("_"):
            self.take()
            return _choose(letter, self.argument(), raised)
        index = tokenize(below) if below else ()
        counted = bool(index) and all(token.kind == "number" or token.text in _COUNTED for token in index)
        if counted and (letter != "P" or below.isdigit()):
            return _choose(letter, Reader(index).whole(), raised)
        self.position, self.tokens = start, tokens
        return symbol(name)

    def _prescript(self) -> Node:
        """What begins with a script: `{}_{n}C_{k}`, `^{n}C_{k}`, `^2\\log 8`."""
        self.take()
        script = self.script()
        if self.at("log"):
            self.take()
            return call("log", self._operand("log"), script)
        letter = self.take().text
        if letter not in _CHOICES or not self.at("_"):
            raise Unreadable(f"a script before {letter!r}")
        self.take()
        return _choose(letter, script, self.argument())

    def _command(self, token: Token) -> Node:
        name = token.text
        if name in FUNCTIONS or name in COMMAND_FUNCTIONS:
            return self._function(name)
        if name == "frac":
            top = self.argument()
            return call("/", top, self.argument())
        if name == "binom":
            top = self.argument()
            return call("binom", top, self.argument())
        if name == "root":
            degree = self.argument()
            self.expect("of")
            return call("root", self.argument(), degree)
        if name == "pi":
            return symbol("pi")
        if name == "infty":
            return symbol("infty")
        if name in GREEK:
            return self._symbol(f"\\{name.replace('varphi', 'phi').replace('varepsilon', 'epsilon')}")
        if name in ("lfloor", "lceil"):
            inner = self.sum()
            self.expect("rfloor" if name == "lfloor" else "rceil")
            return call("floor" if name == "lfloor" else "ceil", inner)
        if name in ("overline", "dot", "hat", "widehat", "tilde"):
            return self._symbol(f"{name} {self.raw_group() if self.at('{') else self.take().text}")
        if name == "sum" or name == "prod":
            return read_series(self, name)
        if name == "int":
            return read_integral(self)
        if name == "lim":
            return read_limit(self)
        if name == "angle":
            return self._symbol("angle " + self.take().text)
        raise Unreadable(f"cannot read \\{name}")

    def _function(self, name: str) -> Node:
        base: Node | None = None
        exponent: Node | None = None
        name = _ALIASES.get(name, name)
        if name == "sqrt" and self.at("["):
            self.take()
            base = self.sum()
            self.expect("]")
        while self.at("_", "^"):
            if self.take().text == "^":
                exponent = self.script()
            else:
                base = self.argument()
        if exponent is not None and exponent == number(-1) and name in _INVERSE:
            name, exponent = f"a{name}", None
        if name == "sqrt":
            inner = self.argument() if not self.at("(") else self._group("(")
            node = call("root", inner, base if base is not None else number(2))
        elif name in ("max", "min", "gcd", "lcm"):
            node = call(name, *self._arguments())
        else:
            inner = self._operand(name)
            if name in ("log", "lg") and base is None:
                base = number(10) if name == "lg" else None
            if name == "cis":
                return call("+", call("cos", inner), call("*", symbol("i"), call("sin", inner)))
            node = call("log", inner, base) if base is not None and name in ("log", "lg") else call(name, inner)
        return call("^", node, exponent) if exponent is not None else node

    def _arguments(self) -> list[Node]:
        opener = self.take().text
        if opener not in ("(", "{"):
            raise Unreadable("a function without its brackets")
        args = [self.sum()]
        while self.at(","):
            self.take()
            args.append(self.sum())
        self.expect(_CLOSERS[opener])
        return args

    def _operand(self, name: str) -> Node:
        """What a function is of: a bracket, or the factors that follow up to a sign, a dot or the next function."""
        if self.at("(", "{", "["):
            return self._group(self.tokens[self.position].text)
        total = self.power(first=True)
        while self._starts_factor() and self.tokens[self.position].text not in _STOPS and not self.at("(", "["):
            total = call("*", total, self.power())
        if self.at("/") and name not in ("ln", "log", "lg"):
            ahead = self.peek(1)
            if ahead is not None and ahead.kind == "number":
                self.take()
                total = call("/", total, self.power())
        return total
