"""Every reasoning_gym task becomes problems, the same each time; a wrong name is answered with the right one."""

import json

import pytest
from reasoning_gym.factory import DATASETS

from pipeline.ingest.gym import read_gym
from schemas.conform import conform_rows
from schemas.errors import InputError

TASKS = sorted(set(DATASETS) - {"composite"})
"""`composite` mixes tasks that its parameters name; without them it makes nothing."""


def test_a_problem_has_statement_answer_name_and_what_the_task_says_of_it() -> None:
    rows = list(read_gym("chain_sum", 3, 7, {"min_terms": 2, "max_terms": 2}))
    assert [row["source_id"] for row in rows] == ["chain_sum-7-0", "chain_sum-7-1", "chain_sum-7-2"]
    problems, rejected = conform_rows(rows, "sums")
    assert rejected.is_empty()
    assert problems.height == 3
    for row in problems.iter_rows(named=True):
        extra = json.loads(row["extra"])
        assert row["statement"].endswith(f"{extra['expression']} =")
        assert int(row["answer"]) == eval(extra["expression"])
        assert extra["source_dataset"] == "chain_sum"
        assert row["domain"] == "math"


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_task_goes_through_and_is_the_same_each_time(task: str) -> None:
    once, rejected = conform_rows(read_gym(task, 2, 3, {}), "gym")
    assert (once.height, rejected.height) == (2, 0), rejected["detail"].to_list()
    assert all(isinstance(json.loads(text), dict) for text in once["extra"])
    again, _ = conform_rows(read_gym(task, 2, 3, {}), "gym")
    assert once["id"].to_list() == again["id"].to_list()


def test_a_mix_of_tasks_by_its_parameters() -> None:
    from reasoning_gym.composite import DatasetSpec

    specs = [DatasetSpec(name="chain_sum", weight=1.0, config={}), DatasetSpec(name="gcd", weight=1.0, config={})]
    problems, _ = conform_rows(read_gym("composite", 4, 1, {"datasets": specs}), "mix")
    assert problems.height == 4


def test_more_of_a_task_begins_with_the_same_problems() -> None:
    few = [row["statement"] for row in read_gym("gcd", 3, 1, {})]
    assert [row["statement"] for row in read_gym("gcd", 9, 1, {})][:3] == few


@pytest.mark.parametrize(
    ("task", "params", "said"),
    [
        ("chain_sums", {}, "no task 'chain_sums'; did you mean chain_sum"),
        ("zzzzzz", {}, "it has: .*chain_sum"),
        ("chain_sum", {"min_term": 2}, "no parameter 'min_term'; did you mean 'min_terms'"),
        ("chain_sum", {"zzz": 2}, "no parameter 'zzz'; it has: min_terms, max_terms"),
        ("chain_sum", {"seed": 2}, "'seed' stands on the source itself"),
        ("chain_sum", {"min_terms": 9, "max_terms": 2}, "refuses min_terms=9, max_terms=2: max_terms must be"),
        ("chain_sum", {"min_terms": "two"}, "refuses min_terms='two'"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(task: str, params: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        next(read_gym(task, 2, 1, params))
