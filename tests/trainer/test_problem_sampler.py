"""The feed: nothing skipped by a kill, no problem forgotten, and most draws where there is something to learn."""

import json
import random
from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inference.prompts import Prompt
from schemas.errors import InputError
from trainer.problem_sampler import LONGEST_REST, TRIES, Feed, Rate
from trainer.problems import Task

GROUP = 8
RATES = st.floats(0, 1)


def task(id: str, right: int = 0, wrong: int = 0) -> Task:
    return Task(id, f"problem {id}", "math", "en", Prompt(None, id, id), "1", right=right, wrong=wrong)


def take(feed: Feed, count: int) -> list[str]:
    return [one.id for one in islice(iter(feed.take, None), count)]


def roll_out(rate: float, draw: random.Random, size: int = GROUP) -> list[bool]:
    return [draw.random() < rate for _ in range(size)]


def learn(feed: Feed, rates: dict[str, float], draws: int, draw: random.Random) -> list[str]:
    """Take problems, roll them out at their true pass rates, and say what came of it; which were taken."""
    taken = []
    for _ in range(draws):
        id = feed.take().id
        feed.note(id, roll_out(rates[id], draw))
        feed.done(id)
        taken.append(id)
    return taken


@given(st.integers(1, 12), st.integers(1, 4), st.text(max_size=3))
def test_drawn_evenly_every_epoch_has_every_problem_once(size: int, epochs: int, seed: str) -> None:
    ids = [f"{n:02d}" for n in range(size)]
    feed = Feed([task(id, wrong=16) for id in ids], seed)
    draw = random.Random(0)
    for _ in range(epochs):
        assert sorted(learn(feed, dict.fromkeys(ids, 1.0), size, draw)) == ids


@given(st.integers(1, 12), st.integers(1, 4), st.text(max_size=3))
def test_problems_that_always_teach_never_rest(size: int, epochs: int, seed: str) -> None:
    ids = [f"{n:02d}" for n in range(size)]
    feed = Feed([task(id, 8, 8) for id in ids], seed, GROUP)
    for _ in range(epochs):
        taken = take(feed, size)
        assert sorted(taken) == ids
        for id in taken:
            feed.note(id, [True, False] * (GROUP // 2))


def test_epochs_differ_in_their_order() -> None:
    feed = Feed([task(f"{n:02d}") for n in range(30)], "0")
    assert take(feed, 30) != take(feed, 30)


@given(st.lists(st.tuples(RATES, st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=12), st.integers())
def test_no_problem_is_forgotten_whatever_its_samples_said(problems: list[tuple[float, int, int]], seed: int) -> None:
    """Between two draws of a problem no other one is drawn more often than it has epochs to rest."""
    tasks = [task(f"{n:02d}", right, wrong) for n, (_, right, wrong) in enumerate(problems)]
    rates = {one.id: rate for one, (rate, _, _) in zip(tasks, problems, strict=True)}
    feed = Feed(tasks, "0", GROUP)
    since: dict[str, Counter[str]] = {one.id: Counter() for one in tasks}
    for id in learn(feed, rates, 40 * len(tasks), random.Random(seed)):
        since[id].clear()
        for other, counts in since.items():
            counts[id] += other != id
            assert counts[id] <= LONGEST_REST + 1


def test_draws_go_where_groups_have_signal() -> None:
    """Of 100 problems 20 teach; drawn evenly every fifth group would, and soon most of them do."""
    rates = {f"{n:03d}": 0.5 if n < 20 else float(n % 2) for n in range(100)}
    draw = random.Random(1)
    feed = Feed([task(id) for id in rates], "0", GROUP)
    learn(feed, rates, 300, draw)
    late = Counter(rates[id] for id in learn(feed, rates, 600, draw))
    assert late[0.5] > 0.5 * late.total()
    assert late[0.0]
    assert late[1.0]


def test_samples_of_the_grading_say_where_before_the_first_rollout() -> None:
    tasks = [task(f"{n:03d}", *((8, 8) if n < 20 else (0, 16))) for n in range(100)]
    first = Counter(id < "020" for id in take(Feed(tasks, "0", GROUP), 36))
    assert first[True] > 15
    assert first[False] > 5, "and those that are never solved do not all wait for the same epoch"


def test_a_problem_that_is_solved_now_rests_and_one_that_can_be_solved_now_comes_again() -> None:
    rates = {f"{n:02d}": 0.5 for n in range(20)}
    draw = random.Random(2)
    feed = Feed([task(id, 8, 8) for id in rates], "0", GROUP)
    learn(feed, rates, 100, draw)
    rates["03"], rates["04"] = 1.0, 0.0
    learn(feed, rates, 200, draw)
    rest = Counter(learn(feed, rates, 400, draw))
    assert rest["03"] < 10 < rest["05"]
    assert rest["04"] < 10
    rates["04"] = 0.5
    learn(feed, rates, 200, draw)
    assert Counter(learn(feed, rates, 400, draw))["04"] > 10


@given(st.integers(2, 16), st.integers(0, 40), st.integers(0, 40))
def test_the_chance_of_signal_is_what_drawing_pass_rates_comes_to(size: int, right: int, wrong: int) -> None:
    draw = random.Random(0)
    drawn = [draw.betavariate(right + 0.5, wrong + 0.5) for _ in range(4000)]
    mean = sum(1 - p**size - (1 - p) ** size for p in drawn) / len(drawn)
    assert Rate(right, wrong).find_chance(size) == pytest.approx(mean, abs=0.04)


@given(st.integers(1, 10), st.integers(0, 25), st.booleans(), st.data())
def test_after_a_resume_what_was_pending_comes_first_and_then_the_same_order(
    size: int, taken: int, evenly: bool, data: st.DataObject
) -> None:
    tasks = [task(f"{n:02d}") for n in range(size)]
    group = 0 if evenly else GROUP
    first, draw = Feed(tasks, "seed", group), random.Random(0)
    ids = take(first, taken)
    done = data.draw(st.lists(st.sampled_from(range(taken)), unique=True)) if taken else []
    for at in done:
        first.note(ids[at], roll_out(0.3, draw))
        first.done(ids[at])
    state = json.loads(json.dumps(first.state()))
    pending = sorted(id for at, id in enumerate(ids) if at not in done)
    assert sorted(state["pending"]) == pending
    old = {"position": state["position"], "owed": state["pending"]}
    second = Feed.resume(tasks, "seed", data.draw(st.sampled_from([state, old])) if evenly else state, group)
    assert sorted(take(second, len(pending))) == pending
    for _ in range(15):
        id = first.take().id
        assert second.take().id == id
        outcome = roll_out(0.3, draw)
        first.note(id, outcome)
        second.note(id, outcome)


def test_what_was_pending_survives_a_second_kill_before_it_was_taken() -> None:
    tasks = [task("a"), task("b"), task("c")]
    state = Feed.resume(tasks, "0", {"position": 3, "pending": ["a", "b"]}).state()
    assert sorted(state["pending"]) == ["a", "b"]


def test_a_dropped_problem_does_not_come_again() -> None:
    feed = Feed([task("a"), task("b")], "0")
    first = feed.take().id
    feed.drop(first, "too long")
    assert first not in take(feed, 6)


def test_the_last_problem_cannot_be_dropped_in_silence() -> None:
    feed = Feed([task("a")], "0")
    feed.take()
    with pytest.raises(InputError, match="none of the 1 problems, of a because: no system role"):
        feed.drop("a", "no system role")


def test_a_problem_that_is_gone_from_the_set_is_not_pending() -> None:
    feed = Feed.resume([task("a")], "0", {"pending": ["a", "gone"], "rates": {"gone": [1, 0, 4]}})
    assert take(feed, 2) == ["a", "a"]
    assert "gone" not in feed.state()["rates"]


@given(st.integers(2, 12), st.sampled_from([0, GROUP]), st.integers(1, 3), st.integers(0, 5))
def test_a_problem_whose_groups_are_always_too_old_rests_again_and_again_and_is_never_given_up(
    size: int, group: int, rounds: int, kill: int
) -> None:
    """Drawn evenly or by its pass rate, and whether or not the run is killed and resumed in between."""
    tasks = [task(f"{n:02d}", 8, 8) for n in range(size)]
    feed = Feed(tasks, "0", group)
    taken: list[str] = []
    goes_on: list[bool] = []
    while taken.count("00") < rounds * TRIES:
        id = feed.take().id
        taken.append(id)
        if id == "00":
            goes_on.append(feed.put_back(id))
        else:
            feed.done(id)
        if len(taken) % 7 == kill:
            feed = Feed.resume(tasks, "0", json.loads(json.dumps(feed.state())), group)
    assert goes_on == [number % TRIES != 0 for number in range(1, rounds * TRIES + 1)]
    at = [number for number, id in enumerate(taken) if id == "00"]
    between = [later - earlier for earlier, later in pairwise(at)]
    assert set(between[0::TRIES]) <= {1}, "the next one"
    assert all((LONGEST_REST - 1) * (size - 1) <= rest <= (LONGEST_REST + 1) * size for rest in between[1::TRIES])


def test_one_group_in_time_between_two_that_were_too_old_and_the_problem_does_not_rest() -> None:
    feed = Feed([task("00"), task("01")], "0")
    for _ in range(3 * TRIES):
        while feed.take().id != "00":
            feed.done("01")
        assert feed.put_back("00")
        assert feed.take().id == "00"
        feed.done("00")
