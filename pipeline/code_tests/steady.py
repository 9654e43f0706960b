"""Programs that do not print the same twice: found by a second run under another hash seed.

Another seed brings Python's sets of texts in another order and objects to other addresses, and time and chance differ
by themselves. What hangs on any of these is no answer: a right sample would fail it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.code_tests.agree import choose_trusted
from pipeline.code_tests.matrix import SKIPPED, Outcome, build_matrix, run_matrix
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.programs import Solution
from pipeline.code_tests.truth_discovery import weigh_solutions

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

RERUN = 3
"""Tests on which every program runs a second time."""
SECOND_SEED = 1
"""Of the second run; the first one's, and every sample's, is 0."""
MORE_SEEDS = (2, 3, 4)
"""For a program that was not steady somewhere: a set of two comes in one order half of the time."""
UNSTEADY = "not deterministic: two runs of one program differ"
_BROKE = frozenset({"wrong", "runtime"})

Outcomes = Sequence[Sequence[Outcome]]


@dataclass(frozen=True)
class FirstRun:
    """How all `solutions` ended on all tests (`inputs`, `expected`) under the usual hash seed."""

    solutions: Sequence[Solution]
    inputs: Sequence[str]
    expected: Sequence[str | None]
    entry_point: str | None
    outcomes: Outcomes


def run_again(sandbox: "Sandbox", first: FirstRun, judge: Judge, least: int) -> list[list[Outcome]]:
    """Outcomes[solution][test] of a second run under another hash seed, SKIPPED where there was none.

    All programs run on `RERUN` tests, spread over the list, and `least` distinct ones in Python that are trusted so far
    on all: others could print the same by chance on a few. Where there are fewer than `least`, all run on all. A
    program that differs somewhere runs under `MORE_SEEDS` too, and the outcome that differs is the one that is given.
    """
    solutions, outcomes = first.solutions, first.outcomes
    count = len(first.inputs)
    fingerprints = [s.fingerprint for s in solutions]
    few = len(set(fingerprints)) < least
    spread = list(range(count)) if few else sorted({count * k // RERUN for k in range(RERUN)} & set(range(count)))
    again = [[SKIPPED] * count for _ in solutions]
    if not spread:
        return again

    def run(chosen: Sequence[int], tests: Sequence[int], seed: int) -> None:
        programs, texts = [solutions[s] for s in chosen], [first.inputs[t] for t in tests]
        rows = run_matrix(sandbox, programs, texts, first.entry_point, hash_seed=seed)
        for s, row in zip(chosen, rows, strict=True):
            for t, outcome in zip(tests, row, strict=True):
                if not _differ(judge, outcomes[s][t], again[s][t]):
                    again[s][t] = outcome

    slow = {s for s, row in enumerate(outcomes) if any(o.status == "time" for o in row)}
    run([s for s in range(len(solutions)) if s not in slow], spread, SECOND_SEED)
    others = [t for t in range(count) if t not in spread]
    if others:
        matrix = build_matrix(outcomes, first.expected, judge)
        trusted = choose_trusted(matrix, weigh_solutions(matrix, fingerprints))
        ended = [s for s, row in enumerate(outcomes) if 2 * sum(o.output is not None for o in row) > count]
        able = [s for s in trusted or ended if s not in slow and solutions[s].language == "python"]
        distinct = list({fingerprints[s]: s for s in reversed(able)}.values())
        run(sorted(distinct)[:least], others, SECOND_SEED)
    unsteady = [s for s, tests in enumerate(find_unsteady(judge, outcomes, again)) if tests]
    for seed in MORE_SEEDS if unsteady else ():
        run(unsteady, range(count), seed)
    return again


def find_unsteady(judge: Judge, outcomes: Outcomes, again: Outcomes) -> list[set[int]]:
    """For each program the tests on which its two runs differ."""
    return [
        {t for t, (one, two) in enumerate(zip(first, second, strict=True)) if _differ(judge, one, two)}
        for first, second in zip(outcomes, again, strict=True)
    ]


def _differ(judge: Judge, first: Outcome, second: Outcome) -> bool:
    if first.output is None or second.output is None:
        # A test program of asserts has no output but its end.
        return {first.status, second.status} & _BROKE != set() and "passed" in (first.status, second.status)
    return not judge.same(first.output, second.output)


def silence_unsteady(
    judge: Judge, outcomes: Outcomes, again: Outcomes, few: bool
) -> tuple[list[list[Outcome]], set[int]]:
    """(outcomes without what is not steady, the tests on which nothing steady is left to go by).

    Where most programs differ on a test, the test is at fault, and goes; else the program is, and is not heard at all.
    With `few` programs there is no majority: each is not heard where it differs.
    """
    unsteady = find_unsteady(judge, outcomes, again)
    count = len(again[0]) if again else 0
    if few:
        heard = [
            [SKIPPED if t in unsteady[s] else outcome for t, outcome in enumerate(row)]
            for s, row in enumerate(outcomes)
        ]
        lost = {t for tests in unsteady for t in tests if all(row[t].output is None for row in heard)}
        return heard, lost
    tests = {
        t
        for t in range(count)
        if 2 * sum(t in u for u in unsteady) > sum(row[t].output is not None for row in again if row[t] is not SKIPPED)
        and any(t in u for u in unsteady)
    }
    return [[SKIPPED] * count if unsteady[s] - tests else list(row) for s, row in enumerate(outcomes)], tests


def find_steady(
    sandbox: "Sandbox",
    solutions: Sequence[Solution],
    pairs: Sequence[tuple[str, str]],
    entry_point: str | None,
    judge: Judge,
) -> list[bool]:
    """Which of the tests (input, expected) at least one of `solutions` passes under another hash seed too; all of them
    where no Python program is among these."""
    programs = [s for s in solutions if s.language == "python"]
    if not programs or not pairs:
        return [True] * len(pairs)
    rows = run_matrix(sandbox, programs, [text for text, _ in pairs], entry_point, hash_seed=SECOND_SEED)
    return [
        any(o.output is not None and judge.accepts(expected, o.output) for o in column)
        or not any(o.output is not None or o.failed for o in column)
        for (_, expected), column in zip(pairs, zip(*rows, strict=True), strict=True)
    ]
