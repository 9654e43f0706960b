"""Whatever rows come, each becomes a problem of the contract or an `invalid_row` that says what is wrong and where."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.conform import REJECT_SCHEMA, InvalidRow, conform_rows, plain_json, write_json
from schemas.problem import PROBLEM, PROBLEM_DTYPES

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*PROBLEM_DTYPES, "invalid", "raw", "level", "_where"]) | st.text(max_size=4)
GOOD = {"domain": "math", "statement": "What is $1+1$?"}


def one(row: dict[str, Any]) -> dict[str, Any]:
    problems, rejected = conform_rows([row], "mine")
    assert rejected.is_empty(), rejected["detail"].to_list()
    return problems.row(0, named=True)


def refused(row: dict[str, Any]) -> dict[str, Any]:
    problems, rejected = conform_rows([row], "mine")
    assert problems.is_empty()
    return rejected.row(0, named=True)


@pytest.mark.slow
@given(rows=st.lists(st.dictionaries(NAMES, ANYTHING, max_size=8), max_size=6))
@settings(deadline=None, max_examples=300)
def test_no_row_stops_the_rest_and_none_is_lost(rows: list[dict[str, Any]]) -> None:
    problems, rejected = conform_rows(rows, "mine")
    assert problems.height + rejected.height == len(rows)
    PROBLEM.validate(problems)
    assert dict(rejected.schema) == REJECT_SCHEMA
    assert set(rejected["reason"]) <= {"invalid_row"}
    assert rejected["detail"].null_count() == 0
    assert rejected["id"].str.contains(r"^[0-9a-f]{16}$").all()
    texts = [text for text in (*problems["extra"], *rejected["extra"]) if text is not None]
    assert {type(json.loads(text, parse_constant=pytest.fail)) for text in texts} <= {dict}


@given(rows=st.lists(st.dictionaries(NAMES, ANYTHING, max_size=8), max_size=6))
@settings(deadline=None, max_examples=100)
def test_what_was_shaped_once_is_left_as_it_is(rows: list[dict[str, Any]]) -> None:
    once, _ = conform_rows(rows, "mine")
    again, rejected = conform_rows(once.to_dicts(), "other")
    assert rejected.is_empty()
    assert again.equals(once)


@given(row=st.dictionaries(NAMES, ANYTHING, max_size=8))
@settings(deadline=None, max_examples=100)
def test_a_row_has_the_same_id_each_time_and_wherever_it_stood(row: dict[str, Any]) -> None:
    tables = [conform_rows([row | {"_where": place}], source) for place, source in (("a:1", "x"), ("b:2", "y"))]
    (first,), (second,) = ([*problems["id"], *rejected["id"]] for problems, rejected in tables)
    assert first == second


def test_only_domain_and_statement_are_needed() -> None:
    row = one(GOOD)
    assert (row["source"], row["language"], row["solutions"], row["history"]) == ("mine", "en", [], [])
    assert row["extra"] is None
    assert len(row["id"]) == 16


def test_unknown_columns_go_into_extra_and_join_what_is_there() -> None:
    assert json.loads(one(GOOD | {"level": 3, "extra": '{"topic": "sums"}'})["extra"]) == {"topic": "sums", "level": 3}
    assert json.loads(one(GOOD | {"extra": "a note"})["extra"]) == {"extra": "a note"}
    assert one(GOOD | {"level": None})["extra"] is None


def test_a_readers_own_keys_go_no_further() -> None:
    assert one(GOOD | {"_where": "a.jsonl:1"}) == one(GOOD)


def test_an_id_of_another_form_becomes_the_source_id() -> None:
    row = one(GOOD | {"id": "q-17"})
    assert row["source_id"] == "q-17"
    assert row["id"] == one(GOOD)["id"]
    assert one(GOOD | {"id": "q-17", "source_id": "s"})["source_id"] == "s"
    assert one(GOOD | {"id": "0123456789abcdef"})["id"] == "0123456789abcdef"


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (7.0, "7"), (0.5, "0.5"), (True, "True"), (10**30, "1" + "0" * 30), (math.nan, None), (None, None)],
)
def test_numbers_as_answers_become_the_text_one_would_write(value: Any, text: str | None) -> None:
    assert one(GOOD | {"answer": value})["answer"] == text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"domain": None}, "column 'domain' has None, which the contract does not allow (math or code)"),
        ({"domain": "chess"}, "column 'domain' has 'chess'"),
        (
            {"language": "english"},
            "column 'language' has 'english', which the contract does not allow (text of the form",
        ),
        ({"code_language": "cobol"}, "column 'code_language' has 'cobol'"),
        ({"statement": ["a"]}, "column 'statement' has list ['a'], where text is needed; map another column to it"),
        ({"answer": {"x": 1}}, "column 'answer' has dict {'x': 1}, where text is needed"),
        ({"tests": "1 2"}, "column 'tests' has str '1 2', where a list (or a JSON list) is needed"),
        ({"tests": [{"input": "1"}, 5]}, "column 'tests[1]' has int 5, where an object with ['id', 'input',"),
        ({"tests": [{"input": ["1"]}]}, "column 'tests[0].input' has list ['1'], where text is needed"),
        ({"checker": {"float_tolerance": "tight"}}, "column 'checker.float_tolerance' has str 'tight', where a number"),
        (
            {"checker": {"ignore_case": "perhaps"}},
            "column 'checker.ignore_case' has str 'perhaps', where true or false",
        ),
        ({"history": [{"stage": "ingest"}]}, "column 'history'"),
    ],
)
def test_what_does_not_fit_says_column_value_and_place(columns: dict[str, Any], said: str) -> None:
    assert refused(GOOD | columns)["detail"].startswith(said)
    assert refused(GOOD | columns | {"_where": "a.jsonl:3"})["detail"].startswith(f"a.jsonl:3: {said}")


def test_a_row_that_its_reader_could_not_read_is_rejected_with_what_the_reader_says() -> None:
    row = InvalidRow("not JSON at character 7", {"raw": "{oops", "_where": "a.jsonl:3"})
    rejected = refused(row)
    assert rejected["detail"] == "a.jsonl:3: not JSON at character 7"
    assert json.loads(rejected["extra"]) == {"raw": "{oops"}


def test_a_reject_keeps_what_fits_and_what_does_not() -> None:
    row = refused(GOOD | {"answer": {"x": 1}, "id": "q-1", "level": 2})
    assert (row["statement"], row["answer"], row["source_id"], row["source"]) == (
        GOOD["statement"],
        None,
        "q-1",
        "mine",
    )
    assert json.loads(row["extra"]) == {"level": 2, "given_answer": {"x": 1}}


def test_each_of_several_misfits_says_where_it_stood() -> None:
    rows = [{"domain": "chess", "statement": "same", "_where": f"f:{n}"} for n in range(3)]
    _, rejected = conform_rows(rows, "mine")
    assert [detail.partition(": ")[0] for detail in rejected["detail"]] == ["f:0", "f:1", "f:2"]


def test_code_fields_are_filled_in() -> None:
    row = one(
        GOOD
        | {"domain": "code", "tests": '[{"input": 1, "expected": 2}, {"id": "own", "origin": "generated"}]'}
        | {
            "checker": {"float_tolerance": "1e-6", "ignore_case": "False", "strict_whitespace": 1},
            "solutions": [{"code": "print(1)"}],
        }
    )
    assert [(test["id"], test["origin"]) for test in row["tests"]] == [("t0", "source"), ("own", "generated")]
    assert (row["tests"][0]["input"], row["checker"]["float_tolerance"]) == ("1", 1e-6)
    assert (row["checker"]["ignore_case"], row["checker"]["strict_whitespace"]) == (False, True)
    assert row["solutions"][0]["id"] == "s0"


def test_lone_surrogates_become_question_marks() -> None:
    row = one(GOOD | {"statement": "a\ud800b", "note": "c\udfff"})
    assert row["statement"] == "a?b"
    assert json.loads(row["extra"]) == {"note": "c?"}


@given(value=ANYTHING)
def test_any_value_is_written_as_json(value: Any) -> None:
    text = write_json(value)
    read = json.loads(text, parse_constant=pytest.fail)
    # As values: a mapping of 8 and "8" has the key "8" twice in JSON.
    assert json.loads(write_json(read)) == read


def test_what_json_lacks_becomes_what_it_has() -> None:
    assert plain_json({(1, 2): {3}, "n": np.int64(4), "x": math.inf, "b": b"z"}) == {
        "(1, 2)": [3],
        "n": 4,
        "x": None,
        "b": "z",
    }
    assert plain_json(pl.Series([1, 2])) == [1, 2]
