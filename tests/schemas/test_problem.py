"""An id says what a problem says, and nothing else."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conform import conform_rows
from schemas.problem import IDENTITY, PROBLEM_DTYPES, add_history, problem_id

ROW: dict[str, Any] = {"domain": "math", "language": "en", "statement": "What is 1+1?", "answer": "2"}


def test_an_id_is_the_same_on_every_machine_and_for_ever() -> None:
    assert problem_id(ROW) == "877e3d1d744fc512"


@given(st.fixed_dictionaries({name: st.text(max_size=5) for name in set(PROBLEM_DTYPES) - set(IDENTITY)}))
def test_where_it_is_from_does_not_count(more: dict[str, str]) -> None:
    assert problem_id(ROW | more) == problem_id(ROW)


@pytest.mark.parametrize("name", IDENTITY)
def test_nulls_and_empty_lists_do_not_count_but_what_it_says_does(name: str) -> None:
    without = {key: value for key, value in ROW.items() if key != name}
    assert problem_id(without | {name: None}) == problem_id(without | {name: []}) == problem_id(without)
    assert problem_id(without | {name: ["something"]}) != problem_id(without)


@given(st.text(), st.text())
def test_two_statements_have_two_ids(one: str, other: str) -> None:
    assert (problem_id(ROW | {"statement": one}) == problem_id(ROW | {"statement": other})) == (one == other)


def test_the_order_of_columns_does_not_count() -> None:
    assert problem_id(dict(reversed(ROW.items()))) == problem_id(ROW)


def test_history_grows_at_its_end_row_by_row() -> None:
    rows = [ROW | {"history": [{"stage": "ingest", "action": "read", "detail": "a"}]}, ROW | {"statement": "b"}]
    table, _ = conform_rows(rows, "mine")
    grown = add_history(table, "screen", [("rewritten", None)] * 2)
    assert dict(grown.schema) == PROBLEM_DTYPES
    entry = {"stage": "screen", "action": "rewritten", "detail": None}
    assert grown["history"].to_list() == [[rows[0]["history"][0], entry], [entry]]
    assert add_history(table.clear(), "screen", []).is_empty()
    noted = add_history(pl.concat([grown, grown]), "screen", [None, ("read", "b"), None, None])
    assert noted["history"].list.len().to_list() == [2, 2, 2, 1]
