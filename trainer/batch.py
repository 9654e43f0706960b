"""Micro-batches: groups packed into one row of tokens, without padding, under a budget of tokens (paper, section 3).

A group's prompt stands in the row once, and its completions branch off it: a tree. Nothing is predicted from a
completion's last token, so it is not in the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
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

    Trees are placed by length, descending, each into the first micro-batch with space for it. A group larger than
    `microbatch_tokens` is split and its prompt repeated; a single sequence larger than it gets a micro-batch of its
    own. Where sequences run out, a micro-batch is one token without a target.
    """
    trees = [
        part for number, group in enumerate(groups) for part in split_tree(grow_tree(number, group), microbatch_tokens)
    ]
    rows = fill(trees, microbatch_tokens) if ranks == 1 else spread(trees, microbatch_tokens, ranks)
    starts = _find_starts(groups)
    batches = [lay_out(row, groups, stakes, starts) for row in rows]
    return [batches[rank::ranks] for rank in range(ranks)]


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


def lay_out(
    row: Sequence[Tree], groups: Sequence[Group], stakes: Stakes, starts: Sequence[Sequence[int]]
) -> MicroBatch:
    """Write trees into one row; `starts` says where each rollout's tokens begin among those of the minibatch."""
    ids: list[Tensor] = [] if row else [torch.tensor([0])]
    positions: list[Tensor] = [] if row else [torch.tensor([0])]
    where, targets, sampled, place = ([torch.empty(0, dtype=torch.int64)] for _ in range(4))
    advantages: list[float] = []
    weights: list[float] = []
    lengths: list[int] = []
    first = 0
    for tree in row:
        group, last = groups[tree.group], first + tree.prompt - 1
        ids.append(torch.tensor(group.prompt))
        positions.append(torch.arange(tree.prompt))
        first += tree.prompt
        for i, body in zip(tree.rollouts, tree.bodies, strict=True):
            rollout, start = group.rollouts[i], starts[tree.group][i]
            tokens = torch.tensor(rollout.tokens)
            ids.append(tokens[:-1])
            positions.append(torch.arange(tree.prompt, tree.prompt + body))
            where += [torch.tensor([last]), torch.arange(first, first + body)]
            targets.append(tokens)
            sampled.append(torch.tensor(rollout.logprobs, dtype=torch.float32))
            place.append(torch.arange(start, start + len(tokens)))
            advantages.append(stakes.advantages[tree.group][i])
            weights.append(stakes.weights[tree.group][i])
            lengths.append(len(tokens))
            first += body
    each = torch.tensor(lengths, dtype=torch.int64)
    return MicroBatch(
        ids=torch.cat(ids),
        positions=torch.cat(positions),
        trees=tuple((tree.prompt, tree.bodies) for tree in row) or ((1, (0,)),),
        where=torch.cat(where),
        targets=torch.cat(targets),
        sampled=torch.cat(sampled).float(),
        advantages=torch.tensor(advantages, dtype=torch.float32).repeat_interleave(each),
        weights=torch.tensor(weights, dtype=torch.float32).repeat_interleave(each),
        sequences=torch.arange(len(lengths)).repeat_interleave(each),
        place=torch.cat(place),
    )


def _find_starts(groups: Sequence[Group]) -> list[list[int]]:
    starts: list[list[int]] = []
    total = 0
    for group in groups:
        starts.append([])
        for rollout in group.rollouts:
            starts[-1].append(total)
            total += len(rollout.tokens)
    return starts
