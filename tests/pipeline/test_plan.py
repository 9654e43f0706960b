"""A plan says of a whole set what a part of it took, with intervals that hold."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.plan import Plan, Speed, Whole, choose_pilot, count_ways, make_plan, measure_problems
from schemas.config import Config
from schemas.errors import InputError

VERDICTS = st.lists(
    st.sampled_from(["correct", "wrong a", "wrong b", "no answer", "unknown"]), min_size=16, max_size=16
)


def config(stop: str = "early", n: int = 16) -> Config:
    return Config.model_validate(
        {"run": "r", "sources": [{"name": "s", "files": "f"}], "sampling": {"n": n, "stop": stop}}
    )


def samples_of(verdicts: list[list[str]], tokens: int | None = 100) -> pl.DataFrame:
    rows = [
        {
            "problem_id": f"{problem:016x}",
            "prompt": "p",
            "index": index,
            "answer": said.partition(" ")[2] if said.startswith("wrong") else None,
            "answer_key": "right"
            if said == "correct"
            else said.partition(" ")[2]
            if said.startswith("wrong")
            else None,
            "verdict": "wrong" if said == "no answer" else said.partition(" ")[0],
            "tokens": tokens,
            "completion": "x" * 400,
        }
        for problem, told in enumerate(verdicts)
        for index, said in enumerate(told)
    ]
    return pl.DataFrame(rows, schema_overrides={"tokens": pl.Int32, "answer": pl.String, "answer_key": pl.String})


def problems_of(count: int) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{n:016x}" for n in range(count)], "answer": ["right"] * count})


def measured(tokens: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> pl.DataFrame:
    count = len(tokens)
    return pl.DataFrame(
        {
            "tokens": tokens,
            "bytes": 4 * tokens,
            "samples": [16.0] * count,
            "early": [12] * count,
            "kept": [True] * count,
            "full_tokens": 2 * tokens,
            "early_tokens": tokens,
            "confident_tokens": tokens / 2,
        }
    )


def count_early(verdicts: list[str]) -> int:
    samples = samples_of([verdicts]).drop("tokens", "completion")
    return int(count_ways(samples, problems_of(1), config())[0]["early"][0])


@given(VERDICTS)
def test_stopping_early_takes_what_is_needed_and_no_more_than_all(verdicts: list[str]) -> None:
    taken = count_early(verdicts)
    assert 1 <= taken <= 16
    # What was not taken could not have changed anything: another end gives the same count.
    other = [*verdicts[:taken], *("correct" if said != "correct" else "wrong a" for said in verdicts[taken:])]
    assert count_early(other) == taken


def test_a_full_run_and_one_that_stopped_early_are_planned_alike() -> None:
    verdicts = [["correct"] * 16, ["wrong a", "no answer"] * 8, ["correct", "wrong a"] * 8]
    full = samples_of(verdicts)
    early = measure_problems(full, problems_of(3), config())
    cut = full.join(early.select("problem_id", "early"), on="problem_id").filter(pl.col("index") < pl.col("early"))
    again = measure_problems(cut.drop("early"), problems_of(3), config())
    assert again.select("early", "samples", "tokens", "kept").equals(early.select("early", "samples", "tokens", "kept"))
    assert measure_problems(full, problems_of(3), config("full"))["samples"].to_list() == [16.0] * 3
    assert early["kept"].to_list() == [False, False, True]


def test_samples_without_token_counts_are_no_basis() -> None:
    with pytest.raises(InputError, match="how many tokens"):
        measure_problems(samples_of([["correct"] * 16], tokens=None), problems_of(1), config())


@given(st.lists(st.floats(1, 1e5), min_size=2, max_size=60), st.integers(1, 10**6))
def test_totals_lie_in_their_intervals_and_what_is_known_is_exact(tokens: list[float], rest: int) -> None:
    table = measured(np.array(tokens))
    whole = Whole(len(tokens) + rest, 7, stored=100, packed=0.5)
    plan = make_plan(table, whole, config(), Speed(tokens_per_second=50), price=2)
    for told in (plan.tokens, plan.samples, plan.saved, plan.kept, plan.storage, plan.hours, plan.cost):
        assert told is not None
        assert told.low <= told.high
    known = make_plan(table, replace(whole, problems=len(tokens)), config()).tokens
    assert known.low == known.value == known.high == pytest.approx(sum(tokens))
    assert plan.hours is not None
    assert plan.hours.value == pytest.approx(plan.tokens.value / 50 / 3600)
    assert plan.storage.value == pytest.approx(100 + 2 * plan.tokens.value)
    assert Plan.from_json(plan.to_json()) == plan


def test_the_interval_holds_about_as_often_as_it_says() -> None:
    """Pilots of 48 from a set with lengths as skewed as those of reasoning models: 90% promised."""
    draw = np.random.default_rng(0)
    whole = draw.lognormal(8, 0.8, 20_000)
    held = 0
    for number in range(200):
        pilot = draw.choice(whole, 48, replace=False)
        told = make_plan(measured(pilot), Whole(len(whole), 1, 0, 1), config(), seed=number).tokens
        held += told.low <= whole.sum() <= told.high
    assert held >= 200 * 0.83


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, min_size=1, max_size=50), st.integers(1, 30), st.integers(1, 5))
def test_a_larger_pilot_holds_the_smaller_and_no_shard_order_matters(
    numbers: list[int], size: int, shards: int
) -> None:
    ids = {f"{n}": pl.Series([f"{v:016x}" for v in numbers[n::shards]], dtype=pl.String) for n in range(shards)}
    small, large = choose_pilot(ids, size), choose_pilot(dict(reversed(ids.items())), size + 5)
    chosen = {id for part in small.values() for id in part}
    assert len(chosen) == min(size, len(numbers))
    assert chosen <= {id for part in large.values() for id in part}
    assert all(set(part) <= set(ids[shard]) for shard, part in small.items())
