"""A stage ends when nothing rises any more, and not before."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.config import TrainStage
from trainer.plateau import SIGNAL_WINDOW, find_plateau, has_levelled, has_lost_signal

STAGE = TrainStage(name="one", patience=50)
noise = st.lists(st.floats(-1, 1), min_size=10, max_size=80)


@given(noise, st.integers(10, 90))
def test_it_is_too_early_to_say_before_the_window_is_full(values: list[float], window: int) -> None:
    assume(len(values) < window)
    assert not has_levelled(values, window)


@given(noise, st.floats(0.1, 5), st.floats(-5, 5))
def test_scale_and_height_do_not_matter(values: list[float], scale: float, height: float) -> None:
    rounded = [round(value, 3) for value in values]
    assume(len(set(rounded)) > 2)
    assert has_levelled(rounded, 10) == has_levelled([scale * 8 * value for value in rounded], 10)
    del height


@given(st.floats(-3, 3), st.integers(10, 60))
def test_what_stands_still_or_falls_has_levelled_and_a_clean_rise_has_not(height: float, window: int) -> None:
    assert has_levelled([height] * window, window)
    assert has_levelled([height - at for at in range(window)], window)
    assert not has_levelled([height + at for at in range(window)], window)


def test_noise_has_levelled_five_times_in_six_and_a_rise_of_its_size_hardly_ever() -> None:
    draw = random.Random(0)

    def share(rise: float) -> float:
        runs = [[rise * at / 50 + draw.gauss(0, 0.1) for at in range(50)] for _ in range(500)]
        return sum(has_levelled(run, 50) for run in runs) / len(runs)

    assert share(0.0) == pytest.approx(0.84, abs=0.05)
    assert share(0.2) < 0.02


def test_few_groups_with_signal_end_a_stage_once_the_window_is_full() -> None:
    assert not has_lost_signal([[0, 10]] * (SIGNAL_WINDOW - 1), 0.3)
    assert has_lost_signal([[2, 10]] * SIGNAL_WINDOW, 0.3)
    assert not has_lost_signal([[3, 10]] * SIGNAL_WINDOW, 0.3)
    assert not has_lost_signal([[0, 10]] * SIGNAL_WINDOW, 0)
    assert has_lost_signal([*[[9, 10]] * 5, *[[0, 10]] * SIGNAL_WINDOW], 0.3), "only the last batches count"


def test_length_ends_a_stage_only_where_the_next_allows_more() -> None:
    rows = [{"reward": float(at), "length": 100.0} for at in range(60)]
    assert find_plateau(STAGE, False, rows) is None
    assert find_plateau(STAGE, True, rows) == "length"
    assert find_plateau(STAGE, True, [{**row, "reward": 1.0} for row in rows]) == "reward"
    assert find_plateau(STAGE, True, rows[:49]) is None


def test_steps_on_which_nothing_was_sampled_say_nothing() -> None:
    rows = [{"reward": 1.0, "length": 100.0} if at % 2 else {} for at in range(90)]
    assert find_plateau(STAGE, True, rows) is None
    assert find_plateau(STAGE, True, [*rows, *rows]) == "reward"
