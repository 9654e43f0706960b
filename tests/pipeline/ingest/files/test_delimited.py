"""CSV and TSV come as their writers meant them, whoever wrote them; what is broken says in which line."""

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import read_rows
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

SMALL = ReadingConfig(row_mb=1, row_values=1000)
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('",;\t|\n $\\'), min_size=1, max_size=12
)
COLUMNS = ["question", "answer", "n"]


def read(path: Path, text: str | bytes, reading: ReadingConfig | None = None) -> list[dict[str, Any]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_rows(path, reading=reading or ReadingConfig()))


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != WHERE} for row in rows]


@pytest.mark.parametrize(
    ("ending", "separator"), [("csv", ","), ("csv", ";"), ("tsv", "\t"), ("csv", "|"), ("csv", "\t")]
)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
@SLOW
def test_rows_come_back_from_what_a_writer_wrote(
    rows: list[tuple[str, ...]], end: str, bom: bool, ending: str, separator: str, tmp_path: Path
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *rows])
    got = read(tmp_path / f"rows.{ending}", text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    assert plain(got) == [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def test_what_polars_writes_is_read(tmp_path: Path) -> None:
    table = pl.DataFrame({"question": ['"7", he said', "two\nlines", "a;b"], "answer": ["3,004", None, "x"]})
    table.write_csv(tmp_path / "rows.csv")
    assert plain(list(read_rows(tmp_path / "rows.csv"))) == table.to_dicts()


def test_a_row_is_placed_by_the_line_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = read(path, 'question,answer\n"one\n\ntwo",1\n\nthree,2\n')
    assert [row[WHERE] for row in rows] == [f"{path}:2", f"{path}:6"]


def test_a_wrong_number_of_fields_is_a_row_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    first, bad, short, last = read(path, "question,answer\na,1\nWhat is 1,000 + 2?,1002\nb\nc,2\n")
    assert (first["question"], last["question"]) == ("a", "c")
    assert bad.detail.startswith(f"{path}:3: 3 fields, where the header has 2")
    assert bad["raw"] == ["What is 1", "000 + 2?", "1002"]
    assert short.detail.startswith(f"{path}:4: 1 fields")


def test_a_quote_that_is_never_closed_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    good, bad = read(path, 'question,answer\na,1\n"b,2\nc,3\n')
    assert good["answer"] == "1"
    assert isinstance(bad, InvalidRow)
    assert bad.detail.startswith(f"{path}:3: a quote opens a field that never ends, up to line 4")


def test_a_quote_in_the_middle_of_a_field_costs_its_row_only(tmp_path: Path) -> None:
    _, bad, last = read(tmp_path / "rows.csv", 'question,answer\na,1\n"b" or not,2\n"c",3\n')
    assert "not CSV" in bad.detail
    assert last["question"] == "c"


def test_quotes_of_a_tsv_without_quoting_are_text(tmp_path: Path) -> None:
    rows = read(tmp_path / "rows.tsv", 'question\tanswer\n"7 for 5" reads a sign.\t28\nan open " quote\t3\n')
    assert [row["question"] for row in rows] == ['"7 for 5" reads a sign.', 'an open " quote']


def test_text_that_excel_wrote_in_utf_16(tmp_path: Path) -> None:
    [row] = read(tmp_path / "rows.csv", "question\tanswer\nWie groß?\t28\n".encode("utf-16"))
    assert (row["question"], row["answer"]) == ("Wie groß?", "28")


def test_bytes_of_another_encoding_cost_their_row_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    bad, good = read(path, "question,answer\nWie gro\xdf?,28\nb,1\n".encode("latin-1"))
    assert bad.detail.startswith(f"{path}:2: not UTF-8 at byte 8")
    assert good["answer"] == "1"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('"What is 4 + 3?",0,4,2,7,D\n"What is 2 + 2?",4,3,2,1,A\n', [f"column_{n}" for n in range(1, 7)]),
        (",question\n0,a\n1,b\n", ["column_1", "question"]),
        ("question\nWhat is 1,000 + 2?\nWhat is 2; or 3?\n", ["question"]),
    ],
    ids=["no header", "an index without a name", "one column"],
)
def test_the_header_is_what_names_columns(text: str, columns: list[str], tmp_path: Path) -> None:
    rows = read(tmp_path / "rows.csv", text)
    assert len(rows) == 2
    assert list(plain(rows)[0]) == columns


@pytest.mark.parametrize("titles", [0, 1, 5])
def test_titles_above_the_header_are_passed_over(titles: int, tmp_path: Path) -> None:
    text = "Spring term,,\n" * titles + "id,problem,answer\n1,What is 2 + 2?,4\n,,\n2,,5\n"
    rows = plain(read(tmp_path / "set.csv", text))
    assert [row["answer"] for row in rows] == ["4", None, "5"]


def test_a_name_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.csv:1: the header has 'answer' twice"):
        read(tmp_path / "rows.csv", "question,answer,answer\na,b,c\n")


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("x" * (1 << 21), r"rows\.csv:3: a row of over 1 MiB"),
        ('"' + "x\n" * (1 << 20), r"rows\.csv:3: a row of over 1 MiB .*is a quote before it left open"),
        ("," * 5000, r"rows\.csv:3: a row of over 1000 values"),
    ],
    ids=["long field", "open quote", "many fields"],
)
def test_a_row_has_its_limits(row: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=wrong):
        read(tmp_path / "rows.csv", f"question,answer\na,1\n{row}\n", SMALL)


@pytest.mark.parametrize("text", ["", "\n\n", "question,answer\n"])
def test_a_file_without_rows_has_none(text: str, tmp_path: Path) -> None:
    assert read(tmp_path / "rows.csv", text) == []
