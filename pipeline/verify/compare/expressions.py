"""Whether two expressions are equal: exactly for rationals, otherwise by balls at fixed points.

A difference whose ball leaves out zero proves that they differ. Numbers are equal where that is proven
(`pipeline.verify.compare.proof`). Expressions with letters count as equal when all points agree to 2^-200 of their
size, or to more bits where their own numbers span more (`pipeline.verify.compare.precision`). A point where either has
no real value is passed over while there are real ones: `\\ln(a^2 b)` is `2 \\ln a + \\ln b` where both are defined.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from flint import acb, arb

from pipeline.verify.compare.evaluate import (
    PLACES,
    ROUNDED,
    Exhausted,
    Undefined,
    evaluate,
    is_precise,
    set_precision,
    tolerance,
)
from pipeline.verify.compare.precision import MAX_PRECISION, USUAL, agreement, bits_for
from pipeline.verify.compare.proof import prove_zero
from pipeline.verify.compare.separation import vanishes
from pipeline.verify.compare.series import fold_series
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Node

PRECISIONS = (USUAL, 2400)
_AGREE = 1e-40
_CONSTANTS = frozenset(("pi", "e", "i", "degree", "infty"))
_SIGNS = ((1, 1, 1, 1), (1, 1, 1, 1), (-1, 1, -1, 1), (1, -1, -1, 1), (-1, -1, -1, -1), (1, 1, 1, 1))
_SIZES = (Fraction(7, 19), Fraction(23, 11), Fraction(3, 7), Fraction(31, 13), Fraction(5, 17), Fraction(137, 10))
_WHOLE = (3, 4, 7, 8, 11, 14)
"""Values of letters that stand for whole numbers: odd and even ones."""
_CHOSEN = (2, 3, 1, 5, 4, 6)
"""Values of those that say how many are chosen, which is at most how many there are."""
_COUNTERS = frozenset("nmkNKr")
"""First letters of names that stand for whole numbers where something is counted."""
_STEPS = frozenset(("floor", "ceil"))
_COUNTING = frozenset(("!", "!!", "binom", "sum", "prod")) | _STEPS
_BENDS = frozenset(("abs", "max", "min", "root", "cbrt")) | _STEPS
_FAR = Fraction(10**9)
_WHOLE_STEPS = 13
"""Whole points at which steps are compared too, next to each other."""
CONSTRUCTS = frozenset(("int", "lim", "sum", "prod"))
_ONLY_NAMED = frozenset(("gcd", "lcm", "mod", "sgn", "det"))
Answer = Literal["same", "differ", "unknown"]


@lru_cache(maxsize=1 << 14)
def letters(node: Node) -> frozenset[str]:
    """The letters of an expression that are no constants and not bound by a sum."""
    if node.op == "sym":
        return frozenset() if node.name in _CONSTANTS else frozenset((node.name,))
    names = frozenset().union(*(letters(arg) for arg in node.args)) if node.args else frozenset()
    if node.op in ("sum", "prod", "lim") or (node.op == "int" and len(node.args) == 3):
        return names - {node.name.rstrip("+-")}
    return names


@lru_cache(maxsize=1 << 14)
def _has(node: Node, names: frozenset[str]) -> bool:
    return node.op in names or (node.op == "sym" and node.name in names) or any(_has(arg, names) for arg in node.args)


@lru_cache(maxsize=1 << 14)
def _decimals(node: Node) -> int:
    """The places of the roughest decimal of six or more places in an expression; 0 without one."""
    own = node.places if node.places >= PLACES else 0
    inner = [places for places in map(_decimals, node.args) if places]
    return min([*inner, *([own] if own else [])], default=0)


def compare(left: Node, right: Node) -> Answer:
    """Whether two expressions have one value wherever both have one."""
    if left == right or (has_construct(left) and _bind(left) == _bind(right)):
        return "same"
    if left.op == right.op == "num":
        if left.value == right.value:
            return "same"
        return "same" if _rounds(left, right) else "differ"
    left, right = fold_series(left), fold_series(right)
    if left.op == right.op == "num":
        return "same" if left.value == right.value or _rounds(left, right) else "differ"
    if any(_has(side, frozenset(("infty",))) for side in (left, right)):
        return "unknown" if any(has_construct(side) for side in (left, right)) else "differ"
    return _at_points(left, right)


def _rounds(left: Node, right: Node) -> bool:
    gap = abs(left.value - right.value)
    away = max(tolerance(left.places), tolerance(right.places))
    return gap <= away and gap * 1000 <= max(abs(left.value), abs(right.value))


def has_construct(node: Node) -> bool:
    """Whether an expression has what is read but not evaluated: integrals, limits, sums and products without end."""
    return _has(node, CONSTRUCTS)


def is_only_named(node: Node) -> bool:
    """Whether an expression has what is read, but has no value here with letters in it."""
    return _has(node, _ONLY_NAMED)


def exhausts(node: Node) -> bool:
    """Whether an expression has a precise value at no point, at the highest precision: a tower of powers, 1/0.

    What is not evaluated here at all (integrals, a step where the value stands on it) does not count.
    """
    if _has(node, frozenset(("int", "lim", "infty"))):
        return False
    names = sorted(letters(node))
    set_precision(PRECISIONS[-1])
    for turn in range(len(_SIZES) if names else 1):
        try:
            if is_precise(evaluate(node, _point(names, turn, whole=False))):
                return False
        except Exhausted:
            continue
        except Undefined:
            return False
    return True


def _bind(node: Node, depth: int = 0) -> Node:
    """The expression with the letters of its sums, integrals and limits named by their depth."""
    args, name = node.args, node.name
    if node.op in CONSTRUCTS and not (node.op == "int" and len(args) == 1):
        letter = name.rstrip("+-")
        bound = {"sum": 2, "prod": 2, "int": 0, "lim": 0}[node.op]
        name = f"bound {depth}{name[len(letter) :]}"
        args = tuple(_replace(arg, letter, f"bound {depth}") if at == bound else arg for at, arg in enumerate(args))
    return Node(node.op, tuple(_bind(arg, depth + 1) for arg in args), node.value, name, node.places)


def _replace(node: Node, old: str, new: str) -> Node:
    if node.op == "sym":
        return Node("sym", name=new) if node.name == old else node
    return Node(node.op, tuple(_replace(arg, old, new) for arg in node.args), node.value, node.name, node.places)


def needs_parser(node: Node) -> bool:
    """Whether an expression has what only SymPy may evaluate, so that it must be able to read it."""
    return _has(node, frozenset(("int", "lim")))


def rounds_to(value: Node, rounded: Node) -> bool:
    """Whether a decimal approximates a number: to the places that it is written to, or within a hundredth of it."""
    if rounded.op != "num" or letters(value):
        return False
    set_precision(PRECISIONS[0])
    try:
        ball = evaluate(value, {})
        gap = abs(ball - evaluate(rounded, {}))
    except Undefined:
        return False
    return bool(gap < (arb(10) ** -rounded.places).max(abs(ball) / 100))


def is_rounding(rounded: Node, value: Node) -> bool:
    """Whether a decimal of three digits and more is what a longer exact number rounds to at its places.

    Who rounds writes less than before: 30.52 may stand for 1587/52, but 3.14 and 1.414 are themselves, since their
    writers could have written \\pi and \\sqrt{2}.
    """
    if rounded.op != "num" or rounded.places < 1 or letters(value) or _decimals(value) or _has_decimal(value):
        return False
    digits = abs(rounded.value.numerator * 10**rounded.places // rounded.value.denominator)
    if (
        digits < 100
        or _writing_length(value) <= len(str(digits))
        or (value.op == "num" and is_terminating(value.value))
    ):
        return False
    set_precision(PRECISIONS[0])
    try:
        gap = abs(evaluate(value, {}) - evaluate(rounded, {}))
    except Undefined:
        return False
    return bool(gap * 2 <= arb(10) ** -rounded.places)


def _writing_length(node: Node) -> int:
    """Digits and names that an exact value is written with."""
    if node.op != "num":
        return (node.op in ("sym", "root") or len(node.args) == 1) + sum(map(_writing_length, node.args))
    below = node.value.denominator
    return len(str(abs(node.value.numerator))) + (len(str(below)) if below > 1 else 0)


def is_terminating(value: Fraction) -> bool:
    """Whether a rational has finitely many decimal places."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    return rest == 1


def _has_decimal(node: Node) -> bool:
    return node.places > 0 or any(map(_has_decimal, node.args))


def _at_points(left: Node, right: Node) -> Answer:
    names = sorted(letters(left) | letters(right))
    if not names and not any(_has(side, frozenset(("fn",))) for side in (left, right)):
        return _compare_at(left, right, {}, real=False)
    whole = any(
        _has(side, frozenset(("!", "!!", "binom", "sum", "prod", "floor", "ceil"))) for side in (left, right)
    ) or any(_alternates(side) for side in (left, right))
    real = not any(_has(side, frozenset(("i",))) for side in (left, right))
    if any(_has(side, _STEPS) for side in (left, right)):
        for turn in range(_WHOLE_STEPS):
            point = {name: acb(turn + 5 * position) for position, name in enumerate(names)}
            if _compare_at(left, right, point, real=True) == "differ":
                return "differ"
    agreed = 0
    points = [_point(names, turn, whole) for turn in range(len(_SIZES))]
    if any(_may_bend(side) for side in (left, right)):
        points += _points_beyond(names, max(map(_reach, (left, right))), whole)
    for real_only in (real, False) if real else (False,):
        for point in points:
            answer = _compare_at(left, right, point, real_only)
            if answer == "differ":
                return answer
            agreed += answer == "same"
        if agreed >= 2:
            return "same"
    return "unknown"


@lru_cache(maxsize=1 << 12)
def _may_bend(node: Node) -> bool:
    """Whether an expression may be another formula on another part of the line: |x + 5| is x + 5 from -5 on."""
    bends = node.op in _BENDS or (node.op == "^" and node.args[1].op != "sym" and not _is_whole(node.args[1]))
    return (bends and bool(letters(node))) or any(map(_may_bend, node.args))


def _is_whole(node: Node) -> bool:
    return node.op == "num" and node.value.denominator == 1


@lru_cache(maxsize=1 << 12)
def _reach(node: Node) -> Fraction:
    """The sum of the numbers of an expression: beyond it a formula of these numbers and one letter rarely bends."""
    own = min(abs(node.value), _FAR) if node.op == "num" else Fraction(0)
    return min(own + sum(map(_reach, node.args), Fraction(0)), _FAR)


def _points_beyond(names: list[str], reach: Fraction, whole: bool) -> list[dict[str, Any]]:
    """Points on all sides of where an expression may bend: far out, with each pattern of signs. Letters that count
    are whole and positive there too."""
    points = []
    for turn, signs in enumerate(_SIGNS[1:5]):
        size = 2 * reach + 3 + Fraction(turn + 1, 7)
        point = {}
        for at, name in enumerate(names):
            value = size * (1 + Fraction(at * 17, 53))
            value = Fraction(int(value) + turn) if whole and name[0] in _COUNTERS else value * signs[at % 4]
            point[name] = value
        points.append(point)
    return points


def _alternates(node: Node) -> bool:
    if node.op == "^" and node.args[0].op == "num" and node.args[0].value < 0 and letters(node.args[1]):
        return True
    return any(_alternates(arg) for arg in node.args)


def _point(names: list[str], turn: int, whole: bool) -> dict[str, Any]:
    point = {}
    for position, name in enumerate(names):
        if whole and name[0] in _COUNTERS:
            point[name] = acb(_WHOLE[turn] + position if name[0] not in "kr" else _CHOSEN[turn])
            continue
        size = _SIZES[turn] * (1 + Fraction(position * 17, 53)) + Fraction(position, 7)
        size *= _SIGNS[turn][position % 4]
        point[name] = size
    return point


def _compare_at(left: Node, right: Node, point: dict[str, Any], real: bool) -> Answer:
    rounded = bool(_decimals(left) or _decimals(right))
    if rounded:
        return _compare_rounded(left, right, {**point, ROUNDED: True}, real)
    needed = 0
    for bits in PRECISIONS if point else PRECISIONS[:1]:
        bits = max(bits, needed)
        set_precision(bits)
        if (balls := _evaluate_both(left, right, point, real)) is None:
            return "unknown"
        a, b = balls
        answer = compare_balls(a, b)
        if answer == "differ":
            return answer
        if not point:
            return "same" if abs(a - b) == 0 else _compare_numbers(left, right)
        needed = needed or bits_for(left, right, point)
        if needed > MAX_PRECISION:
            return "unknown"
        if answer == "same" and bits >= needed:
            return compare_balls(a, b, needed)
    return "unknown"


def _compare_numbers(left: Node, right: Node) -> Answer:
    """Whether two numbers are equal that the usual precision does not tell apart: proven, or not known."""
    difference = call("-", left, right)
    zero = vanishes(difference)
    if zero is None:
        for bits in sorted((PRECISIONS[-1], min(bits_for(left, right, {}), MAX_PRECISION))):
            set_precision(bits)
            try:
                if not abs(evaluate(difference, {})).contains(0):
                    return "differ"
            except Undefined:
                return "unknown"
        zero = prove_zero(difference)
    return "unknown" if zero is None else "same" if zero else "differ"


def _evaluate_both(left: Node, right: Node, point: dict[str, Any], real: bool) -> tuple[Any, Any] | None:
    """Both values; None where one is undefined, or where only `real` ones count and one is not."""
    try:
        a, b = evaluate(left, point), evaluate(right, point)
    except Undefined:
        return None
    return (a, b) if not real or (_is_real(a) and _is_real(b)) else None


def _is_real(ball: Any) -> bool:
    return bool(ball.imag.contains(0)) and float(abs(ball.imag).upper()) < 1e-60


def _compare_rounded(left: Node, right: Node, point: dict[str, Any], real: bool) -> Answer:
    """Whether two balls around roundings share a number; what is known to less than a thousandth tells nothing."""
    set_precision(USUAL)
    if (balls := _evaluate_both(left, right, point, real)) is None:
        return "unknown"
    a, b = balls
    gap = abs(a - b)
    if not gap.contains(0):
        return "differ"
    if gap.upper() * 1000 < abs(a).max(abs(b)):
        return "same"
    return "unknown" if len(point) > 1 else "differ"


def compare_balls(a: Any, b: Any, bits: int = USUAL) -> Answer:
    """Whether two balls lie apart, or agree as far as a precision can show."""
    gap = abs(a - b)
    size = abs(a).max(abs(b))
    if not gap.contains(0):
        return "differ"
    alike = agreement(bits)
    if gap.upper() < arb(2) ** -alike * (1 + size).min(arb(2) ** (alike - 10)):
        return "same"
    return "unknown"


def constant(node: Node) -> bool:
    """Whether an expression is a number."""
    return not letters(node) and not _has(node, frozenset(("fn", "infty")))


def sign(node: Node) -> int | None:
    """-1, 0 or 1 for a real number whose sign can be told, else None."""
    if node.op == "num":
        return (node.value > 0) - (node.value < 0)
    set_precision(PRECISIONS[0])
    try:
        ball = evaluate(node, {})
    except Undefined:
        return None
    if not _is_real(ball):
        return None
    if ball.real.contains(0):
        return 0 if compare(node, number(0)) == "same" else None
    return 1 if ball.real > 0 else -1


def proportional(left: Node, right: Node) -> Answer:
    """Whether one expression is a constant multiple of the other: what equations with 0 on the right compare by."""
    names = sorted(letters(left) | letters(right))
    if not names or letters(left) != letters(right):
        return "differ"
    ratio = None
    used = 0
    points = [_point(names, turn, False) for turn in range(len(_SIZES))]
    bits = bits_for(left, right, points[0])
    if bits > MAX_PRECISION:
        return "unknown"
    set_precision(bits)
    if any(_may_bend(side) for side in (left, right)):
        points += _points_beyond(names, max(map(_reach, (left, right))), whole=False)
    for point in points:
        try:
            a, b = (evaluate(side, point) for side in (left, right))
        except Undefined:
            continue
        if a.contains(0) or b.contains(0):
            continue
        used += 1
        if ratio is None:
            ratio = a / b
        elif compare_balls(a / b, ratio, bits) != "same":
            return "differ"
    return "same" if used >= 3 else "unknown"


def subtract(left: Node, right: Node) -> Node:
    """left - right."""
    return call("-", left, right) if right != number(0) else left
