"""A small random model, groups for it, and the slow, obvious way to the same loss."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from schemas.config import TrainConfig
from trainer.group import Group
from trainer.objective import Objective
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
        return Rollout(some, tuple(draw.gauss(-5, 1) for _ in some), "", "stop", (0, 0))

    return [
        Group(
            str(number),
            tokens(prompt),
            tuple(rollout() for _ in range(size)),
            tuple(draw.choice((0.0, 0.1, 0.95, 1.0)) for _ in range(size)),
            (True,) * size,
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
        return Rollout(rollout.tokens, near, "", "stop", (0, 0))

    return [
        Group(g.problem_id, g.prompt, tuple(moved(one) for one in g.rollouts), g.rewards, g.correct) for g in groups
    ]


def find_gradients(
    policy: Policy, groups: Sequence[Group], config: TrainConfig, anchors: Any = None
) -> tuple[list[float], dict[str, Any]]:
    """(loss, entropy and measures; gradient of every weight) as a step has them before clipping."""
    objective = Objective(config.eps_low, config.eps_high, sum_tokens(groups), config.importance_cap)
    sums = sum(accumulate(policy, batch, objective, anchors) for batch in share_out(groups, config)[0])
    found = {name: master.grad for name, master in policy.masters.items()}
    for master in policy.masters.values():
        master.grad = None
    return sums.tolist(), found


def reference(
    folder: str, groups: Sequence[Group], config: TrainConfig, anchors: Sequence[float] | None = None
) -> tuple[list[float], dict[str, Any]]:
    """The same in float64, a sequence at a time and a token at a time, by the formulas of the paper."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    gains = [[r - sum(g.rewards) / len(g.rewards) for r in g.rewards] for g in groups]
    flat = [one for some in gains for one in some]
    mean = sum(flat) / len(flat)
    spread = math.sqrt(sum((one - mean) ** 2 for one in flat) / len(flat))
    total = sum(len(one.tokens) for g in groups for one in g.rollouts)
    loss, entropy, above, below, k3, gap = torch.zeros((), dtype=torch.float64), 0.0, 0, 0, 0.0, 0.0
    place = 0
    for group, some in zip(groups, gains, strict=True):
        for rollout, gain in zip(group.rollouts, some, strict=True):
            advantage = (gain - mean) / (spread + 1e-6)
            logits = model(torch.tensor([group.prompt + rollout.tokens])).logits[0].log_softmax(-1)
            for i, token in enumerate(rollout.tokens):
                row = logits[len(group.prompt) + i - 1]
                now, old, weight = row[token], rollout.logprobs[i], 1.0
                if config.importance_cap is not None:
                    anchor = float(now.detach()) if anchors is None else anchors[place]
                    weight, old = min(math.exp(anchor - rollout.logprobs[i]), config.importance_cap), anchor
                ratio = (now - old).exp()
                clipped = ratio.clamp(1 - config.eps_low, 1 + config.eps_high)
                loss = loss - weight * torch.minimum(ratio * advantage, clipped * advantage) / total
                entropy -= float((row * row.exp()).sum().detach()) / total
                above += float(ratio.detach()) > 1 + config.eps_high and advantage > 1e-6
                below += float(ratio.detach()) < 1 - config.eps_low and advantage < -1e-6
                apart = float(now.detach()) - rollout.logprobs[i]
                k3 += (math.exp(apart) - 1 - apart) / total
                gap += abs(apart) / total
                place += 1
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    return [float(loss.detach()), entropy, above / total, below / total, k3, gap], gradients


def worst_difference(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The largest relative distance between two gradients of one weight."""
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name].double() - theirs[name].double()).norm() / theirs[name].double().norm().clamp(min=1e-12))
        for name in theirs
    )
