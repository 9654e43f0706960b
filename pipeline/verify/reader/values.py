"""The types of value that an answer can have. Two of them are compared by `pipeline.verify.compare`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias


class Unreadable(ValueError):
    """The text is not wholly of the grammar; the message names the part."""


class TooLarge(Unreadable):
    """The text is over a limit of the reader: its length, depth, or number of tokens or items."""


@dataclass(frozen=True, slots=True)
class Node:
    """An expression. `op` is an operation ("+", "*", "/", "^", "sin", ...), "num", "sym" or "fn" (an unknown function).

    A number carries its exact value and the decimal places it was written to (0 where it was no decimal); a symbol and
    an unknown function carry their name.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""
    places: int = 0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or expression, with the unit, percent sign or currency that it was written with.

    `as_unit`: the other reading of `3 m`, whose letter may be a unit. `thing`: what was counted (`apples`).
    """

    node: Node
    unit: str = ""
    percent: bool = False
    as_unit: Quantity | None = None
    thing: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """Words, lower case where no case matters, single spaces."""

    text: str


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral with its base written: equal only to one of that base."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """a : b : c. `clock` is the text of what can also be a time of day."""

    parts: tuple[Node, ...]
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day with a.m. or p.m., in minutes after midnight."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Many:
    """Several values without order. `kind`: "set" (in braces), "list" (bare, which may also be meant in order).

    `as_number`: the other reading of `3,5`, whose comma may be a decimal point, and of `1,00,000`.
    """

    items: tuple[Value, ...]
    kind: str = "list"
    as_number: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Values in order. `ends`: the brackets; `()` may also be an open interval."""

    items: tuple[Value, ...]
    ends: str = "()"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of expressions."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A connected part of a region: an interval with its ends; an infinite end is None and open."""

    low: Node | None
    high: Node | None
    closed: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Region:
    """A set of reals: intervals, inequalities solved for one letter (`name`), unions. A point is a closed piece."""

    pieces: tuple[Piece, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """A relation between expressions: `=`, `<`, `<=` or `!=`; the sides in the order in which it reads "less"."""

    left: Node
    right: Node
    relation: str = "="


@dataclass(frozen=True, slots=True)
class Named:
    """name = value. `name` may be a function's head such as f(x)."""

    name: str
    value: Value
    equation: Equation | None = None


@dataclass(frozen=True, slots=True)
class Conditioned:
    """A value with a condition on it (`8 when x = 2`), the condition as its tokens."""

    value: Value
    condition: str


@dataclass(frozen=True, slots=True)
class Family:
    """A value with a letter that runs over whole numbers: the integers ("Z"), from 1 ("N") or from 0 ("N0")."""

    value: Value
    letter: str
    domain: str


@dataclass(frozen=True, slots=True)
class Cases:
    """A function by cases: (value, condition) pairs in the order in which they are written."""

    rows: tuple[tuple[Value, str], ...]


Value: TypeAlias = (
    Quantity
    | Word
    | Numeral
    | Ratio
    | Clock
    | Many
    | Sequence
    | Matrix
    | Region
    | Equation
    | Named
    | Conditioned
    | Family
    | Cases
)
