"""One optimiser step on one minibatch of groups."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from schemas.config import TrainConfig
from trainer import distributed
from trainer.batch import MicroBatch, Stakes, count_forwarded, lay_out, plan_rows
from trainer.group import Group
from trainer.objective import (
    FORMS,
    MEASURES,
    Objective,
    Tokens,
    build_objective,
    find_advantages,
    normalise,
    weigh_tokens,
)
from trainer.policy import Policy


class DivergedError(RuntimeError):
    """The gradient is not finite; the weights have not been touched."""


@dataclass(frozen=True)
class StepStats:
    """What one step did. Shares and means are over completion tokens."""

    loss: float
    grad_norm: float
    """Before it was clipped."""
    learning_rate: float
    clipped_above: float
    clipped_below: float
    capped: float
    """Whose importance weight was truncated or masked."""
    k3: float
    gap: float
    """Mean |trainer's - sampler's log-probability|, before the step."""
    entropy: float
    sequences: int
    tokens: int
    """Of completions."""
    forwarded: int
    """Of the packed rows: prompts once a group, completions once."""
    micro_batches: int
    seconds: float


def build_optimiser(policy: Policy, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW on the masters, in one kernel. No weight decay: steps are few, and it is none of the paper's."""
    weights = list(policy.masters.values())
    return torch.optim.AdamW(weights, lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)


def find_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of optimiser step `step` (from 0): constant after a linear rise."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup))


def train_batch(
    policy: Policy, optimiser: torch.optim.Optimizer, groups: Sequence[Group], config: TrainConfig, step: int
) -> list[StepStats]:
    """Take the batch's `config.minibatches` optimiser steps; `step` counts those before.

    Where importance weights are asked for, later minibatches are clipped against the weights of before the first.
    """
    parts = [groups[k :: config.minibatches] for k in range(min(config.minibatches, len(groups)))]
    again = config.importance != "none" and len(parts) > 1
    anchors = [find_anchors(policy, part, config) if again else None for part in parts]
    return [
        train_step(policy, optimiser, part, config, step + k, before)
        for k, (part, before) in enumerate(zip(parts, anchors, strict=True))
    ]


def train_step(
    policy: Policy,
    optimiser: torch.optim.Optimizer,
    groups: Sequence[Group],
    config: TrainConfig,
    step: int,
    anchors: Tensor | None = None,
) -> StepStats:
    """One optimiser step: its gradient is that of all groups at once, whatever the micro-batches and ranks.

    `groups` are those of all ranks, the same on each. Raises DivergedError and leaves the weights alone when the
    gradient is not finite.
    """
    began = time.monotonic()
    share = share_out(groups, config)
    objective = build_objective(config, sum_tokens(groups))
    optimiser.zero_grad(set_to_none=True)
    sums = sum(accumulate(policy, batch, objective, anchors) for batch in share.batches)
    loss, entropy, *measured = distributed.add_up(torch.as_tensor(sums)).tolist()
    norm = distributed.clip_gradients(policy.masters.values(), config.clip_norm)
    if not torch.isfinite(torch.tensor(norm)):
        raise DivergedError(f"step {step}: the gradient's norm is {norm} (loss {loss})")
    rate = find_rate(config, step)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    policy.publish()
    return StepStats(
        loss=loss,
        entropy=entropy,
        **dict(zip(MEASURES, measured, strict=True)),
        grad_norm=norm,
        learning_rate=rate,
        sequences=sum(len(group.rollouts) for group in groups),
        tokens=objective.total,
        forwarded=share.forwarded,
        micro_batches=share.rows,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True)
class Share:
    """This rank's micro-batches, and of all ranks' their number and tokens."""

    batches: list[MicroBatch]
    rows: int
    forwarded: int


def share_out(groups: Sequence[Group], config: TrainConfig) -> Share:
    """What this rank works on; advantages and weights are of the whole minibatch."""
    rows = plan_rows(groups, config.microbatch_tokens, distributed.count_ranks())
    mine = rows[distributed.find_rank() :: distributed.count_ranks()]
    return Share(lay_out(mine, groups, find_stakes(groups, config)), len(rows), count_forwarded(rows))


def find_stakes(groups: Sequence[Group], config: TrainConfig) -> Stakes:
    """Advantages of a minibatch's rollouts, and the weights of their tokens, as `config.objective` has them."""
    form = FORMS[config.objective]
    flat = [one for group in groups for one in find_advantages(group.rewards)]
    given = iter(normalise(flat) if form.normalises else flat)
    advantages = [[next(given) for _ in group.rollouts] for group in groups]
    lengths = [
        [0 if config.mask_overlong and one.finish_reason == "length" else len(one.tokens) for one in group.rollouts]
        for group in groups
    ]
    return Stakes(advantages, weigh_tokens(lengths, form.average, max(group.max_tokens for group in groups)))


def sum_tokens(groups: Sequence[Group]) -> int:
    """The length of all completions."""
    return sum(len(rollout.tokens) for group in groups for rollout in group.rollouts)


def accumulate(policy: Policy, batch: MicroBatch, objective: Objective, anchors: Tensor | None = None) -> Tensor:
    """Add a micro-batch's share of the gradient; its share of loss, entropy and `MEASURES` comes back."""
    batch = batch.to(next(policy.lm.parameters()).device)
    before = None if anchors is None else anchors.to(batch.place.device)[batch.place]
    tokens = Tokens(batch.sampled, batch.advantages, batch.weights, batch.sequences, before)

    def prepare(logprobs: Tensor) -> None:
        nonlocal tokens
        tokens = objective.prepare(tokens, logprobs)

    def token_loss(logprobs: Tensor, at: slice) -> Tensor:
        return objective(logprobs, tokens.part(at))

    loss, logprobs, entropies = policy(batch, token_loss, prepare if objective.needs_sequences else None)
    # Sharded gradients are averaged over ranks, but the loss is a sum over all of them.
    (loss * distributed.count_ranks()).backward()
    measured = objective.measure(logprobs, tokens)
    entropy = entropies.sum(dtype=torch.float64) / objective.total
    return torch.cat([torch.stack([loss.detach().double(), entropy]), measured]).cpu()


@torch.no_grad()  # type: ignore[untyped-decorator]
def find_anchors(policy: Policy, groups: Sequence[Group], config: TrainConfig) -> Tensor:
    """The trainer's log-probability of each completion token of `groups`, in their order, on every rank."""
    mine = share_out(groups, config).batches
    logprobs = torch.zeros(sum_tokens(groups))
    for batch in mine:
        moved = batch.to(next(policy.lm.parameters()).device)
        logprobs[batch.place] = policy(moved)[1].cpu()
    return distributed.add_up(logprobs)
