"""Spreadsheets come with their cells' own values, from every sheet that has the same header."""

import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from pipeline.ingest.files import read_rows
from schemas.config import ReadingConfig
from schemas.conform import WHERE
from schemas.errors import InputError

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """The smallest workbook that readers take, as ECMA-376 describes it."""
    names = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>' for at, name in enumerate(sheets, start=1))
    links = "".join(
        f'<Relationship Id="r{at}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    root = f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        )
        book.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>')
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
        )
        for at, rows in enumerate(sheets.values(), start=1):
            lines = "".join(f"<row>{''.join(map(_write_cell, row))}</row>" for row in rows)
            sheet = f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{lines}</sheetData></worksheet>'
            book.writestr(f"xl/worksheets/sheet{at}.xml", sheet)
    return path


def _write_cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


ROWS = [["question", "answer"], ["a", 28], ["b", "3,004"], ["c", 1 / 3], ["d", None], ["e", True]]


def test_cells_keep_their_values(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "set.xlsx", {"Set": ROWS})
    rows = list(read_rows(path))
    assert [row["answer"] for row in rows] == [28, "3,004", 1 / 3, None, True]
    assert [type(row["answer"]) for row in rows[:3]] == [int, str, float]
    assert rows[0][WHERE] == f"{path} Set:2"


def test_sheets_with_the_same_header_are_one_set(tmp_path: Path) -> None:
    sheets = {"easy": ROWS[:2], "Notes": [["by", "us"], ["x", "y"]], "empty": [], "hard": [ROWS[0], ["z", 1]]}
    rows = list(read_rows(write_workbook(tmp_path / "set.xlsx", sheets)))
    assert [(row["question"], row["sheet"]) for row in rows] == [("a", "easy"), ("z", "hard")]


def test_titles_above_the_header_are_passed_over(tmp_path: Path) -> None:
    titled = [["Spring term", None], ["Written by us", None], *ROWS]
    rows = list(read_rows(write_workbook(tmp_path / "set.xlsx", {"Set": titled})))
    assert [row["question"] for row in rows] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no workbook at all"])
def test_what_is_no_workbook_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "set.xlsx").write_bytes(data)
    with pytest.raises(InputError, match=r"set\.xlsx"):
        list(read_rows(tmp_path / "set.xlsx"))


def test_a_sheet_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheet with a header and a row"):
        list(read_rows(write_workbook(tmp_path / "set.xlsx", {"Set": ROWS[:1]})))


def test_a_workbook_has_a_size(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "set.xlsx", {"Set": [ROWS[0], ["x" * (5 << 20), 1]]})
    with pytest.raises(InputError, match=r"reading\.whole_mb"):
        list(read_rows(path, reading=ReadingConfig(whole_mb=1)))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has not installed it, which is one where it cannot be imported."""
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"pip install 'goldilocks\[excel\]'"):
        list(read_rows(write_workbook(tmp_path / "set.xlsx", {"Set": ROWS})))
