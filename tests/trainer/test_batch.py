"""Micro-batches hold every token that matters once, and fit."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.tiny import draw_groups
from trainer.batch import MicroBatch, Stakes, fill, grow_tree, pack, split_tree
from trainer.group import Group
from trainer.rollout import Rollout

sizes = st.lists(st.integers(1, 6), min_size=1, max_size=6)
budgets = st.integers(4, 120)


def stakes_of(groups: list[Group]) -> Stakes:
    """An advantage and a weight of its own for every rollout."""
    numbered = [[100.0 * g + i for i in range(len(group.rollouts))] for g, group in enumerate(groups)]
    return Stakes(numbered, [[-number for number in group] for group in numbered])


def read(batch: MicroBatch) -> Counter[tuple[tuple[int, ...], tuple[int, ...], float]]:
    """(prompt, completion, advantage) of each sequence, recovered from the row alone."""
    found: Counter[tuple[tuple[int, ...], tuple[int, ...], float]] = Counter()
    ids, at, taken = batch.ids.tolist(), 0, 0
    for prompt, bodies in batch.trees:
        root = tuple(ids[at : at + prompt])
        assert batch.positions[at : at + prompt].tolist() == list(range(prompt))
        branch = at + prompt
        for body in bodies:
            own = slice(taken, taken + body + 1)
            assert batch.where[own].tolist() == [at + prompt - 1, *range(branch, branch + body)]
            assert batch.positions[branch : branch + body].tolist() == list(range(prompt, prompt + body))
            assert ids[branch : branch + body] == batch.targets[own].tolist()[:-1]
            (gain,) = set(batch.advantages[own].tolist())
            assert set(batch.weights[own].tolist()) == {-gain}
            assert len(set(batch.sequences[own].tolist())) == 1
            found[root, tuple(batch.targets[own].tolist()), gain] += 1
            branch, taken = branch + body, taken + body + 1
        at = branch
    assert at == len(ids)
    assert taken == len(batch.targets)
    assert len(set(batch.sequences.tolist())) == sum(len(bodies) for _, bodies in batch.trees)
    return found


@given(st.integers(0, 1000), sizes, budgets, st.integers(1, 3))
def test_every_completion_is_in_one_micro_batch_behind_its_prompt(
    seed: int, some: list[int], budget: int, ranks: int
) -> None:
    groups = draw_groups(seed, some)
    stakes = stakes_of(groups)
    shares = pack(groups, stakes, budget, ranks)
    assert len({len(share) for share in shares}) == 1
    batches = [batch for share in shares for batch in share]
    found = sum((read(batch) for batch in batches if len(batch.targets)), Counter())
    assert found == Counter(
        (group.prompt, rollout.tokens, gain)
        for group, own in zip(groups, stakes.advantages, strict=True)
        for rollout, gain in zip(group.rollouts, own, strict=True)
    )
    # A completion that is longer than the budget has a micro-batch of its own.
    beyond = [batch for batch in batches if len(batch.ids) > budget]
    assert {sum(len(bodies) for _, bodies in batch.trees) for batch in beyond} <= {1}


@given(st.integers(0, 1000), sizes, budgets)
def test_a_target_knows_its_place_in_the_minibatch(seed: int, some: list[int], budget: int) -> None:
    groups = draw_groups(seed, some)
    tokens = [token for group in groups for rollout in group.rollouts for token in rollout.tokens]
    sampled = [one for group in groups for rollout in group.rollouts for one in rollout.logprobs]
    (batches,) = pack(groups, stakes_of(groups), budget)
    places = [place for batch in batches for place in batch.place.tolist()]
    assert sorted(places) == list(range(len(tokens)))
    for batch in batches:
        assert [tokens[place] for place in batch.place.tolist()] == batch.targets.tolist()
        assert batch.sampled.tolist() == pytest.approx([sampled[place] for place in batch.place.tolist()])


def test_a_group_within_the_budget_has_its_prompt_forwarded_once() -> None:
    groups = draw_groups(0, [8], prompt=40)
    size = grow_tree(0, groups[0]).size
    assert size == len(groups[0].prompt) + sum(len(one.tokens) - 1 for one in groups[0].rollouts)
    ((batch,),) = pack(groups, stakes_of(groups), size)
    assert len(batch.ids) == size


def test_a_group_beyond_the_budget_repeats_its_prompt_in_few_parts() -> None:
    group = Group("a", (1,) * 10, tuple(rollout(length) for length in (31, 21, 11, 21)), (0.0,) * 4, (True,) * 4, 31)
    parts = split_tree(grow_tree(0, group), 60)
    assert [part.rollouts for part in parts] == [(0, 1), (3, 2)]
    assert [part.size for part in parts] == [60, 40]


def test_longest_first_each_where_it_first_fits() -> None:
    groups = [Group(str(n), (1,), (rollout(n),), (0.0,), (True,), 60) for n in (30, 60, 50, 40, 20)]
    rows = fill([grow_tree(number, group) for number, group in enumerate(groups)], 100)
    assert [[tree.size for tree in row] for row in rows] == [[60, 40], [50, 30, 20]]


def test_ranks_work_on_micro_batches_of_about_one_size_at_once() -> None:
    groups = draw_groups(3, [6] * 8, prompt=4, completion=40)
    shares = pack(groups, stakes_of(groups), 200, ranks=2)
    assert len(shares[0]) >= 2
    for left, right in zip(*shares, strict=True):
        assert abs(len(left.ids) - len(right.ids)) < 100


def test_a_rank_without_a_sequence_still_has_a_micro_batch_to_keep_step_with() -> None:
    groups = draw_groups(0, [1, 1, 1])
    shares = pack(groups, stakes_of(groups), 4, ranks=2)
    assert [[len(batch.targets) > 0 for batch in share] for share in shares] == [[True, True], [True, False]]
    assert len(shares[1][1].ids) == 1


def test_an_empty_completion_is_left_out() -> None:
    group = Group("a", (1, 2), (rollout(0), rollout(3)), (0.0, 1.0), (False, True), 3)
    ((batch,),) = pack([group], Stakes([[-1.0, 1.0]], [[0.0, 1.0]]), 64)
    assert batch.targets.tolist() == [5, 5, 5]


def rollout(length: int) -> Rollout:
    return Rollout((5,) * length, (-1.0,) * length, "", "stop", (0, 0))
