"""CSV and TSV: a header, then a row a line, fields quoted where they hold a separator or a line end (RFC 4180).

Which separator, whether quotes are quotes and whether there is a header is decided from the first rows, so that a
spreadsheet's export is read as it comes. Every value is text, as the file has it; an empty field is no value. A row
with another number of fields than the header is a row that says so.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pipeline.ingest.files.lines import say_too_long, say_too_many
from pipeline.ingest.files.streams import take_head
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

HEAD_BYTES = 1 << 20
HEAD_ROWS = 200
"""Looked at for separator, quotes and header."""
SEPARATORS = (",", ";", "\t", "|")
NONE = "\x1f"
"""The separator of a file with one column: no text has it."""
MAX_TITLES = 5
"""Lines above a header that only say what the table is."""
MAX_NAME = 64
"""Characters of a column's name; a longer one is a text, and the file has no header."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    separator: str
    quoted: bool

    def read(self, lines: Iterator[str]) -> Any:
        return csv.reader(
            lines,
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            doublequote=True,
            strict=True,
        )


def read_delimited(
    pieces: Iterable[bytes], name: str, reading: ReadingConfig, separator: str = ","
) -> Iterator[dict[str, Any]]:
    """The rows of UTF-8 text. `separator` is the one that its name says, tried first. `_where` is the line where a row
    begins. Raises InputError for a row past a limit of `reading`, and for a header with a name twice."""
    head, whole, everything = take_head(pieces, HEAD_BYTES)
    csv.field_size_limit(max(csv.field_size_limit(), reading.row_mb << 20))
    dialect = find_dialect(head.decode("utf-8", "replace"), separator, whole)
    lines = _Lines(everything, name, reading, dialect.separator)
    return _read_rows(dialect, lines, name)


def find_dialect(head: str, separator: str = ",", whole: bool = True) -> Dialect:
    """The dialect in which most rows have as many fields as the first; of several the one with most fields, and then
    the separator that was named."""
    if not whole:
        head = head[: head.rfind("\n") + 1]
    ranked = []
    for candidate in dict.fromkeys((separator, *SEPARATORS)):
        # What IANA calls tab-separated values has no quotes.
        for quoted in (True, False) if candidate == "\t" else (True,):
            fit, fields = _fit(head, Dialect(candidate, quoted))
            if fields > 1:
                ranked.append((round(fit, 2), candidate == separator, fields, quoted, candidate))
    if not ranked:
        return Dialect(NONE, True)
    _, _, _, quoted, chosen = max(ranked)
    return Dialect(chosen, quoted)


def _fit(head: str, dialect: Dialect) -> tuple[float, int]:
    """(share of the first rows that have as many fields as the first row, their number)."""
    rows = dialect.read(io.StringIO(head, newline=""))
    first, fitting, read = 0, 0, 0
    while read < HEAD_ROWS:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error:
            row = []
            if not read:
                return 0.0, 0
        else:
            if not row:
                continue
        first = first or len(row)
        read += 1
        fitting += len(row) == first
    return fitting / max(1, read), first


class _Lines:
    """Lines of text with their ends, counted, and of the row that is being read together no more than a row may
    have."""

    def __init__(self, pieces: Iterable[bytes], name: str, reading: ReadingConfig, separator: str) -> None:
        self._lines = _split(pieces, name, reading)
        self._name, self._reading, self._separator = name, reading, separator.encode()
        self.number = 0
        self.first = 1
        self.raw: list[bytes] = []
        self._size = self._fields = 0

    def begin(self) -> None:
        """A row begins with the next line."""
        self.first, self.raw, self._size, self._fields = self.number + 1, [], 0, 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.raw.append(line)
        self._size += len(line)
        if self._size > self._reading.row_mb << 20:
            hint = "; is a quote before it left open?" if len(self.raw) > 1 else ""
            raise InputError(f"{self._name}:{self.first}: {say_too_long(self._reading)}{hint}")
        if self._size > self._reading.row_values:
            self._fields += line.count(self._separator)
            if self._fields > self._reading.row_values:
                raise InputError(f"{self._name}:{self.first}: {say_too_many(self._reading)}")
        return line.decode("utf-8")


def _split(pieces: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[bytes]:
    """Lines with their ends: `\\n`, `\\r\\n`, or `\\r` alone where the first line ends so."""
    held: list[bytes] = []
    size, number = 0, 1
    end: bytes | None = None
    for piece in pieces:
        if end is None and (b"\n" in piece or b"\r" in piece):
            end = b"\n" if b"\n" in piece else b"\r"
        parts = piece.split(end) if end else [piece]
        held.append(parts[0])
        size += len(parts[0])
        if size > reading.row_mb << 20:
            raise InputError(f"{name}:{number}: {say_too_long(reading)}")
        for part in parts[1:]:
            yield b"".join(held) + (end or b"")
            held, size, number = [part], len(part), number + 1
    if last := b"".join(held):
        yield last


def _read_rows(dialect: Dialect, lines: _Lines, name: str) -> Iterator[dict[str, Any]]:
    rows = _number(dialect, lines, name)
    first = next(rows, None)
    if first is None:
        return
    if isinstance(first[1], InvalidRow):
        raise InputError(f"{first[1].detail}; the first row must be the header")
    ahead = [first]
    if is_title(first[1]):
        ahead += islice(rows, MAX_TITLES)
    first, *ahead = skip_titles(ahead)
    rows = chain(ahead, rows)
    header = first[1]
    if isinstance(header, InvalidRow):
        raise InputError(f"{header.detail}; the first row must be the header")
    if has_header(header):
        columns = name_columns(header, f"{name}:{first[0]}")
    else:
        columns = [f"column_{at}" for at in range(1, len(header) + 1)]
        rows = chain([first], rows)
    for line, fields in rows:
        where = f"{name}:{line}"
        if isinstance(fields, InvalidRow):
            yield fields
        elif len(fields) != len(columns):
            yield _say_fields(fields, columns, where)
        else:
            row: dict[str, Any] = {column: field or None for column, field in zip(columns, fields, strict=True)}
            yield row | {WHERE: where}


def _number(dialect: Dialect, lines: _Lines, name: str) -> Iterator[tuple[int, Any]]:
    """(line, fields or what is wrong with them) of every row that is not blank."""
    reader = dialect.read(lines)
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.first, _say_broken(f"{name}:{lines.first}", str(error), lines)
            reader = dialect.read(lines)
        except UnicodeDecodeError as error:
            where = f"{name}:{lines.number}"
            yield lines.first, _invalid(f"{where}: not UTF-8 at byte {error.start + 1}; write the file as UTF-8", lines)
            reader = dialect.read(lines)
        else:
            if fields and (len(fields) > 1 or fields[0].strip()):
                yield lines.first, fields


def _say_broken(where: str, error: str, lines: _Lines) -> InvalidRow:
    if "unexpected end of data" in error:
        wrong = f'a quote opens a field that never ends, up to line {lines.number}; close it, or write "" for a quote'
    else:
        wrong = f"not CSV ({error}); quote a field that holds a quote, and write it twice"
    return _invalid(f"{where}: {wrong}", lines)


def _invalid(detail: str, lines: _Lines) -> InvalidRow:
    raw = b"".join(islice(lines.raw, 1000)).decode("utf-8", "replace").rstrip("\r\n")
    return InvalidRow(detail, {"raw": raw, WHERE: detail.split(": ")[0]})


def _say_fields(fields: list[str], columns: list[str], where: str) -> InvalidRow:
    wrong = (
        f"{where}: {len(fields)} fields, where the header has {len(columns)}; "
        "quote a field that holds a separator or a line end"
    )
    return InvalidRow(wrong, {"raw": fields, WHERE: where})


def is_title(cells: Any) -> bool:
    """Whether a line of several cells has only one that is not empty: what a spreadsheet says above its header. Of two
    cells it is the first: pandas writes an index without a name."""
    if not isinstance(cells, list) or len(cells) < 2:
        return False
    there = [at for at, cell in enumerate(cells) if cell is not None and str(cell).strip()]
    return len(there) == 1 and (len(cells) > 2 or there == [0])


def skip_titles(lines: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Numbered lines of cells, from the header on: the first one that names at least two columns. All of them where
    none does after at most `MAX_TITLES` titles."""
    for at, (_, cells) in enumerate(lines[: MAX_TITLES + 1]):
        if not is_title(cells):
            named = isinstance(cells, list) and has_header(["" if cell is None else str(cell) for cell in cells])
            return lines[at:] if named else lines
    return lines


def has_header(cells: list[str]) -> bool:
    """Whether the first row names the columns: short texts of one line, none of them a number or there twice."""
    return all(len(cell) <= MAX_NAME and "\n" not in cell and not _is_number(cell) for cell in cells) and any(cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def name_columns(cells: list[str], where: str) -> list[str]:
    """The names of a header; one without a name (pandas writes the index so) is called by its place."""
    names = [cell.strip() or f"column_{at}" for at, cell in enumerate(cells, start=1)]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise InputError(f"{where}: the header has {twice!r} twice; rename one of them")
    return names
