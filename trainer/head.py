"""Log-probabilities and entropies by chunks of positions, so that [tokens, vocabulary] never stands whole.

Where gradients are wanted, the loss of a chunk is taken while its logits are there, and their gradient at once, in
their place: the logits are computed once and never kept for the backward pass.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1024
"""Positions multiplied by the head at once: 100 MB of bfloat16 logits with 49,152 words, weights seldom read."""
BLOCK = 32
"""Positions in float32 at once on a CPU, whose cache holds them from one pass to the next: 6 MB with 49,152 words."""
TokenLoss = Callable[[Tensor, slice], Tensor]
"""From log-probabilities of some targets, and which they are, to the loss of each."""


class ChunkedLoss(torch.autograd.Function):  # type: ignore[misc]
    """(loss, log-probabilities, entropies) from hidden states [tokens, width] and the head [vocabulary, width].

    Only the loss, a sum over tokens, has a gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, token_loss: TokenLoss
    ) -> tuple[Tensor, Tensor, Tensor]:
        logprobs, entropies = (hidden.new_empty(len(targets), dtype=torch.float32) for _ in range(2))
        loss = hidden.new_zeros((), dtype=torch.float32)
        on_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        on_weight = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        for chunk, logits, blocks in find_logits(hidden, weight):
            for at, own in blocks:
                powers, total, chosen, entropies[at] = read_logits(own, targets[at])
                logprobs[at] = chosen
                with torch.enable_grad():
                    some = chosen.requires_grad_()
                    losses = token_loss(some, at).sum()
                    (slope,) = torch.autograd.grad(losses, some)
                loss += losses.detach()
                # d log p(y) / d logits = onehot(y) - p
                on_logits = powers.mul_((-slope / total)[:, None])
                on_logits.scatter_add_(1, targets[at, None], slope[:, None])
                own.copy_(on_logits)
            if on_hidden is not None:
                torch.mm(logits, weight, out=on_hidden[chunk])
            if on_weight is not None:
                on_weight += logits.t() @ hidden[chunk]
        ctx.save_for_backward(on_hidden, None if on_weight is None else on_weight.to(weight.dtype))
        ctx.mark_non_differentiable(logprobs, entropies)
        return loss, logprobs, entropies

    @staticmethod
    def backward(ctx: Any, on_loss: Tensor, *_: Any) -> tuple[Tensor | None, Tensor | None, None, None]:
        on_hidden, on_weight = (None if one is None else one * on_loss.to(one.dtype) for one in ctx.saved_tensors)
        return on_hidden, on_weight, None, None


def read_logits(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(probabilities [tokens, vocabulary] times their total, that total, log-probability of each target, entropy).

    In float32 and nats, and in place where possible: new pages cost a CPU more than arithmetic.
    """
    logits = logits.float()
    logits -= logits.amax(-1, keepdim=True)
    picked = logits.gather(1, targets[:, None])[:, 0]
    powers = logits.exp()
    total = powers.sum(-1)
    # H = log Z - E[logit], with logits less their greatest.
    entropy = total.log() - logits.mul_(powers).sum(-1) / total
    return powers, total, picked - total.log(), entropy


@torch.no_grad()  # type: ignore[untyped-decorator]
def find_logprobs(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The log-probability of each target alone."""
    chosen = targets.new_empty(len(targets), dtype=torch.float32)
    for _, _, blocks in find_logits(hidden, weight):
        for at, own in blocks:
            chosen[at] = read_logits(own, targets[at])[2]
    return chosen


def find_logits(hidden: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor, list[tuple[slice, Tensor]]]]:
    """Chunk after chunk: its positions, its logits, and both again in blocks, which are views."""
    block = CHUNK if hidden.is_cuda else BLOCK
    for start in range(0, len(hidden), CHUNK):
        chunk = slice(start, start + CHUNK)
        logits = F.linear(hidden[chunk], weight)
        firsts = range(start, start + len(logits), block)
        yield chunk, logits, [(slice(i, i + len(own)), own) for i, own in zip(firsts, logits.split(block), strict=True)]
