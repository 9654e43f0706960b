"""Rows of a spreadsheet (.xlsx, .xlsb, .xls, .ods): every sheet that has the header of the first one with rows.

Read by `python-calamine`, which is an extra. Cells keep their values: whole numbers come as such, dates as text. A
sheet is held whole; a workbook is a zip, and one that unfolds beyond all proportion is refused.
"""

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from pipeline.ingest.files.delimited import has_header, name_columns, skip_titles
from pipeline.ingest.files.streams import EXPANDED, EXPANSION
from schemas.config import ReadingConfig
from schemas.conform import WHERE
from schemas.errors import InputError


def read_excel(file: BinaryIO, name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows, with their `sheet` where several have rows; `_where` counts a sheet's lines from 1, blank ones too.
    Raises InputError without the extra, for what is no workbook, and past a limit of `reading`."""
    try:
        import python_calamine
    except ImportError:
        raise InputError(
            f"{name}: spreadsheets are read by the extra `excel`, which is not installed: "
            "pip install 'goldilocks[excel]', or save the sheet as CSV"
        ) from None
    _check_size(file, name, reading)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(file)
        sheets = [(title, list(_read_lines(book.get_sheet_by_name(title)))) for title in book.sheet_names]
    except (python_calamine.CalamineError, ValueError) as error:
        raise InputError(f"{name}: no workbook that can be read ({error}); save it again, or as CSV") from None
    sheets = [(title, skip_titles(lines)) for title, lines in sheets]
    sheets = [(title, lines) for title, lines in sheets if len(lines) > 1]
    if not sheets:
        raise InputError(f"{name}: no sheet with a header and a row below it")
    header = sheets[0][1][0][1]
    sheets = [(title, lines) for title, lines in sheets if lines[0][1] == header]
    for title, lines in sheets:
        yield from _read_rows(lines, title if len(sheets) > 1 else None, f"{name} {title}")


def _check_size(file: BinaryIO, name: str, reading: ReadingConfig) -> None:
    """A workbook may take what a file that is read whole may, and what it unfolds to in proportion."""
    unfolded = packed = file.seek(0, 2)
    file.seek(0)
    if file.read(4) == b"PK\x03\x04":
        unfolded = sum(member.file_size for member in zipfile.ZipFile(file).infolist())
    file.seek(0)
    if unfolded > max(EXPANDED, EXPANSION * packed) or unfolded > (4 * reading.whole_mb) << 20:
        raise InputError(
            f"{name}: a workbook of {unfolded >> 20} MiB, in {packed >> 10} KiB of the file, which is read whole "
            "(reading.whole_mb, four times); save it as CSV"
        )


def _read_lines(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, cells in enumerate(sheet.iter_rows(), start=1 + (sheet.start or (0, 0))[0]):
        if any(cell != "" for cell in cells):
            yield number, cells


def _read_rows(lines: list[tuple[int, list[Any]]], sheet: str | None, where: str) -> Iterator[dict[str, Any]]:
    first, header = lines[0]
    names = [str(_show(cell) or "") for cell in header]
    if has_header(names):
        columns, lines = name_columns(names, f"{where}:{first}"), lines[1:]
    else:
        columns = [f"column_{at}" for at in range(1, len(names) + 1)]
    for number, cells in lines:
        row = {column: _show(cell) for column, cell in zip(columns, cells, strict=True)}
        yield row | ({"sheet": sheet} if sheet else {}) | {WHERE: f"{where}:{number}"}


def _show(cell: Any) -> Any:
    """A cell's value: no text is none, a whole number is no fraction, a date is what it says."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
    return str(cell)
