"""One minibatch is one optimiser step, however it is cut up, and as the paper says."""

import dataclasses
import math
from itertools import pairwise
from typing import get_args

import pytest
import torch

from schemas.config import TrainConfig
from tests.trainer.tiny import draw_groups, find_gradients, reference, sampled_nearby, save_tiny, worst_difference
from trainer.policy import Policy, load_policy
from trainer.step import DivergedError, build_optimiser, find_anchors, find_rate, train_batch, train_step

CONFIG = TrainConfig(microbatch_tokens=64, learning_rate=0.01, warmup=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def policy(folder: str) -> Policy:
    return load_policy(folder, CONFIG, dtype=torch.float32)


OBJECTIVES = get_args(TrainConfig.model_fields["objective"].annotation)
IMPORTANCE = get_args(TrainConfig.model_fields["importance"].annotation)


@pytest.mark.parametrize("seed", [0, 1, 3])
@pytest.mark.parametrize("mask_overlong", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_gradients_and_measures_are_those_of_the_slow_reference(
    folder: str, policy: Policy, seed: int, objective: str, mask_overlong: bool
) -> None:
    groups = sampled_nearby(draw_groups(seed, [4, 1, 3, 2]), policy, noise=0.5, seed=seed)
    clip = {"eps_low": 0.01, "eps_high": 0.01} if objective == "gspo" else {}
    update = {"objective": objective, "importance": "none", "mask_overlong": mask_overlong} | clip
    config = CONFIG.model_copy(update=update)
    sums, gradients = find_gradients(policy, groups, config)
    expected, exact = reference(folder, groups, config)
    assert sums == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert worst_difference(gradients, exact) < 1e-3
    assert min(sums[2:4]) > 0, "both clips are met"


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("importance", IMPORTANCE)
@pytest.mark.parametrize("objective", ["magistral", "gspo"])
def test_importance_weights_are_those_of_the_slow_reference(
    folder: str, policy: Policy, objective: str, importance: str, anchored: bool
) -> None:
    drawn = draw_groups(1)
    groups, before = (sampled_nearby(drawn, policy, noise, seed) for noise, seed in ((0.5, 11), (0.3, 12)))
    anchors = [one for group in before for rollout in group.rollouts for one in rollout.logprobs] if anchored else None
    config = CONFIG.model_copy(update={"objective": objective, "importance": importance, "importance_cap": 1.5})
    sums, gradients = find_gradients(policy, groups, config, torch.tensor(anchors) if anchored else None)
    expected, exact = reference(folder, groups, config, anchors)
    assert sums == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert worst_difference(gradients, exact) < 1e-3
    assert (sums[4] > 0) is (importance != "none"), "the cap is met"


@pytest.mark.parametrize("microbatch_tokens", [64, 100, 300, 4096])
def test_micro_batches_add_up_to_one_big_batch(policy: Policy, microbatch_tokens: int) -> None:
    groups = draw_groups(1, [6, 3, 5, 1, 4])
    whole, gradients = find_gradients(policy, groups, CONFIG.model_copy(update={"microbatch_tokens": 10**6}))
    config = CONFIG.model_copy(update={"microbatch_tokens": microbatch_tokens})
    sums, parts = find_gradients(policy, groups, config)
    assert sums == pytest.approx(whole, rel=1e-5, abs=1e-7)
    assert worst_difference(parts, gradients) < 1e-4


def test_the_learning_rate_rises_and_stays() -> None:
    rates = [find_rate(CONFIG, step) for step in range(6)]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])
    assert find_rate(CONFIG.model_copy(update={"warmup": 0}), 0) == 0.01


def test_a_step_is_adamw_on_the_clipped_gradient(folder: str, policy: Policy) -> None:
    groups = draw_groups(2)
    config = CONFIG.model_copy(update={"clip_norm": 0.05})
    _, gradients = reference(folder, groups, config)
    norm = math.sqrt(sum(float(one.square().sum()) for one in gradients.values()))
    before = {name: weight.clone() for name, weight in policy.state().items()}
    stats = train_step(policy, build_optimiser(policy, config), groups, config, 0)
    assert stats.grad_norm == pytest.approx(norm, rel=1e-3)
    assert stats.learning_rate == find_rate(config, 0)
    for name, weight in policy.state().items():
        clipped = gradients[name] * config.clip_norm / norm
        # Adam's first step: the moments, corrected for their start, are the gradient and its square.
        expected = before[name] - stats.learning_rate * clipped / (clipped.abs() + 1e-8)
        large = clipped.abs() > 1e-6
        torch.testing.assert_close(weight[large], expected[large].float(), atol=1e-5, rtol=1e-3)


def test_a_gradient_that_is_not_finite_leaves_the_weights_alone(policy: Policy) -> None:
    groups = draw_groups(3)
    broken = dataclasses.replace(groups[0].rollouts[0], logprobs=(math.nan,) * len(groups[0].rollouts[0].tokens))
    groups[0] = dataclasses.replace(groups[0], rollouts=(broken, *groups[0].rollouts[1:]))
    before = {name: weight.clone() for name, weight in policy.state().items()}
    with pytest.raises(DivergedError, match="step 7"):
        train_step(policy, build_optimiser(policy, CONFIG), groups, CONFIG, 7)
    assert all(torch.equal(weight, before[name]) for name, weight in policy.state().items())


def test_a_batch_is_as_many_steps_as_minibatches(policy: Policy) -> None:
    config = CONFIG.model_copy(update={"minibatches": 2})
    found = train_batch(policy, build_optimiser(policy, config), draw_groups(4, [3, 4, 2, 5]), config, step=2)
    assert [stats.sequences for stats in found] == [5, 9]
    assert [stats.learning_rate for stats in found] == [find_rate(config, 2), find_rate(config, 3)]


def test_later_minibatches_are_clipped_against_the_weights_of_before_the_first(policy: Policy) -> None:
    groups = sampled_nearby(draw_groups(5, [4, 4]), policy, noise=0.0)
    config = CONFIG.model_copy(update={"minibatches": 2, "learning_rate": 0.05})
    first, second = train_batch(policy, build_optimiser(policy, config), groups, config, step=9)
    assert first.clipped_above + first.clipped_below == 0
    assert second.clipped_above + second.clipped_below > 0


def test_more_rewarded_completions_become_likelier(policy: Policy) -> None:
    (group,) = draw_groups(6, [4])
    group = dataclasses.replace(group, rewards=(1.0, 0.0, 0.0, 1.0))
    optimiser = build_optimiser(policy, CONFIG)
    ends = [0, *torch.tensor([len(one.tokens) for one in group.rollouts]).cumsum(0).tolist()]

    def likely() -> list[float]:
        found = find_anchors(policy, [group], CONFIG)
        return [float(found[a:b].mean()) for a, b in pairwise(ends)]

    before = likely()
    (group,) = sampled_nearby([group], policy, noise=0.0)
    stats = train_step(policy, optimiser, [group], CONFIG, 0)
    assert stats.gap < 1e-4
    assert stats.k3 < 1e-6
    assert [now > old for now, old in zip(likely(), before, strict=True)] == [True, False, False, True]


def test_figures_count_tokens_once_forwarded(policy: Policy) -> None:
    groups = draw_groups(7, [4, 2])
    config = CONFIG.model_copy(update={"microbatch_tokens": 999})
    stats = train_step(policy, build_optimiser(policy, config), groups, config, 0)
    completions = [one for group in groups for one in group.rollouts]
    assert stats.tokens == sum(len(one.tokens) for one in completions)
    assert stats.forwarded == stats.tokens - len(completions) + sum(len(group.prompt) for group in groups)
    assert stats.micro_batches == 1
    assert stats.sequences == 6
    assert 0 < stats.entropy < math.log(97)
