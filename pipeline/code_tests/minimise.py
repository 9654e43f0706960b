"""Few tests that tell the most: a greedy cover of the wrong programs, and the share of them that a set of tests
catches."""

from collections.abc import Sequence

from pipeline.code_tests.matrix import ABSENT, Matrix


def find_catches(matrix: Matrix, asked: Sequence[int], programs: Sequence[int]) -> list[frozenset[int]]:
    """For each test the `programs` it catches: another class than `asked[test]`, a crash or a time-out.

    A test whose asked class is ABSENT catches nothing; trouble of ours catches nobody.
    """
    catches = []
    for t, right in enumerate(asked):
        caught = (
            s for s in programs if matrix.failed[s][t] or (matrix.cells[s][t] != ABSENT and matrix.cells[s][t] != right)
        )
        catches.append(frozenset(caught) if right != ABSENT else frozenset())
    return catches


def order_tests(catches: Sequence[frozenset[int]], tests: Sequence[int]) -> list[int]:
    """`tests` by what each adds: again and again the one that catches the most programs not caught yet.

    When all are caught the cover starts again on what is left, so that a prefix of any length is a good set: greedy set
    cover (Chvatal 1979), repeated. Ties keep the given order.
    """
    left = list(tests)
    ordered: list[int] = []
    covered: set[int] = set()
    while left:
        best = max(left, key=lambda t: (len(catches[t] - covered), -left.index(t)))
        if covered and not catches[best] - covered:
            covered = set()
            continue
        ordered.append(best)
        left.remove(best)
        covered |= catches[best]
        if not any(catches[t] for t in left):
            return ordered + left
    return ordered


def measure_kill(catches: Sequence[frozenset[int]], tests: Sequence[int], programs: Sequence[int]) -> float | None:
    """The share of `programs` that at least one of `tests` catches; None when there is no program to catch."""
    if not programs:
        return None
    caught = frozenset[int]().union(*(catches[t] for t in tests))
    return len(caught & set(programs)) / len(programs)
