"""A source that cannot be read stops the run at once; single bad rows do not."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.ingest import ingest
from pipeline.ingest.unreadable import FIRST_ROWS, Tally
from pipeline.run.storage import RunFolder
from pipeline.stage_file import run_stage
from schemas.config import Config
from schemas.errors import InputError


def invalid(count: int) -> pl.DataFrame:
    return pl.DataFrame({"detail": [f"row {n}: no statement" for n in range(count)]}, schema={"detail": pl.String})


def refuses(read: Callable[[], None]) -> bool:
    try:
        read()
    except InputError as error:
        return "can be read" in str(error)
    return False


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), max_size=8))
def test_a_source_is_refused_where_over_half_of_its_rows_are_invalid(batches: list[tuple[int, float]]) -> None:
    tally = Tally("mine")
    counts = [(rows, round(rows * bad)) for rows, bad in batches]
    for rows, bad in counts:
        tally.add(rows, invalid(bad))
    over_half = 2 * sum(bad for _, bad in counts) > sum(rows for rows, _ in counts)
    assert refuses(tally.close) == over_half


def test_the_first_thousand_invalid_rows_are_enough() -> None:
    tally = Tally("mine", "columns: {statement: text}")
    tally.add(FIRST_ROWS - 1, invalid(FIRST_ROWS - 1))
    with pytest.raises(
        InputError, match=r"none of 1000 rows can be read:\n  row 0.*\n  row 1.*\n  row 2.*\nmap"
    ) as told:
        tally.add(1, invalid(1))
    assert "columns: {statement: text}" in str(told.value)


def test_rows_that_a_preset_read_want_no_mapping() -> None:
    tally = Tally("mine", preset="kattis")
    tally.add(3, invalid(2))
    with pytest.raises(InputError, match=r"1 of 3 rows can be read:\n.*\n.*\nfix the rows, or name another") as told:
        tally.close()
    assert "columns" not in str(told.value)


def test_one_readable_row_in_the_first_thousand_goes_on() -> None:
    tally = Tally("mine")
    assert not refuses(lambda: tally.add(FIRST_ROWS, invalid(FIRST_ROWS - 1)))


def test_a_run_that_reads_nothing_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"domain": "chess", "statement": f"Mate in {n}."} for n in range(5)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = tmp_path / "run"
    config = Config.model_validate({"run": str(run), "sources": [{"name": "mine", "files": str(file)}]})
    with pytest.raises(InputError, match="none of 5 rows can be read"):
        ingest(config, RunFolder(str(run)))
    assert not list(run.glob("*/*.parquet"))
    with pytest.raises(InputError, match="none of 5 rows can be read"):
        run_stage("screen", str(file), str(tmp_path / "out"), config)
    assert not (tmp_path / "out").exists()
