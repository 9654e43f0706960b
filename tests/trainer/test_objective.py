"""The objective, token by token, against plain arithmetic."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainer.objective import FORMS, MEASURES, Objective, Tokens, find_advantages, normalise, weigh_tokens

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


def tokens(sampled: Tensor, advantages: Tensor, anchors: Tensor | None = None, weight: float = 1.0) -> Tokens:
    """Of one sequence."""
    weights, sequences = torch.full_like(sampled, weight), torch.zeros(len(sampled), dtype=torch.int64)
    return Tokens(sampled, advantages, weights, sequences, anchors)


def number(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


PAPER = Objective(FORMS["magistral"], eps_low=0.2, eps_high=0.28, total=1)


@given(logprob, logprob, st.floats(-3, 3), st.floats(0, 1))
def test_a_token_costs_what_the_paper_says(now: float, old: float, advantage: float, weight: float) -> None:
    (found,) = PAPER(number(now), tokens(number(old), number(advantage), weight=weight))
    ratio = math.exp(now - old)
    expected = -min(ratio * advantage, min(max(ratio, 0.8), 1.28) * advantage) * weight
    assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "advantage", "learns"),
    [(1.27, 1, True), (1.29, 1, False), (1.29, -1, True), (0.81, -1, True), (0.79, -1, False), (0.79, 1, True)],
)
def test_a_token_stops_learning_beyond_its_clip_and_only_there(ratio: float, advantage: float, learns: bool) -> None:
    now = number(math.log(ratio)).requires_grad_()
    given_ = tokens(number(0.0), number(advantage))
    PAPER(now, given_).sum().backward()
    assert now.grad is not None
    assert bool(now.grad != 0) is learns
    measured = dict(zip(MEASURES, PAPER.measure(now, given_).tolist(), strict=True))
    assert measured["clipped_above"] + measured["clipped_below"] == (0 if learns else 1)


@given(logprob, logprob, logprob, st.floats(-3, 3), st.floats(1, 4), st.booleans())
def test_importance_weights_are_cut_and_the_clip_is_around_the_trainer(
    now: float, sampled: float, anchor: float, advantage: float, cap: float, masks: bool
) -> None:
    objective = replace(PAPER, importance="token_mask" if masks else "token_truncate", importance_cap=cap)
    (found,) = objective(number(now), tokens(number(sampled), number(advantage), number(anchor)))
    ratio, weight = math.exp(now - anchor), math.exp(anchor - sampled)
    if weight > cap:
        weight = 0.0 if masks else cap
    expected = -min(ratio * advantage, min(max(ratio, 0.8), 1.28) * advantage)
    assert float(found) == pytest.approx(weight * expected)


def test_without_anchors_importance_weights_have_no_gradient() -> None:
    now = torch.tensor([-1.0, -2.0], requires_grad=True)
    objective = replace(PAPER, importance="token_truncate", importance_cap=1.2)
    objective(now, tokens(torch.tensor([-1.5, -1.5]), torch.tensor([1.0, 1.0]))).sum().backward()
    assert now.grad is not None
    assert now.grad.tolist() == pytest.approx([-1.2, -math.exp(-0.5)])


@given(st.lists(st.tuples(logprob, logprob), min_size=1, max_size=6), st.floats(-3, 3))
def test_a_sequence_has_one_ratio_whose_gradient_its_tokens_share(
    pairs: list[tuple[float, float]], gain: float
) -> None:
    now, sampled = (torch.tensor(some, dtype=torch.float64) for some in zip(*pairs, strict=True))
    now.requires_grad_()
    objective = replace(PAPER, form=FORMS["gspo"], eps_low=0.5, eps_high=0.5)
    given_ = objective.prepare(tokens(sampled, torch.full_like(sampled, gain), weight=1 / len(pairs)), now.detach())
    (slope,) = torch.autograd.grad(objective(now, given_).sum(), now)
    mean = now.mean().exp() / sampled.mean().exp()
    cost = -torch.minimum(mean * gain, mean.clamp(0.5, 1.5) * gain)
    assert float(objective(now, given_).sum().detach()) == pytest.approx(float(cost.detach()))
    (expected,) = torch.autograd.grad(cost, now)
    assert slope.tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("ratio", [0.1, 0.9, 1.2, 5.0])
def test_as_a_weight_the_ratio_cuts_off_no_gradient(ratio: float) -> None:
    now = number(math.log(ratio)).requires_grad_()
    replace(PAPER, form=FORMS["cispo"])(now, tokens(number(0.0), number(1.0))).sum().backward()
    assert now.grad is not None
    assert float(now.grad) == pytest.approx(-min(ratio, 1.28))


lengths = st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), min_size=1, max_size=5)


@given(lengths, st.sampled_from(["group", "batch", "sequence", "longest"]))
def test_weights_add_up_to_the_share_of_the_batch_that_is_learned_from(lengths: list[list[int]], average: Any) -> None:
    weights = weigh_tokens(lengths, average, longest=50)
    sums = [
        math.fsum(n * weight for n, weight in zip(group, own, strict=True))
        for group, own in zip(lengths, weights, strict=True)
    ]
    flat = [n for group in lengths for n in group]
    expected = {
        "group": sum(1 for group in lengths if any(group)) / len(lengths),
        "batch": float(any(flat)),
        "sequence": sum(1 for n in flat if n) / len(flat),
        "longest": sum(flat) / (50 * len(flat)),
    }
    assert math.fsum(sums) == pytest.approx(expected[average])


@given(lengths)
def test_groups_with_tokens_weigh_the_same_where_groups_are_averaged(lengths: list[list[int]]) -> None:
    weights = weigh_tokens(lengths, "group", longest=50)
    sums = [sum(n * weight for n, weight in zip(*pair, strict=True)) for pair in zip(lengths, weights, strict=True)]
    assert sums == pytest.approx([bool(any(group)) / len(lengths) for group in lengths])


@given(st.lists(st.tuples(logprob, logprob), min_size=1, max_size=8))
def test_k3_is_never_negative_and_the_gap_is_a_mean_distance(pairs: list[tuple[float, float]]) -> None:
    now, sampled = (torch.tensor(some, dtype=torch.float64) for some in zip(*pairs, strict=True))
    found = replace(PAPER, total=len(pairs)).measure(now, tokens(sampled, torch.ones(len(pairs))))
    measured = dict(zip(MEASURES, found.tolist(), strict=True))
    assert measured["k3"] >= -1e-12
    assert measured["gap"] == pytest.approx(sum(abs(a - b) for a, b in pairs) / len(pairs))
