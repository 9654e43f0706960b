"""Programs that agree overrule most of the given outputs only where nothing else explains what they print."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code_tests.matrix import Matrix, Outcome, build_matrix
from pipeline.code_tests.overrule import count_contradicted, overrule_given
from schemas.config import CodeTestsConfig
from tests.pipeline.code_tests.planted import CALLS, plant

SEEDS = st.integers(0, 2**32)


def read(rows: list[list[str]], expected: list[str]) -> tuple[Matrix, list[str]]:
    outcomes = [[Outcome("passed", text) for text in row] for row in rows]
    return build_matrix(outcomes, expected, CALLS), [f"p{s}" for s in range(len(rows))]


def overruled(rows: list[list[str]], expected: list[str]) -> list[int] | None:
    """Who is trusted against the given outputs, None where they are not overruled."""
    found = overrule_given(*read(rows, expected), CodeTestsConfig())
    return None if found is None else found[1]


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, good=st.integers(5, 8), bad=st.integers(0, 3), tests=st.integers(5, 30))
def test_agreeing_programs_are_believed_against_sixty_percent_of_the_outputs(
    seed: int, good: int, bad: int, tests: int
) -> None:
    planted = plant(Random(seed), tests, good, bad, corrupt=tests * 6 // 10, answers=10_000)
    matrix = build_matrix(planted.outcomes, planted.expected, CALLS)
    found = overrule_given(matrix, [f"p{s}" for s in range(good + bad)], CodeTestsConfig())
    assert found is not None
    weights, trusted = found
    assert set(trusted) == planted.good
    assert [matrix.texts[t][c] for t, c in enumerate(weights.consensus)] == planted.right


def test_tests_of_another_problem_are_overruled_as_seldom_as_the_odds_say() -> None:
    overruling = asked = 0
    for seed in range(400):
        rng = Random(seed)
        tests, programs, answers = rng.randint(5, 30), rng.randint(3, 9), rng.choice([2, 10, 10_000])
        right, other = ([str(rng.randrange(answers)) for _ in range(tests)] for _ in range(2))
        if sum(a == b for a, b in zip(right, other, strict=True)) <= 0.6 * tests:
            asked += 1
            overruling += overruled([right] * programs, other) is not None
    assert overruling <= 0.01 * asked


NUMBERS = [str(k * k + 100) for k in range(10)]
BROKEN = [*NUMBERS[:4], *(str(int(x) + 7000) for x in NUMBERS[4:])]


@pytest.mark.parametrize(("programs", "trusted"), [(3, None), (5, [0, 1, 2, 3, 4])])
def test_one_mistake_of_three_is_likelier_than_one_of_five(programs: int, trusted: list[int] | None) -> None:
    assert overruled([NUMBERS] * programs, BROKEN) == trusted


def test_a_program_that_prints_what_is_expected_speaks_for_it() -> None:
    assert overruled([*[NUMBERS] * 8, BROKEN], BROKEN) is None
    assert overruled([*[NUMBERS] * 8, [*NUMBERS[:9], "0"]], BROKEN) == list(range(8))


def test_one_value_that_every_program_prints_where_it_is_contradicted_is_a_mistake() -> None:
    zeros = [*NUMBERS[:4], *["0"] * 6]
    assert overruled([zeros] * 5, NUMBERS) is None
    mixed = [*NUMBERS[:3], "0", "0", *NUMBERS[5:]]
    assert overruled([mixed] * 5, [*mixed[:4], *(f"{x}7" for x in mixed[4:])]) == [0, 1, 2, 3, 4]


def test_agreement_on_yes_and_no_says_nothing() -> None:
    words = ["'YES'" if k % 3 else "'NO'" for k in range(10)]
    flipped = [*words[:4], *("'NO'" if word == "'YES'" else "'YES'" for word in words[4:])]
    assert overruled([words] * 6, flipped) is None


def test_only_what_every_trusted_program_denies_is_contradicted() -> None:
    matrix, _ = read([NUMBERS, [*NUMBERS[:9], BROKEN[9]]], BROKEN)
    assert count_contradicted(matrix, [0]) == 6
    assert count_contradicted(matrix, [0, 1]) == 5
    assert count_contradicted(matrix, []) == 0
