"""Attention over packed trees: a prompt sees itself, each completion its prompt and itself, and nothing else.

Registered with transformers under one name, so that any of its causal models takes it. Padding is only
inside attention, which on short sequences is a small part of the work.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "packed_trees"
Trees = Sequence[tuple[int, Sequence[int]]]
"""Lengths of each tree's prompt and completions, in the order of the row (`MicroBatch.trees`)."""
SCORES = 1 << 24
"""At most as many attention scores are kept for the backward pass of one call: 32 MB."""
UNSUPPORTED = ("sliding_window", "softcap", "s_aux")
"""What some models ask of attention beyond being causal; they are refused rather than trained wrongly."""


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    trees: Trees,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """transformers' attention call: [1, heads, tokens, width] of query, key and value; [1, tokens, heads, width] back.

    Key and value may have fewer heads (grouped queries).
    """
    for name in UNSUPPORTED:
        if more.get(name) is not None:
            raise NotImplementedError(f"{type(module).__name__} asks for {name}, which packed attention does not have")
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16):
        return attend_varlen(query, key, value, trees, scaling), None
    return attend_padded(query, key, value, trees, scaling), None


def attend_padded(query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None) -> Tensor:
    """One call for all sequences of about one length, and one for a tree's completions of about one length.

    Splitting, not slicing: the gradient of a slice is a whole row of zeros, of a split it is one concatenation.
    """
    sizes = [size for prompt, bodies in trees for size in cut(prompt, bodies)]
    q, k, v = ([*x[0].transpose(0, 1).split(sizes)] for x in (query, key, value))
    found = list(q)
    roots: list[int] = []
    place = 0
    for prompt, bodies in trees:
        roots.append(place)
        branches = range(place + 1, place + len(cut(prompt, bodies)))
        for some in bucket(branches, sizes):
            root = [x[place].expand(len(some), *x[place].shape) for x in (k, v)]
            both = [torch.cat([one, _pad(x, some)], 1) for one, x in zip(root, (k, v), strict=True)]
            out = _causal(_pad(q, some), both[0], both[1], scaling)
            for i, one in zip(some, out.unbind(), strict=True):
                found[i] = one[: sizes[i]]
        place = branches.stop
    for some in bucket(roots, sizes):
        out = _causal(_pad(q, some), _pad(k, some), _pad(v, some), scaling)
        for i, one in zip(some, out.unbind(), strict=True):
            found[i] = one[: sizes[i]]
    return torch.cat(found)[None]


def cut(prompt: int, bodies: Sequence[int]) -> list[int]:
    """Lengths of the pieces that a tree is attended in: prompt and completions, or one sequence where one completion is
    all there is.
    """
    return [prompt + bodies[0]] if len(bodies) == 1 else [prompt, *bodies]


def bucket(places: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Places of pieces of about one size together: none is padded by more than a third or 32 tokens."""
    found: list[list[int]] = []
    longest = 0
    for i in sorted(places, key=lambda i: -sizes[i]):
        if sizes[i] == 0:
            continue
        if not found or sizes[i] < min(0.75 * longest, longest - 32):
            found.append([])
            longest = sizes[i]
        found[-1].append(i)
    return found


def attend_varlen(query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None) -> Tensor:
    """The flash kernel for sequences of any length, in one call: no padding at all.

    A completion's keys are its prompt's and its own; with more keys than queries the causal window is aligned to
    the last of both. This path needs CUDA; the tests of the other do not reach it.
    """
    from torch.nn.attention.varlen import varlen_attn

    queries, keys, index = [0], [0], []
    start = 0
    for prompt, bodies in trees:
        pieces, place = cut(prompt, bodies), start
        for number, size in enumerate(pieces):
            seen = [*range(start, start + prompt)] if number else []
            index += [*seen, *range(place, place + size)]
            place += size
            queries.append(place)
            keys.append(len(index))
        start = place
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    if len(index) > start:
        rows = torch.tensor(index, device=query.device)
        k, v = k[rows], v[rows]
    longest = [max(b - a for a, b in pairwise(ends)) for ends in (queries, keys)]
    ends = [torch.tensor(ends, device=query.device, dtype=torch.int32) for ends in (queries, keys)]
    out = varlen_attn(q, k, v, *ends, *longest, scale=scaling, window_size=(-1, 0), enable_gqa=True)
    return out[None]


def _pad(pieces: Sequence[Tensor], some: Sequence[int]) -> Tensor:
    return pad_sequence([pieces[i] for i in some], batch_first=True)


def _causal(query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
    """[sequences, tokens, heads, width]; the last query sees all keys, the one before it all but the last.

    On short sequences in bfloat16 a CPU's matrix products are two to four times as fast as its fused kernel.
    """
    q, k, v = (x.transpose(1, 2) for x in (query, key, value))
    (many, heads, rows, width), (shared, columns) = q.shape, k.shape[1:3]
    mask = torch.ones(rows, columns, dtype=torch.bool, device=q.device).tril(columns - rows)
    if q.dtype != torch.bfloat16 or many * heads * rows * columns > SCORES:
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling, enable_gqa=heads != shared)
        return out.transpose(1, 2)
    # The query heads of one key head stand one below the other: it is read once for all of them.
    scale = width**-0.5 if scaling is None else scaling
    scores = (q * scale).reshape(many, shared, -1, width) @ k.transpose(2, 3)
    scores = scores.view(many, heads, rows, columns).masked_fill(~mask, float("-inf"))
    out = scores.softmax(-1).view(many, shared, -1, columns) @ v
    return out.view(many, heads, rows, width).transpose(1, 2)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, lambda **_: None)
