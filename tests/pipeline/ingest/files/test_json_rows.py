"""JSON is read however it is laid out: by line, as an array, wrapped, by key, by column, an object a file."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import json_rows, read_rows
from pipeline.ingest.files.json_columns import find_starts, read_columns
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

ROWS = [{"problem": f"What is {n} + {n}?", "answer": 2 * n, "tags": ["sum", str(n)]} for n in range(20)]
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def by_column(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]}


LAYOUTS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "array": lambda rows: rows,
    "wrapped, facts first": lambda rows: {"name": "set", "version": 1, "about": {"by": "us"}, "examples": rows},
    "wrapped, facts last": lambda rows: {"data": rows, "license": "cc0"},
    "wrapped twice": lambda rows: {"set": {"name": "x", "problems": rows}},
    "wrapped under a name of its own": lambda rows: {"title": "x", "aufgaben": rows},
    "with an instruction for all": lambda rows: {"instruction": "Solve each.", "examples": rows},
    "pandas, records in a table": lambda rows: {"schema": {"fields": [{"name": "problem"}]}, "data": rows},
    "pandas, columns": by_column,
    "pandas, index": lambda rows: {str(n): row for n, row in enumerate(rows)},
    "pandas, split": lambda rows: {
        "columns": list(rows[0]),
        "index": list(range(len(rows))),
        "data": [list(row.values()) for row in rows],
    },
    "lists by column": lambda rows: {name: [row[name] for row in rows] for name in rows[0]},
    "by id": lambda rows: {f"problem-{n}": row for n, row in enumerate(rows)},
    "the Hub's viewer": lambda rows: {
        "features": [{"feature_idx": 0, "name": "problem"}],
        "rows": [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(rows)],
    },
}


def plain(rows: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in (WHERE, "key")} for row in rows]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("head", [json_rows.HEAD_BYTES, 600])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_seen_through(
    layout: str, head: int, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where only the first rows are in what is looked at."""
    monkeypatch.setattr(json_rows, "HEAD_BYTES", head)
    monkeypatch.setattr("pipeline.ingest.files.streams.READ_BYTES", 300)
    path = tmp_path / "set.json"
    path.write_text(json.dumps(LAYOUTS[layout](ROWS), indent=indent))
    rows = list(read_rows(path))
    assert plain(rows) == ROWS
    assert rows[3][WHERE] == f"{path} row 3"


def test_the_splits_of_a_set_are_told_by_their_key(tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text(json.dumps({"train": ROWS[:3], "test": ROWS[3:5]}))
    rows = list(read_rows(tmp_path / "set.json"))
    assert plain(rows) == ROWS[:5]
    assert [row["key"] for row in rows] == ["train"] * 3 + ["test"] * 2


@pytest.mark.parametrize(
    "row",
    [
        {"problem": "Add.", "tests": [{"input": "1 2", "output": "3"}]},
        {"question": "Add.", "examples": [{"input": "1 2", "output": "3"}], "data": [{"x": 1}]},
        {"messages": [{"role": "user", "content": "Add."}]},
        {"description": "Add.", "public_tests": {"input": ["1"], "output": ["2"]}},
        {"reward_model": {"ground_truth": "3"}, "extra_info": {"index": 0}},
        {"prompt": "Add.", "solutions": [{"language": "python", "code": "x"}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_problem_is_no_set_of_its_parts(row: dict[str, Any], indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(row, indent=indent))
    [got] = read_rows(path)
    assert got == row | {WHERE: str(path)}


def test_objects_one_after_another_on_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text("\n".join(json.dumps(row, indent=2) for row in ROWS))
    rows = list(read_rows(path))
    assert plain(rows) == ROWS
    lines = len(json.dumps(ROWS[0], indent=2).splitlines())
    assert [row[WHERE] for row in rows[:2]] == [f"{path}:1", f"{path}:{lines + 1}"]


@pytest.mark.parametrize("name", ["set.jsonl", "set.json"])
def test_a_name_does_not_decide_the_layout(name: str, tmp_path: Path) -> None:
    for text in (json.dumps(ROWS, indent=1), "\n".join(map(json.dumps, ROWS)), json.dumps(ROWS)):
        (tmp_path / name).write_text(text)
        assert plain(read_rows(tmp_path / name)) == ROWS


def test_a_folder_of_objects_keeps_the_names_of_its_folders(tmp_path: Path) -> None:
    for name in ("train/algebra/14.json", "train/geometry/2.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(json.dumps({"problem": name, "solution": "\\boxed{1}"}, indent=4))
    (tmp_path / "train" / "geometry" / "3.json").write_text('{\n  "problem": "cut off')
    first, second, broken = read_rows(tmp_path)
    assert (first["folder"], first["source_id"]) == ("train/algebra", "train/algebra/14")
    assert second["folder"] == "train/geometry"
    assert isinstance(broken, InvalidRow)
    assert "3.json: not whole JSON" in broken.detail


def test_an_object_that_breaks_off_is_an_error_where_it_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text('{\n  "examples": [{"problem": "a"}, {"pro')
    with pytest.raises(InputError, match=r"set\.json: not whole JSON"):
        list(read_rows(tmp_path / "set.json"))


def test_chat_turns_are_a_row_as_elsewhere(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Add."}, {"from": "assistant", "ground_truth": {"value": "3"}}]
    chat = [{"role": "user", "content": "Add."}]
    (tmp_path / "set.json").write_text(json.dumps([turns, chat]))
    first, second = read_rows(tmp_path / "set.json")
    assert first["conversations"] == turns
    assert second["messages"] == chat


def test_columns_are_read_whole_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "HEAD_BYTES", 600)
    path = tmp_path / "set.json"
    path.write_text(json.dumps(by_column(ROWS * 5000)))
    assert len(list(read_rows(path, reading=ReadingConfig(whole_mb=1)))) == len(ROWS * 5000)
    packed = tmp_path / "set.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match=r"reading\.whole_mb"):
        list(read_rows(packed, reading=ReadingConfig(whole_mb=1)))


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\{}[],: é'),
    lambda inner: st.lists(inner, max_size=3),
)


@given(
    rows=st.integers(2, 6).flatmap(
        lambda n: st.dictionaries(st.text('ab"\\{', min_size=1), st.lists(CELLS, min_size=n, max_size=n), min_size=2)
    ),
    keyed=st.booleans(),
    piece=st.integers(1, 40),
    indent=st.none() | st.just(1),
)
@SLOW
def test_columns_are_read_side_by_side_as_they_are_whole(
    rows: dict[str, list[Any]], keyed: bool, piece: int, indent: int | None, tmp_path: Path
) -> None:
    given = {name: {str(n): cell for n, cell in enumerate(cells)} for name, cells in rows.items()} if keyed else rows
    text = json.dumps(given, indent=indent, ensure_ascii=False).encode()
    starts = find_starts(text[at : at + piece] for at in range(0, len(text), piece))
    assert starts is not None
    read = read_columns(lambda at: iter([text[at:]]), starts, "set", ReadingConfig())
    assert list(read) == [dict(zip(rows, cells, strict=True)) for cells in zip(*rows.values(), strict=True)]
    assert find_starts([text[:-1]]) is None
    assert find_starts([text, text]) is None


def test_columns_of_different_rows_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "HEAD_BYTES", 600)
    columns = by_column(ROWS * 50)
    last = list(columns)[-1]
    short = {number: cell for number, cell in columns[last].items() if number != "900"}
    for wrong, why in ((short, "another key"), (dict(list(columns[last].items())[:-1]), "fewer rows")):
        (tmp_path / "set.json").write_text(json.dumps(columns | {last: wrong}))
        with pytest.raises(InputError, match=why):
            list(read_rows(tmp_path / "set.json"))


@given(
    columns=st.dictionaries(
        st.sampled_from("abcd"), st.lists(st.integers(-(2**53), 2**53) | st.text(), min_size=3, max_size=3), min_size=2
    )
)
@SLOW
def test_what_polars_and_pandas_write_by_column_comes_back(columns: dict[str, list[Any]], tmp_path: Path) -> None:
    table = pl.DataFrame(columns, strict=False)
    (tmp_path / "set.json").write_text(json.dumps(table.to_dict(as_series=False)))
    assert plain(read_rows(tmp_path / "set.json")) == table.to_dicts()


@given(
    rows=st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers(), min_size=1), min_size=2, max_size=5),
    cut=st.integers(1, 10**6),
)
@SLOW
def test_no_cut_of_a_file_gives_a_row_that_was_not_there(rows: list[dict[str, Any]], cut: int, tmp_path: Path) -> None:
    text = json.dumps({"name": "set", "problems": rows}, ensure_ascii=False, indent=1).encode()
    path = tmp_path / "set.json"
    path.write_bytes(text[: 1 + cut % len(text)])
    try:
        got = plain(row for row in read_rows(path) if not isinstance(row, InvalidRow))
    except InputError:
        got = []
    assert got in (rows, [])
