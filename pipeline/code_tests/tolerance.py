"""How far apart two fractions may be and still be one answer: found in the statement, or in the outputs."""

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.code_tests.matrix import Matrix, Outcome, build_matrix
from pipeline.code_tests.outputs import DEFAULT_TOLERANCE, Judge, has_fractions
from pipeline.code_tests.truth_discovery import weigh_solutions

_ABOUT = r"(?:error|precision|tolerance|accura(?:te|cy)|within|off by|differ)[^.]{0,120}?"
_STATED = re.compile(
    rf"{_ABOUT}10\s*(?:\^|\*\*)?\s*\{{?\s*[-−–]\s*\{{?\s*(\d{{1,2}})|{_ABOUT}\b1e-(\d{{1,2}})|{_ABOUT}\b0\.(0{{1,11}})1\b",
    re.IGNORECASE,
)
LOOSER = 1e-4
"""Tried where the default leaves solutions apart that agree otherwise."""
LOOSEST = 1e-2
"""A statement that allows more does not speak of the output."""


def read_tolerance(statement: str | None) -> float | None:
    """The error that a statement allows, such as 1e-6 for "an absolute or relative error of at most 10^{-6}"."""
    match = _STATED.search(statement or "")
    if match is None:
        return None
    digits = match.group(1) or match.group(2)
    power = int(digits) if digits else len(match.group(3)) + 1
    return 10.0**-power if 1 <= power <= 12 else None


def fit_tolerance(
    judge: Judge,
    statement: str | None,
    outcomes: Sequence[Sequence[Outcome]],
    expected: Sequence[str | None],
    fingerprints: Sequence[str],
) -> tuple[Judge, Matrix]:
    """The judge with a tolerance where the tests call for one, and the matrix under it.

    A tolerance that is given stays. Otherwise, where outputs have fractions, the statement's is taken; without one the
    default is made explicit, or a looser one taken, only where that makes more solutions agree with the consensus
    everywhere: a tolerance that is set holds for integers too, so it is not set without need.
    """
    matrix = build_matrix(outcomes, expected, judge)
    if judge.float_tolerance is not None or not _fractional(outcomes, expected):
        return judge, matrix
    stated = read_tolerance(statement)
    if stated is not None and stated <= LOOSEST:
        judge = replace(judge, float_tolerance=stated)
        return judge, build_matrix(outcomes, expected, judge)
    faultless = _faultless(matrix, fingerprints)
    for tolerance, more in ((DEFAULT_TOLERANCE, 1), (LOOSER, 2)):
        other = replace(judge, float_tolerance=tolerance)
        looser = build_matrix(outcomes, expected, other)
        if _faultless(looser, fingerprints) >= faultless + more:
            return other, looser
    return judge, matrix


def _fractional(outcomes: Sequence[Sequence[Outcome]], expected: Sequence[str | None]) -> bool:
    texts = [o.output for row in outcomes for o in row if o.output is not None] + [e for e in expected if e is not None]
    return any(has_fractions(text) for text in texts)


def _faultless(matrix: Matrix, fingerprints: Sequence[str]) -> int:
    weights = weigh_solutions(matrix, fingerprints)
    return sum(e == 0 and h > 0 for e, h in zip(weights.errors, weights.answered, strict=True))
