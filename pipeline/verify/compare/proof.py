"""Proves that two numbers are equal which no precision has told apart.

Algebraic numbers are settled by their separation bound. In others, exponentials, logarithms and angles are rewritten to
independent ones as far as exact relations between them go (`\\ln 9` is `2\\ln 3`, `\\sin 2` a polynomial of `e^i`), and
the difference is looked at as a function of these: where it is zero at points beside their values, it is zero
identically. Nothing is called equal because it looks so; what is not proven is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import Any

from flint import acb, arb, fmpq, fmpz

from pipeline.verify.compare.evaluate import Undefined, evaluate, set_precision
from pipeline.verify.compare.separation import vanishes
from pipeline.verify.reader.build import call, number, symbol
from pipeline.verify.reader.values import Node, Unreadable

MAX_NODES = 150
"""Operations of a difference that a proof is looked for."""
_BITS = 400
_STEP = 1 << 24
"""The points beside a value lie within some 2^-20 of it, and have denominators of this size."""
_MAX_PRIME_BITS = 80
_MAX_RATIO = 48
_ONE, _I, _PI = number(1), symbol("i"), symbol("pi")
_HYPERBOLIC = {"sinh": ("-", "+"), "cosh": ("+", "-")}


class _Unproven(ArithmeticError):
    """No rewriting is known for a part."""


def prove_zero(node: Node) -> bool | None:
    """Whether a number is zero: True and False are proven, None where neither is."""
    if (known := vanishes(node)) is not None:
        return known
    if _count(node) > MAX_NODES:
        return None
    try:
        return _Proof().vanishes(node)
    except (_Unproven, Unreadable, Undefined, ZeroDivisionError, ValueError, OverflowError, RecursionError):
        return None


def _count(node: Node) -> int:
    return 1 + sum(map(_count, node.args))


class _Proof:
    """The atoms of one proof: for the letter of each the function, what it is of, and its value."""

    def __init__(self) -> None:
        self.kinds: dict[str, tuple[str, Node]] = {}
        self.values: dict[str, Any] = {}
        self.parts: dict[tuple[str, Node], int] = {}

    def vanishes(self, node: Node) -> bool | None:
        before: dict[tuple[str, Node], int] | None = None
        while before != self.parts:
            # An exponential whose roots stand there too is read again as a power of the least of them.
            before = dict(self.parts)
            difference = self._rewrite(node)
        if self._is_zero(difference):
            return True
        terms = self._split(difference)
        if _ONE in terms or not all(self._kind(key) in ("ln", "atan", "pi") for key in terms):
            return None
        # The logarithms: e^D = 1 for a real D that is nearly zero. The angles: e^{iD} = 1.
        power = self._turn_of(terms) if any(self._kind(key) != "ln" for key in terms) else self._power_of(terms)
        return True if self._is_zero(call("-", power, _ONE)) and abs(self._ball(difference)) < 1 else None

    # Values of the rewritten

    def _ball(self, node: Node) -> Any:
        set_precision(_BITS)
        return evaluate(node, self.values)

    def _is_zero(self, node: Node) -> bool:
        """Whether an algebraic function of the atoms is zero: at their values nearly, and beside them exactly."""
        if not abs(self._ball(node)).contains(0):
            return False
        return all(vanishes(_replace(node, beside)) is True for beside in self._points())

    def _points(self) -> Iterator[dict[str, Node]]:
        for turn in (3, 11):
            set_precision(_BITS)
            beside = {}
            for at, (name, value) in enumerate(self.values.items()):
                real, imaginary = (
                    Fraction(int((part * _STEP).mid().floor().unique_fmpz()) + turn + 5 * at + shift, _STEP)
                    for part, shift in ((value.real, 0), (value.imag, 2))
                )
                beside[name] = (
                    number(real)
                    if value.imag.contains(0)
                    else call("+", number(real), call("*", number(imaginary), _I))
                )
            yield beside

    # Atoms

    def _kind(self, key: Node) -> str:
        return self.kinds.get(key.name, ("", key))[0] if key.op == "sym" else ""

    def _atom(self, kind: str, of: Node, value: Any) -> Node:
        for name, (other, arg) in self.kinds.items():
            if other == kind and arg == of:
                return symbol(name)
        name = f"atom {len(self.kinds)}"
        self.kinds[name], self.values[name] = (kind, of), value
        return symbol(name)

    def _pi(self) -> Node:
        set_precision(_BITS)
        return self._atom("pi", _ONE, acb.pi())

    # Rewriting

    def _rewrite(self, node: Node) -> Node:
        op, args = node.op, node.args
        if op == "num":
            return node
        if op == "sym":
            return self._constant(node)
        if op in ("+", "-", "*", "/", "neg"):
            return call(op, *map(self._rewrite, args))
        if op == "log" and len(args) == 2:
            return call("/", self._log(self._rewrite(args[0])), self._log(self._rewrite(args[1])))
        if op in ("^", "root"):
            inner = self._rewrite(args[0])
            if args[1].op == "num":
                return call(op, inner, args[1])
            exponent = args[1] if op == "^" else call("/", _ONE, args[1])
            return self._exp(call("*", self._rewrite(exponent), self._log(inner)))
        inner = self._rewrite(args[0])
        if op == "cbrt":
            return call("root", inner, number(3))
        if op == "abs":
            value = self._ball(inner)
            if not value.imag.contains(0) or value.real.contains(0):
                raise _Unproven(op)
            return inner if value.real > 0 else call("neg", inner)
        if op in ("ln", "log"):
            return self._log(inner)
        if op == "exp":
            return self._exp(inner)
        if op in ("sin", "cos", "tan", "cot", "sec", "csc"):
            return self._of_turn(op, self._turn(inner))
        if op in ("sinh", "cosh", "tanh", "coth", "sech", "csch"):
            return self._of_turn(op, self._exp(inner))
        if op in ("asin", "acos", "atan", "acot", "asec", "acsc"):
            return self._angle(op, inner)
        if op in ("asinh", "acosh", "atanh"):
            return self._area(op, inner)
        if op == "!" and inner.op == "num" and inner.value.denominator == 2 and abs(inner.value) < 100:
            return self._half_factorial(inner.value)
        opaque = Node(op, tuple(map(self._rewrite, args)), node.value, node.name)
        return self._atom("other", opaque, self._ball(opaque))

    def _constant(self, node: Node) -> Node:
        if node.name == "pi":
            return self._pi()
        if node.name == "degree":
            return call("/", self._pi(), number(180))
        if node.name == "e":
            return self._exp(_ONE)
        if node.name == "i":
            return node
        raise _Unproven(node.name)

    def _half_factorial(self, value: Fraction) -> Node:
        """(n - 1/2)! as its rational multiple of the root of pi."""
        factor = Fraction(1)
        while value > 0:
            factor, value = factor * value, value - 1
        while value < Fraction(-1, 2):
            value += 1
            factor /= value
        return call("*", number(factor), call("root", self._pi(), number(2)))

    @staticmethod
    def _of_turn(op: str, power: Node) -> Node:
        """A sine or cosine, circular or hyperbolic, from e^{iz} or e^z."""
        inverse, circular = call("/", _ONE, power), not op.endswith("h")
        unit = _I if circular else _ONE
        sine = call("/", call("-", power, inverse), call("*", number(2), unit))
        cosine = call("/", call("+", power, inverse), number(2))
        name = op.removesuffix("h")
        pairs = {"sin": (sine, _ONE), "cos": (cosine, _ONE), "tan": (sine, cosine), "cot": (cosine, sine)}
        pairs |= {"coth": (cosine, sine), "sec": (_ONE, cosine), "csc": (_ONE, sine)}
        return call("/", *pairs["cot" if name == "cot" else name])

    def _log(self, node: Node) -> Node:
        """The logarithm of a positive number, by those of its factors."""
        value = self._ball(node)
        if node == _I:
            return call("*", _I, call("/", self._pi(), number(2)))
        if value.imag.contains(0) and value.real < 0:
            return call("+", self._log(call("neg", node)), call("*", _I, self._pi()))
        if not value.imag.contains(0) or not value.real > 0:
            raise _Unproven("a logarithm")
        if node.op == "num":
            return self._log_of_rational(node.value)
        if node.op in ("*", "/") and all(self._is_positive(arg) for arg in node.args):
            return call({"*": "+", "/": "-"}[node.op], *map(self._log, node.args))
        if node.op in ("^", "root") and node.args[1].op == "num" and self._is_positive(node.args[0]):
            power = node.args[1].value if node.op == "^" else 1 / node.args[1].value
            return call("*", number(power), self._log(node.args[0]))
        if self._kind(node) == "exp":
            return self.kinds[node.name][1]
        return self._related("ln", node, value.log())

    def _is_positive(self, node: Node) -> bool:
        value = self._ball(node)
        return bool(value.imag.contains(0)) and bool(value.real > 0)

    def _log_of_rational(self, value: Fraction) -> Node:
        total: Node | None = None
        for whole, sign in ((value.numerator, 1), (value.denominator, -1)):
            if whole.bit_length() > _MAX_PRIME_BITS:
                raise _Unproven("the factors of a large number")
            for prime, power in fmpz(whole).factor():
                set_precision(_BITS)
                atom = self._atom("ln", number(int(prime)), acb(arb(prime).log()))
                term = atom if sign * power == 1 else call("*", number(sign * int(power)), atom)
                total = term if total is None else call("+", total, term)
        return number(0) if total is None else total

    def _related(self, kind: str, of: Node, value: Any) -> Node:
        """An atom, or the rational multiple that it is of one before."""
        for name, (other, _) in list(self.kinds.items()):
            if other != kind and not (kind == "atan" and other == "pi"):
                continue
            ratio = _near_rational(value / self.values[name])
            if ratio is None:
                continue
            terms = {self._atom(kind, of, value): Fraction(ratio.denominator), symbol(name): -Fraction(ratio.numerator)}
            power = self._power_of(terms) if kind == "ln" else self._turn_of(terms)
            if self._is_zero(call("-", power, _ONE)):
                return call("*", number(ratio), symbol(name))
        return self._atom(kind, of, value)

    def _angle(self, op: str, node: Node) -> Node:
        """An inverse function by the arctangent."""
        if op in ("acot", "asec", "acsc"):
            op, node = {"acot": "atan", "asec": "acos", "acsc": "asin"}[op], call("/", _ONE, node)
        value = self._ball(node)
        if not value.imag.contains(0) or (op != "atan" and not abs(value.real) < 1):
            raise _Unproven(op)
        if op == "acos":
            return call("-", call("/", self._pi(), number(2)), self._angle("asin", node))
        if op == "asin":
            rest = call("-", _ONE, call("^", node, number(2)))
            node = call("/", node, call("root", rest, number(2)))
            value = self._ball(node)
        self._pi()
        return self._related("atan", node, value.atan())

    def _area(self, op: str, node: Node) -> Node:
        if op == "atanh":
            return call("/", self._log(call("/", call("+", _ONE, node), call("-", _ONE, node))), number(2))
        square = call("^", node, number(2))
        inner = call("+" if op == "asinh" else "-", square, _ONE)
        return self._log(call("+", node, call("root", inner, number(2))))

    # Exponentials

    def _split(self, node: Node) -> dict[Node, Fraction]:
        """A sum as its terms and their rational factors; the key of what is rational is one."""
        terms: dict[Node, Fraction] = {}

        def add(part: Node, factor: Fraction) -> None:
            if part.op in ("*", "/"):
                part = _cancel(part)
            if part.op == "num":
                terms[_ONE] = terms.get(_ONE, Fraction(0)) + factor * part.value
            elif part.op == "neg":
                add(part.args[0], -factor)
            elif part.op in ("+", "-"):
                add(part.args[0], factor)
                add(part.args[1], factor if part.op == "+" else -factor)
            elif part.op == "*" and part.args[0].op == "num":
                add(part.args[1], factor * part.args[0].value)
            elif part.op == "*" and part.args[1].op == "num":
                add(part.args[0], factor * part.args[1].value)
            elif part.op == "/" and part.args[1].op == "num":
                add(part.args[0], factor / part.args[1].value)
            elif part.op == "/" and part.args[0].op == "num" and part.args[0] != _ONE:
                add(call("/", _ONE, part.args[1]), factor * part.args[0].value)
            elif part.op == "*" and (spread := _spread(part)) is not None:
                add(spread, factor)
            else:
                terms[part] = terms.get(part, Fraction(0)) + factor

        add(node, Fraction(1))
        return {key: factor for key, factor in terms.items() if factor}

    def _exp(self, node: Node) -> Node:
        return self._power_of(self._split(node))

    def _turn(self, node: Node) -> Node:
        return self._turn_of(self._split(node))

    def _power_of(self, terms: dict[Node, Fraction]) -> Node:
        """e to a sum of terms."""
        total = _ONE
        for key, factor in terms.items():
            if self._kind(key) == "ln":
                total = call("*", total, call("^", self.kinds[key.name][1], number(factor)))
            elif (rest := _without_i(key)) is not None:
                total = call("*", total, self._turn_of(self._split(call("*", number(factor), rest))))
            else:
                total = call("*", total, self._unit("exp", key, factor))
        return total

    def _turn_of(self, terms: dict[Node, Fraction]) -> Node:
        """e to i times a sum of terms."""
        total = _ONE
        for key, factor in terms.items():
            if self._kind(key) == "pi":
                part = Node("cis", (call("*", number(factor), _PI),))
            elif self._kind(key) == "atan":
                tangent = self.kinds[key.name][1]
                length = call("root", call("+", _ONE, call("^", tangent, number(2))), number(2))
                base = call("/", call("+", _ONE, call("*", _I, tangent)), length)
                part = call("^", base, number(factor))
            elif (rest := _without_i(key)) is not None:
                part = self._power_of(self._split(call("*", number(-factor), rest)))
            else:
                part = self._unit("turn", key, factor)
            total = call("*", total, part)
        return total

    def _unit(self, kind: str, key: Node, factor: Fraction) -> Node:
        """e to a term, or to i times it, as a whole power of the least of its roots that stands anywhere."""
        for (other, known), _ in list(self.parts.items()):
            if other != kind or known == key:
                continue
            ratio = _near_rational(self._ball(key) / self._ball(known))
            if ratio is not None and self._is_zero(call("-", key, call("*", number(ratio), known))):
                key, factor = known, factor * ratio
                break
        parts = self.parts[kind, key] = lcm(self.parts.get((kind, key), 1), factor.denominator)
        least = call("/", key, number(parts))
        value = self._ball(least)
        value = value.exp() if kind == "exp" else (value * acb(0, 1)).exp()
        return call("^", self._atom(kind, least, value), number(factor * parts))


def _replace(node: Node, values: dict[str, Node]) -> Node:
    """The expression with its atoms replaced, and folded again."""
    if node.op == "sym":
        return values.get(node.name, node)
    return call(node.op, *(_replace(arg, values) for arg in node.args)) if node.args else node


def _without_i(node: Node) -> Node | None:
    """What a product has beside i, or None where i is no factor of it."""
    if node == _I:
        return _ONE
    if node.op == "*":
        for at in (0, 1):
            if (rest := _without_i(node.args[at])) is not None:
                return call("*", rest, node.args[1 - at])
    if node.op == "/" and (rest := _without_i(node.args[0])) is not None:
        return call("/", rest, node.args[1])
    return None


def _cancel(node: Node) -> Node:
    """A product or quotient without the factors that stand above and below, its number first."""
    above: list[Node] = []
    below: list[Node] = []

    def collect(part: Node, over: list[Node], under: list[Node]) -> None:
        if part.op in ("*", "/"):
            collect(part.args[0], over, under)
            collect(part.args[1], *((over, under) if part.op == "*" else (under, over)))
        else:
            over.append(part)

    collect(node, above, below)
    for part in list(below):
        if part in above:
            above.remove(part)
            below.remove(part)
    factor = _ONE
    for part in [part for part in above if part.op == "num"]:
        factor = call("*", factor, part)
    for part in [part for part in below if part.op == "num"]:
        factor = call("/", factor, part)
    rest: Node | None = None
    for part in [part for part in above if part.op != "num"]:
        rest = part if rest is None else call("*", rest, part)
    for part in [part for part in below if part.op != "num"]:
        rest = call("/", rest or _ONE, part)
    return factor if rest is None else rest if factor == _ONE else call("*", factor, rest)


def _spread(node: Node) -> Node | None:
    """A product of a sum as the sum of its products, or None."""
    for at in (0, 1):
        part, other = node.args[at], node.args[1 - at]
        if part.op in ("+", "-"):
            return call(part.op, *(call("*", arg, other) for arg in part.args))
        if part.op == "neg":
            return call("neg", call("*", part.args[0], other))
    return None


def _near_rational(ratio: Any) -> Fraction | None:
    """A small rational number that a ball is a hair's breadth from, or None."""
    if not ratio.is_finite() or not ratio.imag.contains(0):
        return None
    guess = Fraction(float(ratio.real.mid())).limit_denominator(_MAX_RATIO)
    if not guess or abs(guess.numerator) > _MAX_RATIO**2:
        return None
    near = abs(ratio.real - arb(fmpq(guess.numerator, guess.denominator))) < arb(2) ** -(_BITS // 2)
    return guess if near else None
