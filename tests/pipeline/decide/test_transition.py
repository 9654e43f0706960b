"""How a better grader does where an earlier one solved so many: learned from a few samples."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decide.posterior import GRID, SPREAD
from pipeline.decide.transition import MOST, Level, find_level, learn_transition


def draw_levels(shift: float, problems: int, asked: float, seed: int) -> dict[Level, Counter[tuple[int, int]]]:
    """Problems of all rates, 16 samples of the earlier grader, and four of the new one for a share of them."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 2, problems)
    levels = draw.binomial(16, 1 / (1 + np.exp(-logits)))
    hits = draw.binomial(4, 1 / (1 + np.exp(-logits - shift)))
    learned: dict[Level, Counter[tuple[int, int]]] = {}
    for level, hit, is_asked in zip(levels.tolist(), hits.tolist(), draw.random(problems) < asked, strict=True):
        learned.setdefault((level, 16), Counter())[(hit, 4) if is_asked else (0, 0)] += 1
    return learned


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_rates_behind_each_level_are_those_of_the_shifted_problems(shift: float) -> None:
    few = learn_transition(draw_levels(shift, 4000, 0.3, 0))
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 2, 200_000)
    levels = draw.binomial(16, 1 / (1 + np.exp(-logits)))
    rates = 1 / (1 + np.exp(-logits - shift))
    for level in range(17):
        mean = float(few[level, 16].weights @ GRID)
        assert mean == pytest.approx(rates[levels == level].mean(), abs=0.1), level


def test_a_level_that_was_not_asked_is_learned_from_the_others() -> None:
    levels = draw_levels(2.0, 2000, 0.5, 0)
    levels[2, 16] = Counter({(0, 0): sum(levels[2, 16].values())})
    assert float(learn_transition(levels)[2, 16].weights @ GRID) == pytest.approx(0.48, abs=0.12)


def test_a_few_problems_that_are_always_solved_do_not_say_that_all_are() -> None:
    """Whatever shift is large enough explains them; what is at one half may still be in the window."""
    levels: dict[Level, Counter[tuple[int, int]]] = {
        (16, 16): Counter({(4, 4): 12, (0, 0): 108}),
        (8, 16): Counter({(0, 0): 20}),
    }
    learned = learn_transition(levels)[8, 16].weights
    assert learned[GRID < 0.78].sum() > 0.3


def test_nothing_is_learned_from_nothing() -> None:
    assert learn_transition({}) == {}
    assert learn_transition({(3, 16): {(0, 0): 9}}) == {(3, 16): SPREAD}


def test_few_samples_of_the_earlier_grader_say_less_than_many() -> None:
    levels = draw_levels(1.0, 2000, 0.5, 0) | {(1, 1): Counter({(0, 0): 1})}
    learned = learn_transition(levels)
    few, many = (float(learned[level].weights @ GRID) for level in ((1, 1), (16, 16)))
    assert few < many - 0.1


@given(st.integers(0, 64).flatmap(lambda known: st.tuples(st.integers(0, known), st.just(known))))
def test_only_none_and_all_are_at_the_ends(counts: Level) -> None:
    correct, known = counts
    level, of = find_level(correct, known)
    assert of == min(known, MOST)
    assert (level == 0) == (correct == 0)
    assert (level == of) == (correct == known)
    assert abs(level * known - correct * of) <= known
