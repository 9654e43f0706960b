"""Exact arithmetic on the numbers that answers are made of: rationals, square roots, pi, and polynomials in letters.

An element is a sum of terms, each a rational times the square root of a square-free integer times powers of generators
(pi, e, letters). Square roots of different square-free integers are linearly independent over the rationals
(Besicovitch, 1940) and pi is transcendental, so two elements without `e` are equal exactly when their terms are. No
float takes part: 2^53 + 1 is not 2^53.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, isqrt
from typing import TypeAlias

Monomial: TypeAlias = tuple[int, tuple[tuple[str, int], ...]]
Element: TypeAlias = dict[Monomial, Fraction]

ONE: Monomial = (1, ())
MAX_BITS = 4096
MAX_TERMS = 40
MAX_RADICAND = 10**12
MAX_POWER = 4000


class TooHard(ValueError):
    """The value is outside of what this arithmetic does; the slow path may still do it."""


def number(value: Fraction | int) -> Element:
    """The element that a rational is."""
    return {ONE: Fraction(value)} if value else {}


def generator(name: str) -> Element:
    """The element that a letter, or `pi`, is."""
    return {(1, ((name, 1),)): Fraction(1)}


def as_rational(element: Element) -> Fraction | None:
    """The rational that the element is, or None."""
    if not element:
        return Fraction(0)
    if len(element) == 1 and ONE in element:
        return element[ONE]
    return None


def _checked(element: Element) -> Element:
    if len(element) > MAX_TERMS:
        raise TooHard("too many terms")
    for value in element.values():
        if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
            raise TooHard("too many digits")
    return element


def add(left: Element, right: Element) -> Element:
    """The sum."""
    total = dict(left)
    for monomial, value in right.items():
        new = total.get(monomial, Fraction(0)) + value
        if new:
            total[monomial] = new
        else:
            total.pop(monomial, None)
    return _checked(total)


def negate(element: Element) -> Element:
    """The negative."""
    return {monomial: -value for monomial, value in element.items()}


def multiply(left: Element, right: Element) -> Element:
    """The product."""
    if len(left) * len(right) > MAX_TERMS * MAX_TERMS:
        raise TooHard("too many terms")
    total: Element = {}
    for (root_a, powers_a), a in left.items():
        for (root_b, powers_b), b in right.items():
            outside, root = split_square(root_a * root_b)
            powers = dict(powers_a)
            for name, power in powers_b:
                powers[name] = powers.get(name, 0) + power
            monomial = (root, tuple(sorted((name, power) for name, power in powers.items() if power)))
            new = total.get(monomial, Fraction(0)) + a * b * outside
            if new:
                total[monomial] = new
            else:
                total.pop(monomial, None)
    return _checked(total)


def invert(element: Element) -> Element:
    """1/element, for one term, or for a rational plus a square root (by its conjugate)."""
    if not element:
        raise TooHard("division by zero")
    if len(element) == 1:
        ((root, powers), value) = next(iter(element.items()))
        return {(root, tuple((name, -power) for name, power in powers)): 1 / (value * root)}
    if len(element) == 2 and not any(powers for _, powers in element):
        first, second = element.items()
        conjugate = {first[0]: first[1], second[0]: -second[1]}
        norm = as_rational(multiply(element, conjugate))
        if norm:
            return multiply(conjugate, number(1 / norm))
    raise TooHard("division by a sum")


def power(element: Element, exponent: int) -> Element:
    """element ** exponent for an integer exponent, refused before it grows large."""
    if exponent < 0:
        return power(invert(element), -exponent)
    size = max((max(v.numerator.bit_length(), v.denominator.bit_length()) for v in element.values()), default=1)
    if exponent > MAX_POWER or size * exponent > 2 * MAX_BITS or (len(element) > 1 and exponent > 12):
        raise TooHard("too large a power")
    if exponent and not element:
        return {}
    if exponent == 0 and not element:
        raise TooHard("0^0")
    result, base = number(1), element
    while exponent:
        if exponent & 1:
            result = multiply(result, base)
        exponent >>= 1
        if exponent:
            base = multiply(base, base)
    return result


def split_square(n: int) -> tuple[int, int]:
    """n = outside^2 * root with root square-free, for 0 < n."""
    if n == 1:
        return 1, 1
    if n > MAX_RADICAND:
        raise TooHard("too large a radicand")
    outside, root, prime = 1, 1, 2
    while prime * prime * prime <= n:
        while n % (prime * prime) == 0:
            n //= prime * prime
            outside *= prime
        if n % prime == 0:
            n //= prime
            root *= prime
        prime += 1 if prime == 2 else 2
    whole = isqrt(n)
    if whole * whole == n:
        return outside * whole, root
    return outside, root * n


def square_root(element: Element) -> Element:
    """The square root of a rational that is not negative."""
    value = as_rational(element)
    if value is None or value < 0:
        raise TooHard("root of no positive rational")
    if value == 0:
        return {}
    outside, root = split_square(value.numerator * value.denominator)
    return {(root, ()): Fraction(outside, value.denominator)}


def whole_root(element: Element, degree: int) -> Element:
    """The degree-th root of a rational, where it is rational."""
    value = as_rational(element)
    if value is None or not 2 <= degree <= 64 or (value < 0 and degree % 2 == 0):
        raise TooHard("root")
    sign, size = (-1, -value) if value < 0 else (1, value)
    roots = []
    for part in (size.numerator, size.denominator):
        guess = _integer_root(part, degree)
        if guess**degree != part:
            raise TooHard("irrational root")
        roots.append(guess)
    return number(sign * Fraction(roots[0], roots[1]))


def _integer_root(n: int, degree: int) -> int:
    low, high = 0, 1 << (n.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= n:
            low = middle
        else:
            high = middle - 1
    return low


def count(element: Element, of: Element | None = None) -> Element:
    """n! of one element, or the binomial coefficient of two."""
    n = as_rational(element)
    k = as_rational(of) if of is not None else Fraction(0)
    if n is None or k is None or n.denominator != 1 or k.denominator != 1 or not (0 <= n <= 400 and 0 <= k <= n):
        raise TooHard("factorial")
    return _checked(number(factorial(int(n)) if of is None else comb(int(n), int(k))))


def _write_rational(value: Fraction) -> str:
    """p/q; a long terminating decimal as a decimal, so that reading it again knows that it may have been rounded."""
    places, rest = 0, value.denominator
    for prime in (2, 5):
        count_ = 0
        while rest % prime == 0:
            rest //= prime
            count_ += 1
        places = max(places, count_)
    if rest != 1 or not 6 <= places <= 40:
        return str(value)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def write(element: Element) -> str:
    """The canonical LaTeX of an element: the same for equal elements, and read back as the same element."""
    rational = as_rational(element)
    if rational is not None:
        return _write_rational(rational)
    pieces: list[str] = []
    for (root, powers), value in sorted(element.items(), key=lambda term: (term[0][1], term[0][0])):
        size = abs(value)
        letters = [
            ("\\pi" if name == "pi" else name) + (f"^{{{power_}}}" if power_ != 1 else "") for name, power_ in powers
        ]
        tail = ([f"\\sqrt{{{root}}}"] if root != 1 else []) + letters
        if size.denominator != 1:
            head = f"\\frac{{{size.numerator}}}{{{size.denominator}}}"
        else:
            head = str(size.numerator) if size != 1 or not tail else ""
        sign = "-" if value < 0 else ("+" if pieces else "")
        pieces.append(sign + head + " \\cdot ".join(tail))
    return "".join(pieces)
