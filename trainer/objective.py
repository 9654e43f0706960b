"""The objective: GRPO with the paper's changes (Magistral, section 2.1), as functions of numbers and tensors.

There is no KL term. Token losses of all generations are summed and divided by their total length. The advantage is the
reward less its group's mean, normalised over the sequences of the minibatch. Clipping is higher above than below, so
that unlikely tokens can grow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-6
"""Keeps equal rewards, whose differences are rounding errors, from being blown up to advantages of 1."""


def find_advantages(rewards: Sequence[float]) -> tuple[float, ...]:
    """What each of a group's rollouts earned above the group's mean (section 2.1)."""
    mean = math.fsum(rewards) / len(rewards)
    return tuple(reward - mean for reward in rewards)


def normalise(advantages: Sequence[float]) -> tuple[float, ...]:
    """Bring the advantages of all sequences of a minibatch to mean 0 and standard deviation 1 (section 2.1)."""
    mean = math.fsum(advantages) / len(advantages)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in advantages) / len(advantages))
    return tuple((one - mean) / (spread + TINY) for one in advantages)


@dataclass(frozen=True)
class Objective:
    """The loss of single tokens; the sums that are taken along with it.

    `total` is the length of all completions of the minibatch, in tokens, over all micro-batches and ranks.
    """

    eps_low: float
    eps_high: float
    total: int
    importance_cap: float | None = None

    def __call__(self, logprobs: Tensor, sampled: Tensor, advantages: Tensor, anchors: Tensor | None = None) -> Tensor:
        """-min(r A, clip(r, 1 - eps_low, 1 + eps_high) A) / total of each token; r is its probability over its old one.

        The old log-probability is the sampler's. With `importance_cap` it is instead the trainer's own, `anchors`
        (those of the weights before the batch; now's when none are given), and the token weighs
        min(trainer / sampler, cap): truncated importance sampling (Yao et al. 2025, "Your efficient RL framework
        secretly brings you off-policy RL training").
        """
        old, weight = sampled, None
        if self.importance_cap is not None:
            old = logprobs.detach() if anchors is None else anchors
            weight = (old - sampled).exp().clamp(max=self.importance_cap)
        ratio = (logprobs - old).exp()
        gain = torch.min(ratio * advantages, ratio.clamp(1 - self.eps_low, 1 + self.eps_high) * advantages)
        return -(gain if weight is None else weight * gain) / self.total

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def measure(self, logprobs: Tensor, sampled: Tensor, advantages: Tensor, anchors: Tensor | None = None) -> Tensor:
        """Means over the minibatch, this micro-batch's share of them, in the order of `MEASURES`."""
        old = sampled
        if self.importance_cap is not None:
            old = logprobs if anchors is None else anchors
        ratio, apart = (logprobs - old).exp(), logprobs - sampled
        above = (ratio > 1 + self.eps_high) & (advantages > TINY)
        below = (ratio < 1 - self.eps_low) & (advantages < -TINY)
        rows = [above.float(), below.float(), apart.exp() - 1 - apart, apart.abs()]
        return torch.stack([row.sum(dtype=torch.float64) for row in rows]) / self.total


MEASURES = ("clipped_above", "clipped_below", "k3", "gap")
"""Shares of tokens whose gradient is cut off by either clip; the estimate of KL(sampler, trainer) called k3 (Schulman,
"Approximating KL divergence"); and the mean distance of the trainer's log-probability from the sampler's.
"""
