"""What becomes of each test: kept, repaired by consensus or dropped (Magistral paper, section 4.2), and why.

The paper drops tests on which solutions do not agree, and repairs a test that no solution passes though they do. Here
only trusted solutions count, and a given output that a good solution confirms is never overwritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.code_tests.matrix import ABSENT, FAILED, Matrix
from pipeline.code_tests.truth_discovery import Weights
from schemas.config import CodeTestsConfig

SLACK = 0.05
"""A solution whose error rate is within this of the best one's is as good: one odd test in twenty is forgiven."""
WORST = 0.3
"""With more errors than this even the best solution explains the tests too badly to be trusted."""
CONTESTED = 0.2
"""A given output that solutions with this share of all votes confirm is not overwritten: the test goes."""


@dataclass(frozen=True)
class Ruling:
    """What becomes of one test. `expected` is what it asks for from now on; `share` and `agreeing` are of the
    trusted."""

    action: Literal["keep", "repair", "drop"]
    expected: str | None
    share: float
    agreeing: int
    why: str


def choose_trusted(matrix: Matrix, weights: Weights) -> list[int]:
    """The solutions whose errors against the consensus are near the fewest; none where even those are many.

    One that answered less than half as many tests as the one with most (too slow) neither sets the standard nor
    is trusted unless it made no error.
    """
    most = max(weights.answered, default=0)
    if not most:
        return []
    rate = [e / h if h else 1.0 for e, h in zip(weights.errors, weights.answered, strict=True)]
    steady = [r for r, h in zip(rate, weights.answered, strict=True) if 2 * h >= most]
    best = min(steady)
    if best > WORST:
        return []
    return [
        s
        for s, (r, h, row) in enumerate(zip(rate, weights.answered, matrix.cells, strict=True))
        if h and any(c >= 0 for c in row) and (r <= best + SLACK if 2 * h >= most else r == 0)
    ]


def rule_tests(
    matrix: Matrix,
    weights: Weights,
    trusted: Sequence[int],
    fingerprints: Sequence[str],
    config: CodeTestsConfig,
    repair: bool = True,
) -> list[Ruling]:
    """One ruling a test of `matrix`, in order. Without `repair` what would be repaired is dropped."""
    if len(set(fingerprints)) < config.min_solutions:
        return [_rule_few(matrix, t) for t in range(matrix.tests)]
    return [_rule(matrix, weights, t, trusted, fingerprints, config, repair) for t in range(matrix.tests)]


def _rule_few(matrix: Matrix, test: int) -> Ruling:
    """With fewer solutions than it takes to agree: keep what one of the good ones passes, change nothing."""
    good = _passing_most(matrix)
    if not good:
        return Ruling("drop", None, 0.0, 0, "no solution passes half of the tests, and there are too few to agree")
    given = matrix.given[test]
    if given == ABSENT:
        return Ruling("drop", None, 0.0, 0, "no expected output, and too few solutions to set one")
    voting = [s for s in good if matrix.cells[s][test] != ABSENT]
    agreeing = sum(matrix.cells[s][test] == given for s in voting)
    if agreeing:
        return Ruling("keep", matrix.texts[test][given], agreeing / len(voting), agreeing, "a solution passes it")
    if not voting and not any(matrix.failed[s][test] for s in good):
        return Ruling("keep", matrix.texts[test][given], 0.0, 0, "not run for trouble of the sandbox; left as it was")
    return Ruling("drop", None, 0.0, 0, "no solution passes it, and there are too few to repair it")


def _passing_most(matrix: Matrix) -> list[int]:
    """Solutions that pass at least half of the tests that they answered."""
    passing = []
    for s, row in enumerate(matrix.cells):
        pairs = [(c, g) for c, g in zip(row, matrix.given, strict=True) if c != ABSENT and g != ABSENT]
        if pairs and 2 * sum(c == g for c, g in pairs) >= len(pairs):
            passing.append(s)
    return passing


def _rule(
    matrix: Matrix,
    weights: Weights,
    test: int,
    trusted: Sequence[int],
    fingerprints: Sequence[str],
    config: CodeTestsConfig,
    repair: bool,
) -> Ruling:
    given = matrix.given[test]
    voting = [s for s in trusted if matrix.cells[s][test] != ABSENT]
    if not voting:
        if given != ABSENT and trusted and not any(matrix.failed[s][test] for s in trusted):
            return Ruling(
                "keep", matrix.texts[test][given], 0.0, 0, "not run for trouble of the sandbox; left as it was"
            )
        return Ruling("drop", None, 0.0, 0, "no trusted solution finished it")
    votes: dict[int, float] = {}
    for s in voting:
        cell = matrix.cells[s][test]
        votes[cell] = votes.get(cell, 0.0) + (weights.power[s] or 1e-9)
    top = max(votes, key=lambda c: (votes[c], c == given, -c))
    share = votes[top] / sum(votes.values())
    if top == FAILED:
        return Ruling("drop", None, share, 0, "trusted solutions fail on its input, which may break the constraints")
    agreeing = len({fingerprints[s] for s in voting if matrix.cells[s][test] == top})
    agreement = f"{agreeing} distinct trusted solutions agree, share {share:.2f}"
    text = matrix.texts[test][top]
    if given == top:
        if share >= config.min_share or 2 * share >= 1:
            return Ruling("keep", text, share, agreeing, agreement)
        return Ruling("drop", None, share, agreeing, f"insufficient agreement: {agreement}")
    if agreeing < config.min_solutions or share < config.min_share:
        return Ruling("drop", None, share, agreeing, f"insufficient agreement: {agreement}")
    if given == ABSENT:
        return Ruling("repair", text, share, agreeing, agreement)
    rivals = sum(weights.power[s] for s, row in enumerate(matrix.cells) if row[test] == given)
    everyone = sum(weights.power[s] for s, row in enumerate(matrix.cells) if row[test] != ABSENT)
    if rivals >= CONTESTED * everyone:
        return Ruling(
            "drop", None, share, agreeing, f"contested: other solutions confirm the given output, though {agreement}"
        )
    if not repair:
        return Ruling(
            "drop", None, share, agreeing, f"the given output is doubtful ({agreement}), but others may be right too"
        )
    return Ruling("repair", text, share, agreeing, agreement)
