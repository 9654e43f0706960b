"""Attention over packed trees: a prompt sees itself, each completion its prompt and itself, and nothing else.

Registered with transformers under one name, so that any of its causal models takes it. Padding is only
inside attention, which on short sequences is a small part of the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

NAME = "packed_trees"
Trees = tuple[tuple[int, tuple[int, ...]], ...]
"""Lengths of each tree's prompt and completions, in the order of the row (`MicroBatch.trees`)."""
SCORES = 1 << 24
"""At most as many attention scores are kept for the backward pass of one call: 32 MB."""
UNSUPPORTED = ("sliding_window", "softcap", "s_aux")
"""What some models ask of attention beyond being causal; they are refused rather than trained wrongly."""


class Forest:
    """Trees as they are handed through a model: what torch.compile cannot look into is not compiled again for each."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees


@torch.compiler.disable  # type: ignore[untyped-decorator]
def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    trees: Forest,
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
        return attend_varlen(query, key, value, trees.trees, scaling), None
    return attend_padded(query, key, value, trees.trees, scaling), None


def attend_padded(query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None) -> Tensor:
    """One call for all sequences of about one length, and one for a tree's completions of about one length."""
    layout = plan(trees, query.device)
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    padded = [Move.apply(x, layout.tokens, layout.slots, None).split(layout.sizes) for x in (q, k, v)]
    prompts = [x.split(layout.spans)[::2] for x in (k, v)]
    attended = []
    for call, *pieces in zip(layout.calls, *padded, strict=True):
        some = [x.view(call.many, call.longest, *x.shape[1:]) for x in pieces]
        root = None if call.tree is None else (prompts[0][call.tree], prompts[1][call.tree])
        attended.append(_causal(some[0], some[1], some[2], root, scaling).flatten(0, 1))
    return Move.apply(torch.cat(attended), layout.slots, layout.tokens, layout.empty)[None]


@dataclass(frozen=True)
class Call:
    """`many` pieces, none longer than `longest`, behind the prompt of `tree` where they are its completions."""

    many: int
    longest: int
    tree: int | None


@dataclass(frozen=True)
class Layout:
    """Where the tokens of a row stand while they are attended to: in slots, the padded pieces of call after call."""

    calls: tuple[Call, ...]
    sizes: tuple[int, ...]
    """Slots of each call."""
    spans: tuple[int, ...]
    """Tokens of each tree's prompt, and of its completions."""
    tokens: Tensor
    """Of each slot; padding repeats the row's first token, which no other sees there."""
    slots: Tensor
    """Of each token."""
    empty: Tensor
    """Slots of padding."""


@lru_cache(maxsize=4)
def plan(trees: Trees, device: torch.device) -> Layout:
    """The layout of a row: made once, for all layers."""
    sizes = [size for prompt, bodies in trees for size in cut(prompt, bodies)]
    starts = list(accumulate(sizes, initial=0))
    calls: list[Call] = []
    tokens: list[int] = []
    empty: list[int] = []
    slots = [0] * starts[-1]

    def add(some: Sequence[int], tree: int | None) -> None:
        longest = sizes[some[0]]
        calls.append(Call(len(some), longest, tree))
        for i in some:
            first, end = len(tokens), len(tokens) + sizes[i]
            slots[starts[i] : starts[i + 1]] = range(first, end)
            empty.extend(range(end, first + longest))
            tokens.extend([*range(starts[i], starts[i + 1]), *[0] * (longest - sizes[i])])

    ends = list(accumulate((len(cut(*tree)) for tree in trees), initial=0))
    for number, (root, end) in enumerate(pairwise(ends)):
        for some in bucket(range(root + 1, end), sizes):
            add(some, number)
    for some in bucket(ends[:-1], sizes):
        add(some, None)
    spans = tuple(size for prompt, bodies in trees for size in (prompt, sum(bodies)))
    places = (torch.tensor(some, dtype=torch.int64, device=device) for some in (tokens, slots, empty))
    return Layout(tuple(calls), tuple(call.many * call.longest for call in calls), spans, *places)


class Move(torch.autograd.Function):  # type: ignore[misc]
    """Rows of x at `there`. Back, each row's gradient is the one at its place in `back`, and none at `empty`: a plain
    copy both ways, where a general gather would add up.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor, back: Tensor, empty: Tensor | None) -> Tensor:
        ctx.save_for_backward(back, empty)
        return x.index_select(0, there)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        back, empty = ctx.saved_tensors
        moved = gradient.index_select(0, back)
        return moved if empty is None else moved.index_fill_(0, empty, 0), None, None, None


def cut(prompt: int, bodies: Sequence[int]) -> list[int]:
    """Lengths of the pieces that a tree is attended in: prompt and completions, or one sequence where one completion is
    all there is.
    """
    return [prompt + bodies[0]] if len(bodies) == 1 else [prompt, *bodies]


def bucket(places: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Places of pieces of about one size together: none is padded by more than a third or 32 tokens."""
    rows: list[list[int]] = []
    longest = 0
    for i in sorted(places, key=lambda i: -sizes[i]):
        if sizes[i] == 0:
            continue
        if not rows or sizes[i] < min(0.75 * longest, longest - 32):
            rows.append([])
            longest = sizes[i]
        rows[-1].append(i)
    return rows


def attend_varlen(query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None) -> Tensor:
    """The flash kernel for sequences of any length, in one call: no padding at all.

    With more keys than queries the causal window is aligned to the last of both. This path needs CUDA; the tests of the
    other do not reach it.
    """
    from torch.nn.attention.varlen import varlen_attn

    rows, ends, longest = line_up(trees, query.device)
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    if len(rows) > len(q):
        k, v = k[rows], v[rows]
    return varlen_attn(q, k, v, *ends, *longest, scale=scaling, window_size=(-1, 0), enable_gqa=True)[None]


@lru_cache(maxsize=4)
def line_up(trees: Trees, device: torch.device) -> tuple[Tensor, tuple[Tensor, ...], tuple[int, ...]]:
    """What the flash kernel must know of a row, once for all layers: the token of each key, where the queries and the
    keys of each sequence end, and the most of both. A completion's keys are its prompt's and its own.
    """
    queries, keys, rows = [0], [0], []
    for prompt, bodies in trees:
        root = queries[-1]
        for number, size in enumerate(cut(prompt, bodies)):
            place = queries[-1]
            rows += [*range(root, root + prompt if number else root), *range(place, place + size)]
            queries.append(place + size)
            keys.append(len(rows))
    ends = [torch.tensor(some, device=device, dtype=torch.int32) for some in (queries, keys)]
    longest = [max(b - a for a, b in pairwise(some)) for some in (queries, keys)]
    return torch.tensor(rows, device=device), tuple(ends), tuple(longest)


def _causal(
    query: Tensor, key: Tensor, value: Tensor, root: tuple[Tensor, Tensor] | None, scaling: float | None
) -> Tensor:
    """[sequences, tokens, heads, width]; each query sees what is not behind it, and all of `root`, the key and value
    [tokens, heads, width] that all sequences share.

    On short sequences in bfloat16 a CPU's matrix products are two to four times as fast as its fused kernel.
    """
    (many, rows, heads, width), shared = query.shape, key.shape[2]
    far = 0 if root is None else len(root[0])
    if query.dtype != torch.bfloat16 or many * heads * rows * (rows + far) > SCORES:
        if root is not None:
            key, value = (
                torch.cat([one.expand(many, *one.shape), x], 1) for one, x in zip(root, (key, value), strict=True)
            )
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        mask = torch.ones(rows, rows + far, dtype=torch.bool, device=query.device).tril(far)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling, enable_gqa=heads != shared)
        return out.transpose(1, 2)
    # The query heads of one key head stand one below the other, those of all sequences before a prompt too: keys and
    # values are read once for all of them.
    scale = width**-0.5 if scaling is None else scaling
    q = (query * scale).view(many, rows, shared, -1, width).permute(2, 0, 3, 1, 4).reshape(shared * many, -1, width)
    k, v = (x.permute(2, 0, 1, 3).reshape(shared * many, rows, width) for x in (key, value))
    scores = q @ k.transpose(1, 2)
    later = torch.ones(rows, rows, dtype=torch.bool, device=query.device).triu(1)
    scores.view(many * heads, rows, rows).masked_fill_(later, float("-inf"))
    if root is None:
        out = scores.softmax(-1) @ v
    else:
        prompt_k, prompt_v = (x.transpose(0, 1) for x in root)
        before = (q.view(shared, -1, width) @ prompt_k.transpose(1, 2)).view(shared * many, -1, far)
        before, scores = torch.cat([before, scores], -1).softmax(-1).split([far, rows], -1)
        seen = before.reshape(shared, -1, far) @ prompt_v
        out = scores @ v + seen.view(shared * many, -1, width)
    return out.view(shared, many, -1, rows, width).permute(1, 3, 0, 2, 4).reshape(many, rows, heads, width)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, lambda **_: None)
