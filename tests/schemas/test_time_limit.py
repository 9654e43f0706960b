"""A problem's time limit is read from whatever column, unit and form its source writes it in."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conform import conform_rows
from schemas.time_limit import read_seconds

CODE = {"domain": "code", "statement": "Print the sum."}


def read(row: dict[str, Any]) -> tuple[float | None, Any]:
    problems, rejected = conform_rows([CODE | row], "mine")
    assert rejected.is_empty()
    kept = problems.row(0, named=True)
    return kept["time_limit"], json.loads(kept["extra"]) if kept["extra"] else None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (2, 2.0),
        (0.5, 0.5),
        (2000, 2.0),
        ("2", 2.0),
        ("1000", 1.0),
        ("2 seconds", 2.0),
        ("1 second(s)", 1.0),
        ("2.5s", 2.5),
        ("2 sec", 2.0),
        ("1500 ms", 1.5),
        ("2000/1000 MS (Java/Others)", 2.0),
        ("2,5 сек.", 2.5),
        ("2秒", 2.0),
        ("500 ミリ秒", 0.5),
        ("1 min", 60.0),
        ({"seconds": 3, "nanos": 500_000_000}, 3.5),
        ({"seconds": 2, "nanos": None}, 2.0),
        ('{"seconds": 2, "nanos": 0}', 2.0),
        (timedelta(seconds=4), 4.0),
        (10_000_000, 99.0),
        *((nothing, None) for nothing in ("unlimited", "", 0, -1, True, float("nan"), {}, [2])),
    ],
)
def test_a_limit_is_read_in_every_form(value: Any, seconds: float | None) -> None:
    assert read_seconds(value) == seconds
    assert read({"time_limit": value})[0] == seconds


@pytest.mark.parametrize(
    ("row", "seconds", "left"),
    [
        ({"timeLimit": 3}, 3.0, None),
        ({"time_limit_ms": 50}, 0.05, None),
        ({"Time Limit (ms)": "3000", "level": 1}, 3.0, {"level": 1}),
        ({"time limit per test": "2 seconds"}, 2.0, None),
        ({"extra": {"cpu_time_limit": 1}}, 1.0, None),
        ({"metadata": '{"func_name": "f", "time_limit": 5}'}, 5.0, {"metadata": '{"func_name": "f", "time_limit": 5}'}),
        ({"limits": {"time_limit": 1.5, "memory": 3}}, 1.5, {"limits": {"time_limit": 1.5, "memory": 3}}),
        ({"limits": {"time": 3}}, 3.0, {"limits": {"time": 3}}),
        ({"limits": {"time_multiplier": 5}}, None, {"limits": {"time_multiplier": 5}}),
        ({"time_limit": "none", "time_limit_ms": 700}, 0.7, {"time_limit": "none"}),
        ({"memory_limit": 256, "time": 12}, None, {"memory_limit": 256, "time": 12}),
    ],
)
def test_a_limit_is_found_under_every_name(row: dict[str, Any], seconds: float | None, left: Any) -> None:
    assert read(row) == (seconds, left)


def test_a_limit_is_no_part_of_a_problems_identity() -> None:
    tables = [conform_rows([CODE | more], "mine")[0] for more in ({}, {"time_limit": 1}, {"timeLimit": "3 s"})]
    assert len({table["id"][0] for table in tables}) == 1


def test_a_math_problem_keeps_such_a_column_as_it_is() -> None:
    problems, _ = conform_rows([{"domain": "math", "statement": "1 + 1?", "timeLimit": 40}], "mine")
    assert problems["time_limit"][0] is None
    assert json.loads(problems["extra"][0]) == {"timeLimit": 40}


@given(
    st.floats() | st.integers() | st.text(max_size=12) | st.dictionaries(st.just("seconds"), st.floats() | st.text())
)
def test_a_limit_that_was_read_is_read_again_as_it_is(value: Any) -> None:
    seconds = read_seconds(value)
    assert seconds is None or (0 < seconds <= 99 and read_seconds(seconds) == seconds)
