"""The objective: GRPO with the paper's changes (Magistral, section 2.1), and the field's other forms by one word each.

There is no KL term. An objective is made of three choices: how the losses of tokens are averaged, whether the ratio of
probabilities is a token's or a sequence's, and what is done with a ratio far from 1. What the sampler and the trainer
disagree on is corrected apart from it, by importance weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from schemas.config import TrainConfig

TINY = 1e-6
"""Keeps equal rewards, whose differences are rounding errors, from being blown up to advantages of 1."""
Average = Literal["group", "batch", "sequence", "longest"]


@dataclass(frozen=True)
class Form:
    """What a value of `train.objective` stands for.

    `average` says what the loss of a token is divided by: the length of its group's completions, groups counting alike;
    that of the minibatch's; that of its own sequence, sequences counting alike; or the longest that a completion may
    be. `by_sequence` takes the ratio of the geometric means of a sequence's probabilities for all of its tokens.
    `weighs` takes the clipped ratio as a weight of the token's log-probability, so that no token's gradient is cut off.
    `normalises` divides advantages by their deviation over the minibatch.
    """

    average: Average
    by_sequence: bool = False
    weighs: bool = False
    normalises: bool = True


FORMS = {
    "magistral": Form("group"),
    "dapo": Form("batch"),
    "grpo": Form("sequence"),
    "dr_grpo": Form("longest", normalises=False),
    "gspo": Form("sequence", by_sequence=True),
    "cispo": Form("batch", weighs=True),
}
"""Magistral (arXiv 2506.10910, section 2.1); DAPO (2503.14476); GRPO (2402.03300); Dr. GRPO (2503.20783); GSPO
(2507.18071); CISPO (MiniMax-M1, 2506.13585)."""


def find_advantages(rewards: Sequence[float]) -> tuple[float, ...]:
    """What each of a group's rollouts earned above the group's mean (section 2.1)."""
    mean = math.fsum(rewards) / len(rewards)
    return tuple(reward - mean for reward in rewards)


def normalise(advantages: Sequence[float]) -> tuple[float, ...]:
    """Bring the advantages of all sequences of a minibatch to mean 0 and standard deviation 1 (section 2.1)."""
    mean = math.fsum(advantages) / len(advantages)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in advantages) / len(advantages))
    return tuple((one - mean) / (spread + TINY) for one in advantages)


def weigh_tokens(lengths: Sequence[Sequence[int]], average: Average, longest: int) -> list[list[float]]:
    """What the loss of each token of a completion is multiplied with, for each completion of each group.

    `lengths` are in tokens; 0 is a completion that is left out of the loss. It counts as a sequence and as part of its
    group all the same, so that what is left out takes its share of the gradient with it. `longest` is the stage's
    limit, in tokens.
    """
    sequences = sum(len(group) for group in lengths)
    total = sum(map(sum, lengths))

    def divisor(length: int, group: Sequence[int]) -> int:
        match average:
            case "group":
                return len(lengths) * sum(group)
            case "batch":
                return total
            case "sequence":
                return sequences * length
            case "longest":
                return sequences * longest

    return [[1 / divisor(length, group) if length else 0.0 for length in group] for group in lengths]


@dataclass(frozen=True)
class Tokens:
    """What is known of completion tokens before their loss is taken. Tensors of one dimension, a number a token."""

    sampled: Tensor
    """The sampler's log-probability."""
    advantages: Tensor
    weights: Tensor
    """Of the token in the loss, from `weigh_tokens`."""
    sequences: Tensor
    """Number of the sequence that the token is of. No sequence is in two micro-batches."""
    anchors: Tensor | None = None
    """The trainer's log-probability before the batch; none where the weights have not changed since."""
    drift: Tensor | None = None
    """Mean over the token's sequence of the log of its ratio."""
    correction: Tensor | None = None
    """The importance weight, where it takes the whole sequence to know it."""

    def part(self, at: slice) -> "Tokens":
        """Some of them."""
        return Tokens(**{name: None if value is None else value[at] for name, value in vars(self).items()})


@dataclass(frozen=True)
class Objective:
    """The loss of single tokens, and the sums that are taken along with it.

    `total` is the length of all completions of the minibatch, in tokens, over all micro-batches and ranks.
    """

    form: Form
    eps_low: float
    eps_high: float
    total: int
    importance: str = "none"
    importance_cap: float = math.inf

    @property
    def needs_sequences(self) -> bool:
        """Whether a token's loss depends on its whole sequence: then `prepare` has to be called before."""
        return self.form.by_sequence or self.importance.startswith("sequence")

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def prepare(self, tokens: Tokens, logprobs: Tensor) -> Tokens:
        """Tokens of whole sequences, with what their losses take from `logprobs`, the trainer's for all of them."""
        if not self.needs_sequences:
            return tokens
        lengths = _add_up(torch.ones_like(tokens.sampled), tokens.sequences)
        drift = _add_up(logprobs - self._find_old(tokens, logprobs), tokens.sequences) / lengths
        correction = None
        if self.importance != "none":
            correction = self._cut(self._find_importance(logprobs, tokens))
            if self.form.by_sequence:
                # A sequence's ratio is one term of the loss, which has one weight.
                correction = _add_up(correction, tokens.sequences) / lengths
        return replace(tokens, drift=drift, correction=correction)

    def __call__(self, logprobs: Tensor, tokens: Tokens) -> Tensor:
        """-min(r A, clip(r, 1 - eps_low, 1 + eps_high) A) of each token, times its weight.

        r is its probability over its old one, or its sequence's (GSPO, equation 7); where the form `weighs`, the loss
        is -min(r, 1 + eps_high) A log p, with no gradient through r. The old log-probability is the sampler's. With
        `importance` it is instead the trainer's own, of before the batch, and the token is multiplied with trainer /
        sampler, its own or its sequence's, which is truncated at `importance_cap`, or taken for 0 above it: truncated
        importance sampling (Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL training")
        and its masked form.
        """
        ratio = self._find_ratio(logprobs, tokens)
        if self.form.weighs:
            gain = ratio.detach().clamp(max=1 + self.eps_high) * tokens.advantages * logprobs
        else:
            clipped = ratio.clamp(1 - self.eps_low, 1 + self.eps_high)
            gain = torch.min(ratio * tokens.advantages, clipped * tokens.advantages)
        if self.importance == "none":
            return -tokens.weights * gain
        correction = tokens.correction
        if correction is None:
            correction = self._cut(self._find_importance(logprobs, tokens))
        return -tokens.weights * correction * gain

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def measure(self, logprobs: Tensor, tokens: Tokens) -> Tensor:
        """Means over the minibatch's tokens, this micro-batch's share of them, in the order of `MEASURES`."""
        tokens = self.prepare(tokens, logprobs)
        ratio, apart = self._find_ratio(logprobs, tokens), logprobs - tokens.sampled
        above = (ratio > 1 + self.eps_high) & (tokens.advantages > TINY)
        below = (ratio < 1 - self.eps_low) & (tokens.advantages < -TINY)
        capped = torch.zeros_like(above)
        if self.importance != "none":
            capped = self._find_importance(logprobs, tokens) > self.importance_cap
        rows = [above.float(), below.float(), capped.float(), apart.exp() - 1 - apart, apart.abs()]
        return torch.stack([row.sum(dtype=torch.float64) for row in rows]) / self.total

    def _find_trainer(self, tokens: Tokens, logprobs: Tensor) -> Tensor:
        return logprobs.detach() if tokens.anchors is None else tokens.anchors

    def _find_old(self, tokens: Tokens, logprobs: Tensor) -> Tensor:
        return tokens.sampled if self.importance == "none" else self._find_trainer(tokens, logprobs)

    def _find_ratio(self, logprobs: Tensor, tokens: Tokens) -> Tensor:
        if not self.form.by_sequence:
            return (logprobs - self._find_old(tokens, logprobs)).exp()
        assert tokens.drift is not None
        # Of the sequence's value, and of the token's gradient: GSPO-token (section 4.3 there).
        return (logprobs - logprobs.detach() + tokens.drift).exp()

    def _find_importance(self, logprobs: Tensor, tokens: Tokens) -> Tensor:
        apart = self._find_trainer(tokens, logprobs) - tokens.sampled
        return (_add_up(apart, tokens.sequences) if self.importance.startswith("sequence") else apart).exp()

    def _cut(self, importance: Tensor) -> Tensor:
        if self.importance.endswith("truncate"):
            return importance.clamp(max=self.importance_cap)
        return importance.where(importance <= self.importance_cap, 0.0)


MEASURES = ("clipped_above", "clipped_below", "capped", "k3", "gap")
"""Shares of tokens beyond either clip, on the side where it counts, and of those whose importance weight was cut; the
estimate of KL(sampler, trainer) called k3 (Schulman, "Approximating KL divergence"); and the mean distance of the
trainer's log-probability from the sampler's.
"""


def build_objective(config: TrainConfig, total: int) -> Objective:
    """What `config` asks for, over a minibatch whose completions have `total` tokens."""
    form = FORMS[config.objective]
    return Objective(form, config.eps_low, config.eps_high, total, config.importance, config.importance_cap)


def _add_up(values: Tensor, sequences: Tensor) -> Tensor:
    """For each token the sum of `values` over its sequence."""
    if not len(values):
        return values
    sums = values.new_zeros(int(sequences.max()) + 1).index_add_(0, sequences, values)
    return sums[sequences]
