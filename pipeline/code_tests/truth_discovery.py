"""Which solutions to trust: weights by agreement, iterated to a fixed point; no solution comes labelled.

A variant of truth discovery with one accuracy a source (Dawid and Skene 1979; Yin et al., TruthFinder, 2008): the
answer to a test is what the weightiest solutions and the given expected output say; the weight of a solution is how
often it says the answer. Two things differ. Programs that behave alike everywhere count little more than one, because
copies of one mistake agree as well as independent right programs do. And the given outputs vote too, with an accuracy
of their own.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.code_tests.matrix import ABSENT, FAILED, Matrix

ROUNDS = 50
"""The iteration settles within ten rounds; this bounds the rare cycle."""
SMOOTH = 0.5
"""Half an agreement and half a disagreement are taken as seen (Jeffreys), so that few tests make no certainty."""
ALIKE = 8
"""Power of likeness: one test in ten apart counts four tenths, half of the tests apart counts nothing."""


@dataclass(frozen=True)
class Weights:
    """What the iteration came to.

    `accuracy[s]` in (0, 1): how often solution s says the consensus; `power[s]`: the log-odds by which it votes, 0
    for one that is no better than chance or is a copy; `consensus[t]`: the class or ABSENT; `given`: the accuracy of
    the expected outputs; `errors[s]`: on how many tests it says something else; `answered[s]`: on how many it said
    anything.
    """

    accuracy: tuple[float, ...]
    power: tuple[float, ...]
    consensus: tuple[int, ...]
    given: float
    errors: tuple[int, ...]
    answered: tuple[int, ...]


def weigh_solutions(matrix: Matrix, fingerprints: Sequence[str]) -> Weights:
    """Weights for the rows of `matrix`; rows with one fingerprint vote as one program."""
    rows, tests = matrix.cells, matrix.tests
    shares = share_votes(rows, fingerprints)
    first = _first_answers(matrix, fingerprints)
    accuracy = [_agreement(row, first) for row in rows]
    # Nine in ten is what curated test sets reach; the iteration moves it to what these tests show.
    given = 0.9
    consensus: list[int] = []
    seen: set[tuple[int, ...]] = set()
    for _ in range(ROUNDS):
        power = [shares[s] * _log_odds(accuracy[s]) for s in range(len(rows))]
        consensus = [_elect(matrix, t, power, _log_odds(given)) for t in range(tests)]
        if tuple(consensus) in seen:
            break
        seen.add(tuple(consensus))
        accuracy = [_agreement(rows[s], consensus) for s in range(len(rows))]
        given = _agreement(matrix.given, consensus)
    errors = tuple(
        sum(c != ABSENT and k not in (ABSENT, c) for c, k in zip(row, consensus, strict=True)) for row in rows
    )
    answered = tuple(sum(c != ABSENT for c in row) for row in rows)
    power = [shares[s] * _log_odds(accuracy[s]) for s in range(len(rows))]
    return Weights(tuple(accuracy), tuple(power), tuple(consensus), given, errors, answered)


def share_votes(rows: Sequence[Sequence[int]], fingerprints: Sequence[str]) -> list[float]:
    """How much of a vote each row has: k programs of one behaviour have sqrt(k) votes, copies of one program have
    one."""
    copies = Counter(fingerprints)
    alike: dict[tuple[int, ...], set[str]] = {}
    for row, fingerprint in zip(rows, fingerprints, strict=True):
        alike.setdefault(tuple(row), set()).add(fingerprint)
    return [1.0 / copies[f] / math.sqrt(len(alike[tuple(row)])) for row, f in zip(rows, fingerprints, strict=True)]


def _first_answers(matrix: Matrix, fingerprints: Sequence[str]) -> Sequence[int]:
    """What to measure solutions by at first: the given outputs, or without them what the most typical solution says.

    Right programs are alike and each wrong one is wrong in its own way, so the most typical one is that to which the
    most others are nearly identical; slight likeness counts for next to nothing.
    """
    if any(g != ABSENT for g in matrix.given) or not matrix.cells:
        return matrix.given
    rows = matrix.cells
    most = max(sum(c >= 0 for c in row) for row in rows)

    def typical(s: int) -> float:
        others = {
            fingerprints[o]: _likeness(rows[s], rows[o]) for o in range(len(rows)) if fingerprints[o] != fingerprints[s]
        }
        return sum(likeness**ALIKE for likeness in others.values()) * (2 * sum(c >= 0 for c in rows[s]) >= most)

    return rows[max(range(len(rows)), key=lambda s: (typical(s), -s))]


def _likeness(left: Sequence[int], right: Sequence[int]) -> float:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if ABSENT not in (a, b)]
    return sum(a == b != FAILED for a, b in pairs) / len(pairs) if pairs else 0.0


def _agreement(row: Sequence[int], consensus: Sequence[int]) -> float:
    pairs = [(c, k) for c, k in zip(row, consensus, strict=True) if c != ABSENT and k != ABSENT]
    return (sum(c == k for c, k in pairs) + SMOOTH) / (len(pairs) + 2 * SMOOTH)


def _log_odds(accuracy: float) -> float:
    return max(0.0, math.log(accuracy / (1 - accuracy)))


def _elect(matrix: Matrix, test: int, power: Sequence[float], given: float) -> int:
    votes: dict[int, float] = {}
    for s, row in enumerate(matrix.cells):
        if row[test] >= 0:
            votes[row[test]] = votes.get(row[test], 0.0) + power[s]
    if matrix.given[test] != ABSENT:
        votes[matrix.given[test]] = votes.get(matrix.given[test], 0.0) + given
    if not votes or max(votes.values()) <= 0:
        return ABSENT
    return max(votes, key=lambda c: (votes[c], -c))
