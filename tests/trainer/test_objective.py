"""The objective, token by token, against plain arithmetic."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.objective import MEASURES, Objective, find_advantages, normalise

rewards = st.lists(st.sampled_from((0.0, 0.1, 0.9, 0.95, 1.0, 1.1)), min_size=1, max_size=16)
logprob = st.floats(-12, -0.01)


@given(rewards)
def test_advantages_of_a_group_add_up_to_nothing_and_keep_its_order(given_: list[float]) -> None:
    found = find_advantages(given_)
    assert sum(found) == pytest.approx(0, abs=1e-9)
    assert [b - a for a, b in pairwise(found)] == pytest.approx([b - a for a, b in pairwise(given_)])


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40).filter(lambda some: max(some) - min(some) > 0.1))
def test_normalised_advantages_have_mean_0_and_deviation_1(some: list[float]) -> None:
    found = normalise(some)
    assert sum(found) / len(found) == pytest.approx(0, abs=1e-6)
    assert math.sqrt(sum(one * one for one in found) / len(found)) == pytest.approx(1, abs=1e-3)


def test_normalising_is_over_the_minibatch_and_not_over_each_group() -> None:
    easy, hard = find_advantages([1.0, 1.0, 0.0, 0.0]), find_advantages([0.1, 0.0, 0.1, 0.0])
    found = normalise([*easy, *hard])
    assert found[0] / found[4] == pytest.approx(10)


@pytest.mark.parametrize("reward", [0.0, 0.1, 0.95, 1 / 3])
def test_equal_rewards_teach_nothing_whatever_their_rounding(reward: float) -> None:
    found = normalise([one for _ in range(3) for one in find_advantages([reward] * 7)])
    assert max(abs(one) for one in found) < 1e-6


@given(logprob, logprob, st.floats(-3, 3))
def test_a_token_costs_what_the_paper_says(now: float, old: float, advantage: float) -> None:
    objective = Objective(eps_low=0.2, eps_high=0.28, total=7)
    (found,) = objective(*(torch.tensor([one], dtype=torch.float64) for one in (now, old, advantage)))
    ratio = math.exp(now - old)
    expected = -min(ratio * advantage, min(max(ratio, 0.8), 1.28) * advantage) / 7
    assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "advantage", "learns"),
    [(1.27, 1, True), (1.29, 1, False), (1.29, -1, True), (0.81, -1, True), (0.79, -1, False), (0.79, 1, True)],
)
def test_a_token_stops_learning_beyond_its_clip_and_only_there(ratio: float, advantage: float, learns: bool) -> None:
    now = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
    objective = Objective(eps_low=0.2, eps_high=0.28, total=1)
    old, gain = torch.zeros(1, dtype=torch.float64), torch.tensor([float(advantage)], dtype=torch.float64)
    objective(now, old, gain).sum().backward()
    assert now.grad is not None
    assert bool(now.grad != 0) is learns
    measured = dict(zip(MEASURES, objective.measure(now, old, gain).tolist(), strict=True))
    assert measured["clipped_above"] + measured["clipped_below"] == (0 if learns else 1)


@given(logprob, logprob, logprob, st.floats(-3, 3), st.floats(1, 4))
def test_importance_weights_are_truncated_and_the_clip_is_around_the_trainer(
    now: float, sampled: float, anchor: float, advantage: float, cap: float
) -> None:
    objective = Objective(eps_low=0.2, eps_high=0.28, total=3, importance_cap=cap)
    (found,) = objective(*(torch.tensor([one], dtype=torch.float64) for one in (now, sampled, advantage, anchor)))
    ratio = math.exp(now - anchor)
    expected = -min(ratio * advantage, min(max(ratio, 0.8), 1.28) * advantage) / 3
    assert float(found) == pytest.approx(min(math.exp(anchor - sampled), cap) * expected)


def test_without_anchors_importance_weights_have_no_gradient() -> None:
    now = torch.tensor([-1.0, -2.0], requires_grad=True)
    sampled, gain = torch.tensor([-1.5, -1.5]), torch.tensor([1.0, 1.0])
    Objective(0.2, 0.28, total=1, importance_cap=1.2)(now, sampled, gain).sum().backward()
    assert now.grad is not None
    assert now.grad.tolist() == pytest.approx([-1.2, -math.exp(-0.5)])


@given(st.lists(st.tuples(logprob, logprob), min_size=1, max_size=8))
def test_k3_is_never_negative_and_the_gap_is_a_mean_distance(pairs: list[tuple[float, float]]) -> None:
    now, sampled = (torch.tensor(some, dtype=torch.float64) for some in zip(*pairs, strict=True))
    found = Objective(0.2, 0.28, total=len(pairs)).measure(now, sampled, torch.ones(len(pairs)))
    measured = dict(zip(MEASURES, found.tolist(), strict=True))
    assert measured["k3"] >= -1e-12
    assert measured["gap"] == pytest.approx(sum(abs(a - b) for a, b in pairs) / len(pairs))
