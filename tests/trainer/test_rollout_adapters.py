"""Adapters pushed alone into a real engine: what it samples then is what the trainer's policy computes."""

import asyncio
import math

import pytest
import torch

from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.prompts import Prompt
from schemas.config import LoraTraining, ModelConfig, TrainConfig
from trainer.group import Group
from trainer.policy import Policy, load_policy
from trainer.rollout import Sampled
from trainer.rollout_engine import RolloutEngine
from trainer.step import find_anchors

pytestmark = pytest.mark.model
GUARD = 900
CLOSE = 1e-3
LORA = LoraTraining(rank=5, alpha=10)
CONFIG = TrainConfig(lora=LORA, microbatch_tokens=512)
PROMPT = Prompt(None, "The longest river is", "0" * 16)


def load_learner() -> Policy:
    return load_policy(str(ensure_embedded()), CONFIG, dtype=torch.float32)


def draw_other(policy: Policy, seed: int) -> None:
    """Other adapters, far enough from none for every token to differ."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, master in policy.masters.items():
            if ".lora_B." in name:
                master.copy_(0.03 * torch.randn(master.shape, generator=generator))
    policy.publish()


def find_gaps(policy: Policy, sampled: Sampled) -> torch.Tensor:
    """|log-probability by the engine - by the policy|, token for token."""
    rollouts = sampled.rollouts
    many = len(rollouts)
    group = Group("a", sampled.prompt, rollouts, (0.0,) * many, (True,) * many, 64)
    theirs = torch.tensor([one for rollout in rollouts for one in rollout.logprobs])
    return (find_anchors(policy, [group], CONFIG) - theirs).abs()


def test_the_engine_samples_by_the_adapters_that_were_pushed_last() -> None:
    policy = load_learner()
    threads = torch.get_num_threads()

    async def run() -> None:
        model = ModelConfig(dtype="float32", max_model_len=512, max_num_seqs=8)
        async with RolloutEngine(model, ensure_embedded(), lora=LORA) as engine:
            await engine.push(policy.export_adapters(), 0)
            first = await engine.sample(PROMPT, n=2, max_tokens=12)
            assert find_gaps(policy, first).mean() < CLOSE
            draw_other(policy, 1)
            # Adapters that learned nothing yet say something else.
            assert find_gaps(policy, first).mean() > 10 * CLOSE
            await engine.push(policy.export_adapters(), 1)
            second = await engine.sample(PROMPT, n=2, max_tokens=12)
            assert {rollout.versions for rollout in second.rollouts} == {(1, 1)}
            assert find_gaps(policy, second).mean() < CLOSE
            # What is in flight goes on under the adapters that come, with its tokens.
            begun = engine.stats.busy
            long = asyncio.create_task(engine.sample(PROMPT, n=2, max_tokens=400))
            while engine.stats.busy == begun:
                await asyncio.sleep(0.05)
            draw_other(policy, 2)
            await engine.push(policy.export_adapters(), 2)
            spanning = [rollout for rollout in (await long).rollouts if rollout.versions == (1, 2)]
            assert spanning
            assert all(len(rollout.tokens) == len(rollout.logprobs) for rollout in spanning)
            third = await engine.sample(PROMPT, n=2, max_tokens=12)
            assert find_gaps(policy, third).mean() < CLOSE
            assert all(math.isfinite(one) for rollout in third.rollouts for one in rollout.logprobs)

    torch.set_num_threads(1)
    try:
        asyncio.run(asyncio.wait_for(run(), GUARD))
    finally:
        torch.set_num_threads(threads)
