"""Micro-batches: groups packed into one row of tokens, without padding, under a budget of tokens (paper, section 3).

A group's prompt stands in the row once, and its completions branch off it: a tree. Nothing is predicted from a
completion's last token, so it is not in the row.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.group import Group


@dataclass(frozen=True)
class Tree:
    """Some of a group's rollouts, by their places in it, behind their prompt."""

    group: int
    prompt: int
    rollouts: tuple[int, ...]
    bodies: tuple[int, ...]
    """Length of each completion in the row."""

    @property
    def size(self) -> int:
        """Tokens forwarded."""
        return self.prompt + sum(self.bodies)

    def part(self, places: Sequence[int]) -> "Tree":
        """The same prompt with fewer rollouts."""
        return Tree(
            self.group, self.prompt, tuple(self.rollouts[i] for i in places), tuple(self.bodies[i] for i in places)
        )


@dataclass(frozen=True)
class Stakes:
    """What each rollout of each group of a minibatch earned, and what each of its tokens weighs in the loss."""

    advantages: Sequence[Sequence[float]]
    weights: Sequence[Sequence[float]]


@dataclass(frozen=True)
class MicroBatch:
    """One row of tokens, and the places in it where the loss is taken. Tensors, all of one dimension."""

    ids: Tensor
    positions: Tensor
    """Of each token in its own sequence."""
    trees: tuple[tuple[int, tuple[int, ...]], ...]
    """Lengths of prompt and completions, in the order of the row: what attention has to know."""
    where: Tensor
    """The place in the row that predicts each target."""
    targets: Tensor
    sampled: Tensor
    """The sampler's log-probability of each target."""
    advantages: Tensor
    weights: Tensor
    """Of each target in the loss."""
    sequences: Tensor
    """Number of the sequence in this micro-batch that each target is of."""
    place: Tensor
    """Of each target among all tokens of the minibatch, group after group."""

    def to(self, device: torch.device) -> "MicroBatch":
        """A copy on `device`."""
        moved = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in vars(self).items()}
        return MicroBatch(**moved)


def pack(groups: Sequence[Group], stakes: Stakes, microbatch_tokens: int, ranks: int = 1) -> list[list[MicroBatch]]:
    """Micro-batches for each rank, all with the same number of them, so that none waits for a collective forever.

    `plan_rows` says what is in each. Where sequences run out, a micro-batch is one token without a target.
    """
    rows = plan_rows(groups, microbatch_tokens, ranks)
    return [lay_out(rows[rank::ranks], groups, stakes) for rank in range(ranks)]


def plan_rows(groups: Sequence[Group], microbatch_tokens: int, ranks: int = 1) -> list[list[Tree]]:
    """The trees of each micro-batch: rank r of n has every nth from the rth on.

    Trees are placed by length, descending, each into the first micro-batch with space for it. A group larger than
    `microbatch_tokens` is split and its prompt repeated; a single sequence larger than it gets a micro-batch of its
    own.
    """
    trees = [
        part for number, group in enumerate(groups) for part in split_tree(grow_tree(number, group), microbatch_tokens)
    ]
    return fill(trees, microbatch_tokens) if ranks == 1 else spread(trees, microbatch_tokens, ranks)


def count_forwarded(rows: Sequence[Sequence[Tree]]) -> int:
    """Tokens of micro-batches: an empty one has a token too."""
    return sum(max(1, sum(tree.size for tree in row)) for row in rows)


def grow_tree(number: int, group: Group) -> Tree:
    """All of a group that has something to learn from; an empty completion has not."""
    places = [i for i, rollout in enumerate(group.rollouts) if rollout.tokens]
    lengths = tuple(len(group.rollouts[i].tokens) - 1 for i in places)
    return Tree(number, len(group.prompt), tuple(places), lengths)


def split_tree(tree: Tree, microbatch_tokens: int) -> list[Tree]:
    """The tree, or as few parts of it as fit first; none is above the budget but of one completion."""
    return [tree.part(places) for places in fit_first(tree.bodies, microbatch_tokens - tree.prompt)]


def fill(trees: Sequence[Tree], microbatch_tokens: int) -> list[list[Tree]]:
    """Rows of trees under the budget: the paper's greedy collation, which needs few micro-batches."""
    return [[trees[i] for i in row] for row in fit_first([tree.size for tree in trees], microbatch_tokens)]


def fit_first(sizes: Sequence[int], space: int) -> list[list[int]]:
    """Places of `sizes`, longest first, each in the first row with space for it, or in one of its own."""
    rows: list[list[int]] = []
    left: list[int] = []
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        row = next((k for k, free in enumerate(left) if sizes[i] <= free), len(rows))
        if row == len(rows):
            rows.append([])
            left.append(space)
        rows[row].append(i)
        left[row] -= sizes[i]
    return rows


def spread(trees: Sequence[Tree], microbatch_tokens: int, ranks: int) -> list[list[Tree]]:
    """As few micro-batches as a multiple of `ranks` allows, of about one size, since ranks wait for the slowest.

    The longest tree goes to the micro-batch with the most space left; where that overflows, there are more of them.
    """
    trees = list(trees)
    count = -(-len(fill(trees, microbatch_tokens)) // ranks) * ranks
    while True:
        while len(trees) < count:
            largest = max(trees, key=lambda tree: (len(tree.rollouts) > 1, tree.size))
            if len(largest.rollouts) < 2:
                break
            trees.remove(largest)
            trees += [largest.part(range(first, len(largest.rollouts), 2)) for first in (0, 1)]
        rows: list[list[Tree]] = [[] for _ in range(count)]
        sizes = [0] * count
        for tree in sorted(trees, key=lambda tree: -tree.size):
            k = sizes.index(min(sizes))
            rows[k].append(tree)
            sizes[k] += tree.size
        if all(size <= microbatch_tokens or len(row) == 1 for row, size in zip(rows, sizes, strict=True)):
            return sorted(rows, key=lambda row: -sum(tree.size for tree in row))
        count += ranks


Integers = NDArray[np.int64]


@dataclass(frozen=True)
class _Minibatch:
    """All tokens of a minibatch one after the other: prompts first, then completions, in the order of the groups."""

    tokens: Integers
    logprobs: NDArray[np.float32]
    """Of completions."""
    prompts: tuple[int, ...]
    """Where each group's prompt begins."""
    completions: int
    """Where completions begin."""
    rollouts: tuple[tuple[int, ...], ...]
    """Where each rollout of each group begins among completions."""


def lay_out(rows: Sequence[Sequence[Tree]], groups: Sequence[Group], stakes: Stakes) -> list[MicroBatch]:
    """Write each row of trees as a micro-batch.

    What is done a token at a time is done by numpy: millions of tokens are laid out in less than a second.
    """
    minibatch = _line_up(groups)
    return [_lay_row(row, groups, stakes, minibatch) if row else _lay_nothing() for row in rows]


def _lay_row(row: Sequence[Tree], groups: Sequence[Group], stakes: Stakes, minibatch: _Minibatch) -> MicroBatch:
    # Of each piece of the row: where its tokens begin in the minibatch, its length, and its first position.
    pieces: list[tuple[int, int, int]] = []
    # Of each sequence: its first token, its length, where its completion stands in the row, and its prompt's last.
    sequences: list[tuple[int, int, int, int]] = []
    places: list[tuple[int, int]] = []
    end = 0
    for tree in row:
        pieces.append((minibatch.prompts[tree.group], tree.prompt, 0))
        end += tree.prompt
        last = end - 1
        for i, body in zip(tree.rollouts, tree.bodies, strict=True):
            start = minibatch.rollouts[tree.group][i]
            pieces.append((minibatch.completions + start, body, tree.prompt))
            sequences.append((start, body + 1, end, last))
            places.append((tree.group, i))
            end += body
    piece_starts, piece_sizes, first_positions = np.array(pieces, dtype=np.int64).T
    starts, lengths, firsts, lasts = np.array(sequences, dtype=np.int64).T
    where = _ranges(firsts - 1, lengths)
    # The first of a completion's tokens is predicted by the last of its prompt.
    where[np.cumsum(lengths) - lengths] = lasts
    place = _ranges(starts, lengths)

    def each(values: Sequence[Sequence[float]]) -> Tensor:
        own = np.array([values[group][i] for group, i in places], dtype=np.float32)
        return torch.from_numpy(np.repeat(own, lengths))

    return MicroBatch(
        ids=torch.from_numpy(minibatch.tokens[_ranges(piece_starts, piece_sizes)]),
        positions=torch.from_numpy(_ranges(first_positions, piece_sizes)),
        trees=tuple((tree.prompt, tree.bodies) for tree in row),
        where=torch.from_numpy(where),
        targets=torch.from_numpy(minibatch.tokens[minibatch.completions + place]),
        sampled=torch.from_numpy(minibatch.logprobs[place]),
        advantages=each(stakes.advantages),
        weights=each(stakes.weights),
        sequences=torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths)),
        place=torch.from_numpy(place),
    )


def _lay_nothing() -> MicroBatch:
    """One token that predicts nothing."""
    token, none, nothing = torch.zeros(1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    return MicroBatch(token, token, ((1, (0,)),), none, none, nothing, nothing, nothing, none, none)


def _line_up(groups: Sequence[Group]) -> _Minibatch:
    prompts = [group.prompt for group in groups]
    rollouts = [rollout for group in groups for rollout in group.rollouts]
    tokens = _join("q", chain(prompts, (rollout.tokens for rollout in rollouts)), np.int64)
    begins = iter(list(accumulate((len(rollout.tokens) for rollout in rollouts), initial=0)))
    lengths = [len(prompt) for prompt in prompts]
    return _Minibatch(
        tokens,
        _join("f", (rollout.logprobs for rollout in rollouts), np.float32),
        tuple(accumulate(lengths, initial=0)),
        sum(lengths),
        tuple(tuple(next(begins) for _ in group.rollouts) for group in groups),
    )


def _join(code: str, parts: Iterable[Sequence[Any]], dtype: type) -> NDArray[Any]:
    """Numbers of Python as one array; `array` takes them three times as fast as numpy or torch do."""
    joined = array(code)
    for part in parts:
        joined.extend(array(code, part))
    return np.frombuffer(joined, dtype=dtype) if joined else np.zeros(0, dtype=dtype)


def _ranges(starts: Integers, lengths: Integers) -> Integers:
    """start, start + 1, ... of each length, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)
