"""Rows come out of every kind of file as they went in; what is broken says where, and stops only what it must."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import json_rows, read_rows, streams
from schemas.conform import WHERE
from schemas.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["statement", "answer", "n", "é"]), VALUES, min_size=1), max_size=8)
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstd, ".bz2": bz2.compress}


def plain(rows: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != WHERE} for row in rows]


@pytest.mark.parametrize("ending", list(PACK))
@given(rows=ROWS, chunk=st.integers(1, 64))
@SLOW
def test_lines_come_back_whatever_the_compression_and_the_chunks(
    ending: str, rows: list[dict[str, Any]], chunk: int, tmp_path: Path
) -> None:
    file = tmp_path / f"rows.jsonl{ending}"
    file.write_bytes(PACK[ending]("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "READ_BYTES", chunk)
        patch.setattr(json_rows, "HEAD_BYTES", chunk)
        got = list(read_rows(file))
    assert plain(got) == rows
    assert [row[WHERE] for row in got] == [f"{file}:{n}" for n in range(1, len(rows) + 1)]


@given(rows=ROWS, indent=st.sampled_from([None, 2]), chunk=st.integers(4, 64), bom=st.booleans())
@SLOW
def test_an_array_comes_back_one_by_one(
    rows: list[dict[str, Any]], indent: int | None, chunk: int, bom: bool, tmp_path: Path
) -> None:
    file = tmp_path / "rows.json"
    text = json.dumps(rows, ensure_ascii=False, indent=indent)
    file.write_text(text, encoding="utf-8-sig" if bom else "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "READ_BYTES", chunk)
        patch.setattr(json_rows, "HEAD_BYTES", chunk)
        assert plain(read_rows(file)) == rows


def test_an_array_of_arrays_is_rows_that_say_so(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text('[[1], {"statement": "a"}, [[2], 3]]')
    first, second, third = read_rows(file)
    assert "a JSON list" in first.detail
    assert second["statement"] == "a"
    assert third["raw"] == "[[2], 3]"


@given(
    lines=st.lists(
        st.binary(max_size=30).filter(lambda line: b"\n" not in line)
        | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2).map(lambda row: json.dumps(row).encode()),
        max_size=8,
    )
)
@SLOW
def test_no_line_stops_the_reading_and_none_is_lost(lines: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join(lines))
    places = [row[WHERE] for row in read_rows(file)]
    kept = [n for n, line in enumerate(lines, 1) if (line.removeprefix(b"\xef\xbb\xbf") if n == 1 else line).strip()]
    assert places == [f"{file}:{n}" for n in kept]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"statement": "a"', "not JSON at character 18"),
        ("[1, 2]", "a JSON list, where an object is needed"),
        ("null", "a JSON NoneType, where an object is needed"),
        ("[" * 100_000, "JSON that cannot be read"),
        ('{"n": ' + "9" * 5000 + "}", "JSON that cannot be read"),
    ],
)
def test_a_bad_line_says_where_what_and_how_to_mend(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"statement": "a"}}\n{line}\n{{"statement": "b"}}\n')
    first, bad, last = read_rows(file)
    assert (first["statement"], last["statement"]) == ("a", "b")
    assert bad.detail.startswith(f"{file}:2: {said}")
    assert bad["raw"] == line


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"statement": "\xff"}\n{"statement": "b"}')
    bad, good = read_rows(file)
    assert "not UTF-8 at byte 16" in bad.detail
    assert good["statement"] == "b"


def test_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n\r\n{"n": 2}\r\n')
    assert plain(read_rows(file)) == [{"n": 1}, {"n": 2}]


def test_parquet_rows_and_the_columns_left_out(tmp_path: Path) -> None:
    table = pl.DataFrame({"statement": ["a", "b"], "deep": [{"x": [1, 2]}, {"x": []}], "long": ["-", "-"]})
    table.write_parquet(tmp_path / "a.parquet")
    rows = list(read_rows(tmp_path / "a.parquet", without=frozenset({"long"})))
    assert plain(rows) == table.drop("long").to_dicts()
    assert rows[1][WHERE] == f"{tmp_path / 'a.parquet'} row 1"


def test_folders_globs_and_several_places_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl"):
        (tmp_path / name).write_text(json.dumps({"n": name}))
    (tmp_path / "notes.txt").write_text("no rows")
    assert [row["n"] for row in read_rows(str(tmp_path))] == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]
    assert [row["n"] for row in read_rows(str(tmp_path / "*.jsonl"))] == ["a.jsonl", "b.jsonl"]
    assert [row["n"] for row in read_rows([str(tmp_path / "b.jsonl"), str(tmp_path / "a.jsonl")])] == [
        "b.jsonl",
        "a.jsonl",
    ]


def test_any_filesystem_of_fsspec() -> None:
    with fsspec.open("memory://ingest/rows.jsonl.gz", "wb") as file:
        file.write(gzip.compress(b'{"n": 1}\n') + gzip.compress(b'{"n": 2}\n'))
    rows = list(read_rows("memory://ingest/*.gz"))
    assert plain(rows) == [{"n": 1}, {"n": 2}]
    assert rows[1][WHERE] == "memory:///ingest/rows.jsonl.gz:2"


@pytest.mark.parametrize("place", ["nothere.jsonl", "no/*.parquet", "s4://bucket/a.jsonl"])
def test_a_place_that_is_not_there_is_named(place: str) -> None:
    with pytest.raises(InputError, match=place.replace("*", r"\*")):
        list(read_rows(place))


def test_a_kind_of_file_that_is_not_known_says_which_are(tmp_path: Path) -> None:
    (tmp_path / "rows.docx").write_text("")
    with pytest.raises(InputError, match=r"rows\.docx.*\.parquet"):
        list(read_rows(tmp_path / "rows.docx"))


def test_a_corrupt_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is no table PAR1")
    with pytest.raises(InputError, match=r"bad\.parquet: cannot be read to its end"):
        list(read_rows(tmp_path / "bad.parquet"))


@pytest.mark.parametrize("ending", [".gz", ".zst", ".bz2"])
def test_a_file_that_breaks_off_gives_its_rows_and_then_names_itself(ending: str, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"n": n, "text": f"{n * 7919 % 1000003:x}" * 9}) + "\n" for n in range(60_000)).encode()
    packed = PACK[ending](lines)
    (tmp_path / f"cut.jsonl{ending}").write_bytes(packed[: len(packed) // 2])
    rows = read_rows(tmp_path / f"cut.jsonl{ending}")
    assert next(rows)["n"] == 0
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(rows)


@pytest.mark.parametrize("text", ['[{"n": 1}, {"n": ', '[{"n": 1}, {"n": 2}', '[{"n": 1}, oops, {"n": 2}]'])
def test_a_broken_array_is_an_error_after_the_rows_before_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(text)
    rows = read_rows(tmp_path / "cut.json")
    assert next(rows)["n"] == 1
    with pytest.raises(InputError, match=r"cut\.json: not whole JSON at element"):
        list(rows)
