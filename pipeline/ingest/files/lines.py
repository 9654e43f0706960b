"""JSON Lines: one object a line. A line that is none is a row that says so."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.files.layout import find_rows, read_layout
from pipeline.text.json_values import ValueCounter
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError


def read_lines(pieces: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows of UTF-8 text in any pieces. Raises InputError for a line past a limit of `reading`."""
    for number, line in enumerate(split_lines(pieces, name, reading), start=1):
        if line.strip():
            if len(line) > reading.row_values and ValueCounter().feed(line) > reading.row_values:
                raise InputError(f"{name}:{number}: {say_too_many(reading)}")
            yield _parse(line, f"{name}:{number}")


def split_lines(pieces: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[bytes]:
    """Lines without their ends, none of them longer than a row may be."""
    held: list[bytes] = []
    size, number = 0, 1
    for piece in pieces:
        first, *rest = piece.split(b"\n")
        held.append(first)
        size += len(first)
        if size > reading.row_mb << 20:
            raise InputError(f"{name}:{number}: {say_too_long(reading)}")
        if rest:
            yield b"".join(held)
            yield from rest[:-1]
            held, size, number = [rest[-1]], len(rest[-1]), number + len(rest)
    yield b"".join(held)


def say_too_long(reading: ReadingConfig) -> str:
    return f"a row of over {reading.row_mb} MiB (reading.row_mb); shorten it, or allow more"


def say_too_many(reading: ReadingConfig) -> str:
    return f"a row of over {reading.row_values} values (reading.row_values); shorten it, or allow more"


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        wrong = f"not JSON at character {error.pos + 1} ({error.msg}); fix the line or take it out"
    except UnicodeDecodeError as error:
        wrong = f"not UTF-8 at byte {error.start + 1}; write the file as UTF-8"
    except (ValueError, RecursionError) as error:
        wrong = f"JSON that cannot be read ({error}); shorten the number or the nesting"
    else:
        return make_row(_open_named(row), where, "write one object a line")
    return InvalidRow(f"{where}: {wrong}", {"raw": line.decode("utf-8", "replace"), WHERE: where})


def _open_named(value: Any) -> Any:
    """What an object holds that is nothing but a row under its name: `{"problem_1": {"question": ...}}`."""
    if isinstance(value, dict) and len(value) == 1:
        layout = find_rows(value)
        if layout.kind == "keyed":
            ((key, row),) = read_layout(value, layout)
            return {"key": key} | row
    return value


def make_row(value: Any, where: str, fix: str) -> dict[str, Any]:
    """A JSON value as a row: an object as it is, a list of chat turns under the column that such lists have elsewhere
    (`conversations` where a turn is `from` somebody, `messages` where it has a `role`)."""
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
        if all("from" in turn for turn in value):
            value = {"conversations": value}
        elif all("role" in turn for turn in value):
            value = {"messages": value}
    if isinstance(value, dict):
        value[WHERE] = where
        return value
    wrong = f"{where}: a JSON {type(value).__name__}, where an object is needed; {fix}"
    return InvalidRow(wrong, {"raw": json.dumps(value), WHERE: where})
