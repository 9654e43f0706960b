"""Wrong tests are told from wrong solutions, without a label on either."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code_tests.matrix import Outcome
from schemas.config import CodeTestsConfig
from tests.pipeline.code_tests.planted import judge, plant

SEEDS = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, good=st.integers(4, 8), bad=st.integers(0, 4), tests=st.integers(10, 30))
def test_no_test_ends_with_a_wrong_expected_output(seed: int, good: int, bad: int, tests: int) -> None:
    planted = plant(Random(seed), tests, good, bad, corrupt=tests // 10, answers=6)
    _, _, rulings = judge(planted.outcomes, list(planted.expected))
    stay = [(right, ruling) for right, ruling in zip(planted.right, rulings, strict=True) if ruling.action != "drop"]
    assert len(stay) >= tests - tests // 10
    assert [ruling for right, ruling in stay if ruling.expected != right] == []


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, good=st.integers(4, 8), bad=st.integers(0, 4), tests=st.integers(10, 30))
def test_sound_tests_stay_as_they_are(seed: int, good: int, bad: int, tests: int) -> None:
    planted = plant(Random(seed), tests, good, bad, corrupt=tests // 10, answers=6)
    _, _, rulings = judge(planted.outcomes, list(planted.expected))
    assert all(r.action == "keep" for t, r in enumerate(rulings) if t not in planted.corrupted)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, good=st.integers(4, 8), bad=st.integers(0, 4), tests=st.integers(10, 30))
def test_right_solutions_are_trusted_and_grossly_wrong_ones_are_not(seed: int, good: int, bad: int, tests: int) -> None:
    planted = plant(Random(seed), tests, good, bad, corrupt=tests // 10, answers=6)
    _, trusted, _ = judge(planted.outcomes, list(planted.expected))
    assert set(trusted) == planted.good


def test_the_aims_are_met_where_wrong_solutions_may_share_a_wrong_expected_output() -> None:
    found: Counter[str] = Counter()
    for seed in range(400):
        rng = Random(seed)
        tests, good, bad = rng.randint(10, 30), rng.randint(3, 8), rng.randint(0, 6)
        planted = plant(rng, tests, good, bad, corrupt=tests // 10, answers=6, coincide=True)
        _, _, rulings = judge(planted.outcomes, list(planted.expected))
        for t, ruling in enumerate(rulings):
            if t in planted.corrupted:
                found["repaired"] += ruling.action == "drop" or ruling.expected == planted.right[t]
            else:
                found["untouched"] += ruling.action == "keep"
        found["corrupted"] += len(planted.corrupted)
        found["sound"] += tests - len(planted.corrupted)
    assert found["repaired"] >= 0.98 * found["corrupted"] > 0
    assert found["untouched"] >= 0.99 * found["sound"]


def test_three_right_solutions_outweigh_five_copies_of_one_mistake() -> None:
    right = [Outcome("passed", str(t)) for t in range(20)]
    mistaken = [Outcome("passed", str(t if t % 5 else t + 1)) for t in range(20)]
    expected: list[str | None] = [str(t) for t in range(20)]
    expected[7] = "1000"
    _, trusted, rulings = judge([right] * 3 + [mistaken] * 5, expected)
    assert trusted == [0, 1, 2]
    assert [r.expected for r in rulings] == [str(t) for t in range(20)]
    assert [t for t, r in enumerate(rulings) if r.action == "repair"] == [7]


def test_a_given_output_that_a_good_solution_confirms_is_never_overwritten() -> None:
    one = [Outcome("passed", str(t)) for t in range(10)]
    other = [*one[:9], Outcome("passed", "x")]
    _, _, rulings = judge([one, one, other, other, other], [*(str(t) for t in range(10))])
    assert rulings[9].action != "repair"


def test_too_slow_is_no_disagreement() -> None:
    right = [Outcome("passed", str(t)) for t in range(8)]
    slow = [*right[:4], *[Outcome("time")] * 4]
    _, trusted, rulings = judge([right, right, right, slow], [str(t) for t in range(8)])
    assert trusted == [0, 1, 2, 3]
    assert all(r.action == "keep" for r in rulings)


def test_trouble_of_ours_changes_no_test() -> None:
    broken = [Outcome("infra")] * 6
    right = [*[Outcome("infra")] * 3, *[Outcome("passed", "1")] * 3]
    _, _, rulings = judge([right, right, right, broken], ["1"] * 6)
    assert [r.action for r in rulings] == ["keep"] * 6


def test_an_input_on_which_trusted_programs_crash_is_dropped() -> None:
    right = [Outcome("passed", str(t)) for t in range(8)]
    crash = [*right[:7], Outcome("runtime")]
    _, _, rulings = judge([crash, crash, crash, crash], [str(t) for t in range(8)])
    assert [r.action for r in rulings] == ["keep"] * 7 + ["drop"]


@given(seed=SEEDS, good=st.integers(1, 2))
@settings(max_examples=50, deadline=None)
def test_with_fewer_solutions_than_it_takes_nothing_is_ever_repaired(seed: int, good: int) -> None:
    planted = plant(Random(seed), 12, good, 2 - good, corrupt=2, answers=6)
    _, _, rulings = judge(planted.outcomes, list(planted.expected))
    assert {ruling.action for ruling in rulings} <= {"keep", "drop"}
    kept = [(ruling, given) for ruling, given in zip(rulings, planted.expected, strict=True) if ruling.action == "keep"]
    assert [ruling for ruling, given in kept if ruling.expected != given] == []


def test_the_share_asked_for_is_obeyed() -> None:
    rows = [[Outcome("passed", str(t)) for t in range(30)] for _ in range(4)]
    rows[3][29] = Outcome("passed", "7")
    expected: list[str | None] = [*(str(t) for t in range(29)), "99"]
    assert judge(rows, expected, CodeTestsConfig(min_share=0.6))[2][29].action == "repair"
    assert judge(rows, expected, CodeTestsConfig(min_share=0.99))[2][29].action == "drop"
