"""A small random model, groups for it, and the slow, obvious way to the same loss."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from schemas.config import TrainConfig
from trainer.group import Group
from trainer.objective import build_objective
from trainer.policy import Policy
from trainer.rollout import Rollout
from trainer.step import accumulate, share_out, sum_tokens

WORDS = 97


def save_tiny(folder: Path, *, tied: bool = True, seed: int = 0) -> str:
    """A Llama of 3 layers with grouped queries and weights far enough from zero for its words to differ."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        initializer_range=0.15,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def draw_groups(seed: int, sizes: Sequence[int] = (4, 1, 3), prompt: int = 12, completion: int = 15) -> list[Group]:
    """Groups of these sizes; completions of one token and prompts of one token are among them."""
    draw = random.Random(seed)

    def tokens(most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(WORDS) for _ in range(draw.choice((1, draw.randint(1, most), most))))

    def rollout() -> Rollout:
        some = tokens(completion)
        return Rollout(some, tuple(draw.gauss(-5, 1) for _ in some), "", draw.choice(("stop", "length")), (0, 0))

    return [
        Group(
            str(number),
            tokens(prompt),
            tuple(rollout() for _ in range(size)),
            tuple(draw.choice((0.0, 0.1, 0.95, 1.0)) for _ in range(size)),
            (True,) * size,
            completion,
        )
        for number, size in enumerate(sizes)
    ]


def sampled_nearby(groups: Sequence[Group], policy: Policy, noise: float, seed: int = 0) -> list[Group]:
    """The same groups with log-probabilities that a slightly different policy might have sampled them at."""
    from trainer.step import find_anchors

    given = iter(find_anchors(policy, groups, TrainConfig()).tolist())
    draw = random.Random(seed)

    def moved(rollout: Rollout) -> Rollout:
        near = tuple(next(given) + draw.gauss(0, noise) for _ in rollout.tokens)
        return replace(rollout, logprobs=near)

    return [replace(group, rollouts=tuple(moved(one) for one in group.rollouts)) for group in groups]


def find_gradients(
    policy: Policy, groups: Sequence[Group], config: TrainConfig, anchors: Any = None
) -> tuple[list[float], dict[str, Any]]:
    """(loss, entropy and measures; gradient of every weight) as a step has them before clipping."""
    objective = build_objective(config, sum_tokens(groups))
    sums = sum(accumulate(policy, batch, objective, anchors) for batch in share_out(groups, config).batches)
    found = {name: master.grad for name, master in policy.masters.items()}
    for master in policy.masters.values():
        master.grad = None
    return sums.tolist(), found


def reference(
    folder: str, groups: Sequence[Group], config: TrainConfig, anchors: Sequence[float] | None = None
) -> tuple[list[float], dict[str, Any]]:
    """The same in float64, a sequence at a time and a token at a time, by the formulas of the papers."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    gains = [[r - sum(g.rewards) / len(g.rewards) for r in g.rewards] for g in groups]
    flat = [one for some in gains for one in some]
    mean = sum(flat) / len(flat)
    spread = math.sqrt(sum((one - mean) ** 2 for one in flat) / len(flat)) + 1e-6
    if config.objective == "dr_grpo":
        mean, spread = 0.0, 1.0

    def learns(rollout: Rollout) -> bool:
        return not (config.mask_overlong and rollout.finish_reason == "length")

    total = sum(len(one.tokens) for g in groups for one in g.rollouts)
    learned = sum(len(one.tokens) for g in groups for one in g.rollouts if learns(one))
    loss, entropy, above, below, capped, k3, gap = torch.zeros((), dtype=torch.float64), 0.0, 0, 0, 0, 0.0, 0.0
    place = 0
    for group, some in zip(groups, gains, strict=True):
        for rollout, gain in zip(group.rollouts, some, strict=True):
            advantage = (gain - mean) / spread
            length = len(rollout.tokens)
            logits = model(torch.tensor([group.prompt + rollout.tokens])).logits[0].log_softmax(-1)
            rows = logits[len(group.prompt) - 1 :][:length]
            now = torch.stack([row[token] for row, token in zip(rows, rollout.tokens, strict=True)])
            sampled = torch.tensor(rollout.logprobs, dtype=torch.float64)
            trainer = now.detach() if anchors is None else torch.tensor(anchors[place : place + length]).double()
            place += length
            old = sampled if config.importance == "none" else trainer
            ratios = (now - old).exp()
            if config.objective == "gspo":
                ratios = (now - old).mean().exp().expand(length)
            corrections = (trainer - sampled).exp()
            if config.importance.startswith("sequence"):
                corrections = (trainer - sampled).sum().exp().expand(length)
            for i in range(length):
                ratio, correction = ratios[i], float(corrections[i])
                capped += config.importance != "none" and correction > config.importance_cap
                if config.importance == "none":
                    correction = 1.0
                elif config.importance.endswith("truncate"):
                    correction = min(correction, config.importance_cap)
                elif correction > config.importance_cap:
                    correction = 0.0
                clipped = ratio.clamp(1 - config.eps_low, 1 + config.eps_high)
                cost = -torch.minimum(ratio * advantage, clipped * advantage)
                if config.objective == "cispo":
                    cost = -min(float(ratio.detach()), 1 + config.eps_high) * advantage * now[i]
                divisor = {
                    "magistral": len(groups) * sum(len(one.tokens) for one in group.rollouts if learns(one)),
                    "dapo": learned,
                    "cispo": learned,
                    "grpo": len(flat) * length,
                    "gspo": len(flat) * length,
                    "dr_grpo": len(flat) * group.max_tokens,
                }[config.objective]
                if learns(rollout):
                    loss = loss + correction * cost / divisor
                entropy -= float((rows[i] * rows[i].exp()).sum().detach()) / total
                above += float(ratio.detach()) > 1 + config.eps_high and advantage > 1e-6
                below += float(ratio.detach()) < 1 - config.eps_low and advantage < -1e-6
                apart = float(now[i].detach()) - rollout.logprobs[i]
                k3 += (math.exp(apart) - 1 - apart) / total
                gap += abs(apart) / total
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    return [float(loss.detach()), entropy, above / total, below / total, capped / total, k3, gap], gradients


def worst_difference(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The largest relative distance between two gradients of one weight."""
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name].double() - theirs[name].double()).norm() / theirs[name].double().norm().clamp(min=1e-12))
        for name in theirs
    )
