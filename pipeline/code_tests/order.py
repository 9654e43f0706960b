"""Whether the order of an output matters, by what programs show: never by the words of a statement.

That two right outputs differ in order is not enough: there are many topological orders, and more permutations that are
none. But a right program that leaves the order to Python's hashes prints, over many hash seeds, every order of its
items alike; where each pair of items comes in either order, no order is asked for. Half of the trusted programs have to
show this. Against it speak programs that agree with the given outputs on one order, given outputs whose order follows a
rule, and programs without work that would pass.
"""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from pipeline.code_tests.agree import choose_trusted
from pipeline.code_tests.audit import Target, predict_share
from pipeline.code_tests.matrix import ABSENT, Matrix, Outcome, build_matrix
from pipeline.code_tests.multiple_answers import FAITHFUL, NEARLY_ALL, find_several
from pipeline.code_tests.outputs import Judge, read_literal
from pipeline.code_tests.steady import MORE_SEEDS, Outcomes, find_unsteady
from pipeline.code_tests.truth_discovery import weigh_solutions
from schemas.config import CodeTestsConfig
from schemas.problem import ORDERS

BY_CHANCE = 0.01
"""Given outputs follow a rule where items in no order would do so less often than this."""

SEEDS = 12
"""Hash seeds under which a program shows its orders: two items that are free come in one order under all of them once
in two thousand times."""
ASKED = 5
"""Tests on which it does, those of the fewest items first: few items show all of their orders."""
FEW_ITEMS = 5
"""With no more items each should also come right behind most of the others."""
MOST = 0.75
FIXED = 0.05
"""Share of the pairs that may keep one order throughout, by chance; edges of a graph are more of them."""

Items = Sequence[Any]
Ask = Callable[[Sequence[int], Sequence[int], int], Sequence[Sequence[Outcome]]]
"""(programs, tests, hash seed) -> how each ends on these."""


@dataclass(frozen=True)
class Shown:
    """What is known of a problem: the two runs of its programs, its tests, the `hint` of its statement that several
    answers are right; and how to `ask` for more runs."""

    ask: Ask
    outcomes: Outcomes
    again: Outcomes
    fingerprints: Sequence[str]
    target: Target
    hint: str | None

    @property
    def expected(self) -> list[str | None]:
        return [test["expected"] for test in self.target.tests]


def find_free_order(shown: Shown, judge: Judge, config: CodeTestsConfig) -> str | None:
    """The least of `ORDERS` under which the programs agree, where they show that order does not matter; else None."""
    unsteady = find_unsteady(judge, shown.outcomes, shown.again)
    if judge.ignore_order or judge.strict_whitespace or not any(unsteady):
        return None
    matrix = build_matrix(shown.outcomes, shown.expected, judge)
    trusted, faithful = _trust(shown, judge, matrix)
    weights = weigh_solutions(matrix, shown.fingerprints)
    several = find_several(matrix, weights, trusted, shown.fingerprints, shown.hint, config)
    settled = _count(shown, trusted) >= config.min_solutions and faithful >= NEARLY_ALL
    if settled and several is None:
        return None
    for order in ORDERS:
        loose = replace(judge, ignore_order=order)
        trusted = _agree(shown, judge, loose, config)
        moving = {shown.fingerprints[s]: s for s in trusted if unsteady[s]}
        if moving and 2 * len(moving) >= _count(shown, trusted):
            if shown.hint is None and _follow_rule(shown, judge, order):
                return None
            enough = list(moving.values())[: config.min_solutions]
            return order if _print_any_order(shown, loose, enough, unsteady) else None
    return None


def _trust(shown: Shown, judge: Judge, matrix: Matrix) -> tuple[list[int], float]:
    """(the trusted programs whose two runs agree, how often the given outputs say what they do)."""
    weights = weigh_solutions(matrix, shown.fingerprints)
    unsteady = find_unsteady(judge, shown.outcomes, shown.again)
    trusted = [s for s in choose_trusted(matrix, weights) if not unsteady[s]]
    return trusted, weights.given if any(g != ABSENT for g in matrix.given) else 1.0


def _count(shown: Shown, programs: Sequence[int]) -> int:
    return len({shown.fingerprints[s] for s in programs})


def _agree(shown: Shown, strict: Judge, loose: Judge, config: CodeTestsConfig) -> list[int]:
    """The trusted programs, where under `loose` enough of them agree with each other and the given outputs, and nothing
    passes without work that did not before; else none."""
    matrix = build_matrix(shown.outcomes, shown.expected, loose)
    trusted, faithful = _trust(shown, loose, matrix)
    if _count(shown, trusted) < min(config.min_solutions, len(set(shown.fingerprints))) or faithful < FAITHFUL:
        return []
    weights = weigh_solutions(matrix, shown.fingerprints)
    if find_several(matrix, weights, trusted, shown.fingerprints, shown.hint, config) is not None:
        return []
    given = [test for test in shown.target.tests if test["expected"] is not None]
    before, after = (replace(shown.target, tests=given, judge=judge) for judge in (strict, loose))
    attacks = after.attacks() if given else []
    return [] if any(predict_share(a, after) == 1 and predict_share(a, before) < 1 for a in attacks) else trusted


def _print_any_order(shown: Shown, loose: Judge, programs: Sequence[int], unsteady: Sequence[set[int]]) -> bool:
    """Whether each program gives the same items under every hash seed, and each pair of them in either order."""
    order = loose.ignore_order or ""

    def count_items(test: int) -> int:
        texts = [shown.outcomes[s][test].output or "" for s in programs]
        return max(len(items) for text in texts for items in [(), *_read_lists(text, loose.call, order)])

    tests = sorted(set[int]().union(*(unsteady[s] for s in programs)), key=lambda t: (count_items(t), t))[:ASKED]
    seen: dict[tuple[int, int], list[list[Items]]] = {}
    for seed in range(MORE_SEEDS[-1] + 1, MORE_SEEDS[-1] + 1 + SEEDS):
        for s, row in zip(programs, shown.ask(programs, tests, seed), strict=True):
            for t, outcome in zip(tests, row, strict=True):
                first = shown.outcomes[s][t].output
                if first is None or outcome.output is None or not loose.same(first, outcome.output):
                    return False
                if t in unsteady[s]:
                    seen.setdefault((s, t), []).append(_read_lists(outcome.output, loose.call, order))
    lists = [[row[at] for row in runs] for runs in seen.values() for at in range(_shared(runs, order))]
    fixed = sum(_count_fixed(rows) for rows in lists)
    pairs = sum(math.comb(len(set(map(_write, rows[0]))), 2) for rows in lists)
    return fixed <= FIXED * pairs and all(map(_are_neighbours, lists))


def _shared(runs: Sequence[Sequence[Items]], order: str) -> int:
    """How many lists stand in the same place in each run: of lists whose own order is free, the outermost alone."""
    return min(1, *map(len, runs)) if order == "all" else min(map(len, runs))


def _count_fixed(orders: Sequence[Items]) -> int:
    """How many pairs of items come in one order in all of the `orders`."""
    places = [{item: at for at, item in enumerate(row)} for row in map(_write_all, orders)]
    items = sorted(places[0])
    pairs = [(one, other) for k, one in enumerate(items) for other in items[k + 1 :]]
    return sum(
        len({place[one] < place[other] for place in places if {one, other} <= {*place}}) < 2 for one, other in pairs
    )


def _are_neighbours(orders: Sequence[Items]) -> bool:
    """Whether each of a few items comes right behind most of the others somewhere in the `orders`."""
    rows = [_write_all(items) for items in orders]
    neighbours = {pair for row in rows for pair in pairwise(row)}
    count = len(set(rows[0]))
    return count > FEW_ITEMS or len(neighbours) >= MOST * count * (count - 1)


def _write_all(items: Items) -> list[str]:
    return list(dict.fromkeys(map(_write, items)))


def _write(item: Any) -> str:
    """An item, whatever the order within it."""
    if isinstance(item, list | tuple):
        return repr(sorted(map(_write, item)))
    return " ".join(sorted(item.split())) if isinstance(item, str) else repr(item)


def _follow_rule(shown: Shown, judge: Judge, order: str) -> bool:
    """Whether the given outputs are sorted, or in the order in which their items came in, too often for chance."""
    lists = [
        (items, test["input"])
        for test in shown.target.tests
        if test["expected"] is not None
        for items in _read_lists(test["expected"], judge.call, order)
        if len(set(map(repr, items))) > 1
    ]
    chance = math.prod(1 / math.factorial(min(20, len(set(map(repr, items))))) for items, _ in lists)
    return chance < BY_CHANCE and any(all(rule(*one) for one in lists) for rule in _RULES)


def _read_lists(text: str, call: bool, order: str) -> list[Items]:
    """The items whose order a comparison by `order` leaves out."""
    outer: list[Items] = []
    inside: list[Any]
    if call:
        value = read_literal(text)
        outer = [value] if isinstance(value, list | tuple) else []
        inside = list(value.values() if isinstance(value, dict) else value if outer else ())
    else:
        inside = [line.split() for line in text.split("\n") if line.strip()]
        # A first line that counts the others is none of them.
        head = 1 if len(inside) > 1 and inside[0] == [str(len(inside) - 1)] else 0
        outer = [[" ".join(line) for line in inside[head:]]]
    inner: list[Items] = [item for item in inside if isinstance(item, list | tuple)]
    return outer if order == "outer" else inner if order == "inner" else outer + inner


def _is_sorted(items: Items, down: bool) -> bool:
    values: list[Any] = list(items)
    with contextlib.suppress(TypeError, ValueError):
        values = [float(item) for item in items]
    try:
        return values == sorted(values, reverse=down)
    except TypeError:
        return False


def _comes_so(items: Items, given: str) -> bool:
    """Whether items stand in `given` in this order."""
    at = 0
    for item in items:
        written = item if isinstance(item, str) else repr(item)
        found = given.find(written, at)
        if found < 0:
            return False
        at = found + len(written)
    return True


_RULES: tuple[Callable[[Items, str], bool], ...] = (
    lambda items, given: _is_sorted(items, down=False),
    lambda items, given: _is_sorted(items, down=True),
    _comes_so,
)


def count_orders(outcomes: Outcomes, again: Outcomes, judge: Judge) -> int:
    """How many programs printed the same items in two orders."""
    strict = replace(judge, ignore_order=None)
    pairs = zip(find_unsteady(strict, outcomes, again), find_unsteady(judge, outcomes, again), strict=True)
    return sum(bool(before) and not after for before, after in pairs)
