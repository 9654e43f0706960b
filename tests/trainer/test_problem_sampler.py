"""The feed: every problem once an epoch, nothing skipped by a kill."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inference.prompts import Prompt
from schemas.errors import InputError
from trainer.problem_sampler import Feed
from trainer.problems import Task


def task(id: str) -> Task:
    return Task(id, f"problem {id}", "math", "en", Prompt(None, id, id), "1")


def take(feed: Feed, count: int) -> list[str]:
    return [one.id for one in islice(iter(feed.take, None), count)]


@given(st.integers(1, 12), st.integers(1, 4), st.text(max_size=3))
def test_every_epoch_has_every_problem_once(size: int, epochs: int, seed: str) -> None:
    feed = Feed([task(f"{n:02d}") for n in range(size)], seed)
    for _ in range(epochs):
        assert sorted(take(feed, size)) == [f"{n:02d}" for n in range(size)]


def test_epochs_differ_in_their_order() -> None:
    feed = Feed([task(f"{n:02d}") for n in range(30)], "0")
    assert take(feed, 30) != take(feed, 30)


@given(st.integers(1, 10), st.integers(0, 25), st.data())
def test_after_a_resume_what_was_pending_comes_first_and_then_the_same_order(
    size: int, taken: int, data: st.DataObject
) -> None:
    tasks = [task(f"{n:02d}") for n in range(size)]
    first = Feed(tasks, "seed")
    ids = take(first, taken)
    done = data.draw(st.lists(st.sampled_from(range(taken)), unique=True)) if taken else []
    for at in done:
        first.done(ids[at])
    state = first.state()
    pending = sorted(id for at, id in enumerate(ids) if at not in done)
    assert sorted(state["pending"]) == pending
    second = Feed.resume(
        tasks, "seed", data.draw(st.sampled_from([state, {"position": state["position"], "owed": state["pending"]}]))
    )
    assert sorted(take(second, len(pending))) == pending
    assert take(second, 15) == take(first, 15)


def test_what_was_pending_survives_a_second_kill_before_it_was_taken() -> None:
    tasks = [task("a"), task("b"), task("c")]
    state = Feed(tasks, "0", position=3, pending=("a", "b")).state()
    assert sorted(state["pending"]) == ["a", "b"]


def test_a_dropped_problem_does_not_come_again() -> None:
    feed = Feed([task("a"), task("b")], "0")
    first = feed.take().id
    feed.drop(first)
    assert first not in take(feed, 6)


def test_the_last_problem_cannot_be_dropped_in_silence() -> None:
    feed = Feed([task("a")], "0")
    feed.take()
    with pytest.raises(InputError, match="none of the 1 problems"):
        feed.drop("a")


def test_a_problem_that_is_gone_from_the_set_is_not_pending() -> None:
    feed = Feed([task("a")], "0", pending=("a", "gone"))
    assert take(feed, 2) == ["a", "a"]
