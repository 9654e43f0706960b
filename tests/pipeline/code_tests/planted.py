"""Outcomes with planted wrong tests and wrong solutions: what is right is known because it was put there."""

from dataclasses import dataclass
from random import Random

from pipeline.code_tests.agree import Ruling, choose_trusted, rule_tests
from pipeline.code_tests.matrix import Matrix, Outcome, build_matrix
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.truth_discovery import weigh_solutions
from schemas.config import CodeTestsConfig

CALLS = Judge(call=True)
"""Outputs are Python literals: compared without the sandbox."""


@dataclass(frozen=True)
class Planted:
    """A problem with unique right answers `right`; `wrong[s]` is the share of tests on which solution s errs."""

    right: list[str]
    expected: list[str]
    corrupted: set[int]
    outcomes: list[list[Outcome]]
    good: set[int]


def plant(rng: Random, tests: int, good: int, bad: int, corrupt: int, answers: int, coincide: bool = False) -> Planted:
    """`good` right and `bad` wrong solutions in random order; each wrong one errs on its own tests, at least on one in
    seven. `corrupt` expected outputs are one that nobody gives, or with `coincide` maybe one that a wrong one gives.
    """
    right = [str(rng.randrange(answers)) for _ in range(tests)]
    corrupted = set(rng.sample(range(tests), corrupt))
    expected = list(right)
    for t in corrupted:
        nobody = str(int(right[t]) + answers)
        expected[t] = rng.choice([nobody, _other(rng, right[t], answers)]) if coincide else nobody
    rows: list[tuple[bool, list[Outcome]]] = [(True, [Outcome("passed", x) for x in right]) for _ in range(good)]
    for _ in range(bad):
        errs = set(rng.sample(range(tests), rng.randint(max(1, tests // 7), tests)))
        rows.append(
            (
                False,
                [
                    Outcome("passed", _other(rng, x, answers)) if t in errs else Outcome("passed", x)
                    for t, x in enumerate(right)
                ],
            )
        )
    rng.shuffle(rows)
    return Planted(right, expected, corrupted, [row for _, row in rows], {s for s, (ok, _) in enumerate(rows) if ok})


def _other(rng: Random, value: str, answers: int) -> str:
    return str((int(value) + rng.randrange(1, answers)) % answers)


def judge(
    outcomes: list[list[Outcome]], expected: list[str | None], config: CodeTestsConfig | None = None
) -> tuple[Matrix, list[int], list[Ruling]]:
    """(matrix, trusted solutions, rulings), every solution a program of its own."""
    config = config or CodeTestsConfig()
    names = [f"p{s}" for s in range(len(outcomes))]
    matrix = build_matrix(outcomes, expected, CALLS)
    weights = weigh_solutions(matrix, names)
    trusted = choose_trusted(matrix, weights)
    return matrix, trusted, rule_tests(matrix, weights, trusted, names, config)
