"""Loss and every gradient are TRL's (1.16, `GRPOTrainer._compute_loss`) where both define the same thing.

That is all but the normalisation over the minibatch: TRL is handed the advantages. The batches are off-policy, with
clipping on both sides.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.config import TrainConfig
from tests.trainer.test_policy import with_tokenizer
from tests.trainer.tiny import draw_groups, find_gradients, sampled_nearby, save_tiny, worst_difference
from trainer.group import Group
from trainer.objective import find_advantages, normalise
from trainer.policy import load_policy
from trainer.step import sum_tokens

pytest.importorskip("trl", reason="TRL is the reference here; it comes with the extra `parity`")

from tests.trainer.trl import make_inputs, make_trainer

CONFIG = TrainConfig(microbatch_tokens=64)


def compare(trainer: Any, folder: str, groups: list[Group], config: TrainConfig) -> None:
    policy = load_policy(folder, config, dtype=torch.float32)
    near = sampled_nearby(groups, policy, noise=0.5)
    sums, ours = find_gradients(policy, near, config)
    gains = normalise([one for group in near for one in find_advantages(group.rewards)])
    # TRL counts clips of advantages that are rounding errors.
    gains = tuple(gain if abs(gain) > 1e-6 else 0.0 for gain in gains)
    rows = [(group.prompt, rollout) for group in near for rollout in group.rollouts]
    loss = trainer._compute_loss(trainer.model, make_inputs(list(zip(rows, gains, strict=True)), sum_tokens(near)))
    loss.backward()
    theirs = {name: weight.grad for name, weight in trainer.model.named_parameters()}
    for weight in trainer.model.parameters():
        weight.grad = None
    assert sums[0] == pytest.approx(loss.item(), rel=1e-3, abs=1e-6)
    assert worst_difference(ours, theirs) < 1e-3
    assert min(sums[2:4]) > 0, "both clips are met"
    measured = {name: values[-1] for name, values in trainer._metrics["train"].items()}
    assert measured["clip_ratio/high_mean"] == pytest.approx(sums[2], abs=1e-6)
    assert measured["clip_ratio/low_mean"] == pytest.approx(sums[3], abs=1e-6)
    assert measured["entropy"] == pytest.approx(sums[1], rel=1e-3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    with_tokenizer(folder)
    return make_trainer(folder, str(tmp_path_factory.mktemp("trl"))), folder


@pytest.mark.parametrize("seed", range(12))
def test_random_batches(tiny: tuple[Any, str], seed: int) -> None:
    sizes = [(4, 4), (1, 2, 5), (6, 4), (3, 2, 4, 1)][seed % 4]
    compare(*tiny, draw_groups(seed, sizes, prompt=20, completion=30), CONFIG)


@pytest.mark.model
def test_the_real_model(tmp_path: Path) -> None:
    from pipeline.inference.embedded import ensure_embedded

    folder = str(ensure_embedded())
    compare(
        make_trainer(folder, str(tmp_path)),
        folder,
        draw_groups(1, (3, 2), prompt=24),
        TrainConfig(microbatch_tokens=128),
    )
