"""Loss and every gradient are TRL's (1.16, `GRPOTrainer._compute_loss`) where both define the same thing.

That is all but the normalisation over the minibatch: TRL is handed the advantages. The batches are off-policy, with
clipping on both sides. The paper's average over groups, which TRL has not, is that of TRL's `dapo` over each group.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.config import TrainConfig
from tests.trainer.test_policy import with_tokenizer
from tests.trainer.tiny import draw_groups, find_gradients, sampled_nearby, save_tiny, worst_difference
from trainer.group import Group
from trainer.policy import load_policy
from trainer.rollout import Rollout
from trainer.step import find_anchors, find_stakes

pytest.importorskip("trl", reason="TRL is the reference here; it comes with the extra `parity`")

from tests.trainer.trl import is_truncated, make_inputs, make_trainer, set_objective

# TRL imports vLLM: 12 seconds of CPU before its first line.
pytestmark = pytest.mark.slow

CONFIG = TrainConfig(microbatch_tokens=64)
END = 2
"""The token that ends a completion."""
OBJECTIVES = {
    "magistral": {"loss_type": "dapo"},
    "dapo": {"loss_type": "dapo"},
    "grpo": {"loss_type": "grpo"},
    "dr_grpo": {"loss_type": "dr_grpo"},
    "gspo": {"loss_type": "grpo", "importance_sampling_level": "sequence"},
    "cispo": {"loss_type": "cispo"},
}
"""Ours -> what TRL calls it."""


def find_theirs(
    trainer: Any, groups: Sequence[Group], config: TrainConfig, corrections: Any = None
) -> tuple[float, dict[str, Any]]:
    """TRL's loss and gradients over `groups`; `corrections` are importance weights, one a token in their order."""
    set_objective(trainer, config, **OBJECTIVES[config.objective])
    stakes = find_stakes(groups, config)
    parts = [[at] for at in range(len(groups))] if config.objective == "magistral" else [list(range(len(groups)))]
    loss, given = 0.0, iter([] if corrections is None else corrections.tolist())
    for part in parts:
        # TRL counts clips of advantages that are rounding errors.
        rows = [
            ((groups[at].prompt, rollout), gain if abs(gain) > 1e-6 else 0.0)
            for at in part
            for rollout, gain in zip(groups[at].rollouts, stakes.advantages[at], strict=True)
        ]
        masked = [config.mask_overlong and is_truncated(trainer, rollout) for (_, rollout), _ in rows]
        total = sum(len(rollout.tokens) for ((_, rollout), _), out in zip(rows, masked, strict=True) if not out)
        inputs = make_inputs(rows, total, masked)
        if corrections is not None:
            inputs.pop("old_per_token_logps")
            mask = inputs["completion_mask"].bool()
            weights = torch.zeros(mask.shape)
            weights[mask] = torch.tensor([next(given) for _ in range(int(mask.sum()))])
            inputs["importance_sampling_ratio"] = weights
        share = trainer._compute_loss(trainer.model, inputs) / len(parts)
        share.backward()
        loss += share.item()
    gradients = {name: weight.grad for name, weight in trainer.model.named_parameters()}
    for weight in trainer.model.parameters():
        weight.grad = None
    return loss, gradients


def compare(trainer: Any, folder: str, groups: list[Group], config: TrainConfig) -> None:
    policy = load_policy(folder, config, dtype=torch.float32)
    near = sampled_nearby(groups, policy, noise=0.5)
    sums, ours = find_gradients(policy, near, config)
    loss, theirs = find_theirs(trainer, near, config)
    assert sums[0] == pytest.approx(loss, rel=1e-3, abs=1e-6)
    assert worst_difference(ours, theirs) < 1e-3
    assert min(sums[2:4]) > 0, "both clips are met"
    measured = {name: values[-1] for name, values in trainer._metrics["train"].items()}
    if config.objective == "dapo":
        assert measured["clip_ratio/high_mean"] == pytest.approx(sums[2], abs=1e-6)
        assert measured["clip_ratio/low_mean"] == pytest.approx(sums[3], abs=1e-6)
        assert measured["entropy"] == pytest.approx(sums[1], rel=1e-3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    with_tokenizer(folder)
    return make_trainer(folder, str(tmp_path_factory.mktemp("trl"))), folder


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_random_batches(tiny: tuple[Any, str], objective: str, seed: int) -> None:
    sizes = [(4, 4), (1, 2, 5), (6, 4), (3, 2, 4, 1)][seed]
    clip = {"eps_low": 0.03, "eps_high": 0.03} if objective == "gspo" else {}
    config = CONFIG.model_copy(update={"objective": objective, "importance": "none"} | clip)
    compare(*tiny, draw_groups(seed, sizes, prompt=20, completion=30), config)


def end_as_said(group: Group) -> Group:
    """The group, whose completions end with the end token where they stopped, and with another where they were cut."""

    def last(rollout: Rollout) -> int:
        return END if rollout.finish_reason != "length" else rollout.tokens[-1] + (rollout.tokens[-1] == END)

    ended = [replace(one, tokens=(*one.tokens[:-1], last(one))) for one in group.rollouts]
    return replace(group, rollouts=tuple(ended))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_overlong_completions_masked(tiny: tuple[Any, str], objective: str, seed: int) -> None:
    """They weigh nothing, and their rewards count. In the last batch all of a group are cut off."""
    trainer, folder = tiny
    config = CONFIG.model_copy(update={"objective": objective, "importance": "none", "mask_overlong": True})
    groups = draw_groups(seed, [(4, 4), (2, 5, 3), (6, 4)][seed], prompt=20, completion=30)
    if seed == 2:
        cut = tuple(replace(one, finish_reason="length") for one in groups[1].rollouts)
        groups[1] = replace(groups[1], rollouts=cut)
    policy = load_policy(folder, config, dtype=torch.float32)
    near = sampled_nearby([end_as_said(group) for group in groups], policy, noise=0.5)
    trainer.eos_token_ids = [END]
    rollouts = [one for group in near for one in group.rollouts]
    truncated = [is_truncated(trainer, one) for one in rollouts]
    assert truncated == [one.finish_reason == "length" for one in rollouts]
    assert 0 < sum(truncated) < len(truncated)
    sums, ours = find_gradients(policy, near, config)
    loss, theirs = find_theirs(trainer, near, config)
    assert sums[0] == pytest.approx(loss, rel=1e-3, abs=1e-6)
    assert worst_difference(ours, theirs) < 1e-3
    unmasked, _ = find_gradients(policy, near, config.model_copy(update={"mask_overlong": False}))
    assert sums[0] != pytest.approx(unmasked[0], rel=1e-3, abs=1e-6), "the batch shows the mask"


@pytest.mark.parametrize("importance", ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"])
@pytest.mark.parametrize("objective", ["magistral", "grpo", "dr_grpo", "gspo"])
def test_importance_weights(tiny: tuple[Any, str], objective: str, importance: str) -> None:
    """TRL's formula for the weights is in its generation; here it is written out over its mask and padding."""
    trainer, folder = tiny
    config = CONFIG.model_copy(update={"objective": objective, "importance": importance, "importance_cap": 1.4})
    policy = load_policy(folder, config, dtype=torch.float32)
    groups = sampled_nearby(draw_groups(3, (4, 3), prompt=20, completion=30), policy, noise=0.4)
    sampled = torch.tensor([one for group in groups for rollout in group.rollouts for one in rollout.logprobs])
    apart = find_anchors(policy, groups, config) - sampled
    if importance.startswith("sequence"):
        lengths = [len(rollout.tokens) for group in groups for rollout in group.rollouts]
        apart = torch.cat([part.sum().expand(len(part)) for part in apart.split(lengths)])
    weights = apart.exp()
    weights = weights.clamp(max=1.4) if importance.endswith("truncate") else weights.where(weights <= 1.4, 0.0)
    loss, theirs = find_theirs(trainer, groups, config, weights)
    sums, ours = find_gradients(policy, groups, config)
    assert sums[0] == pytest.approx(loss, rel=1e-3, abs=1e-6)
    assert worst_difference(ours, theirs) < 1e-3
    assert 0 < sums[4] < 1, "the cap is met, and not by all"


@pytest.mark.model
def test_the_real_model(tmp_path: Path) -> None:
    from pipeline.inference.embedded import ensure_embedded

    folder = str(ensure_embedded())
    compare(
        make_trainer(folder, str(tmp_path)),
        folder,
        draw_groups(1, (3, 2), prompt=24),
        TrainConfig(microbatch_tokens=128, objective="dapo", importance="none"),
    )
