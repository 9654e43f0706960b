"""Rows of JSON text, however it is laid out: an object a line, one array, objects one after another, one object that is
a row or that holds the rows.

The layout is decided from the first bytes. Rows of an array, of a list in an object and under keys are decoded as they
come in, columns from several places of the file at once; only columns of a text that comes once (out of a compression)
are read whole.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.files.json_columns import Reopen, find_starts, read_columns
from pipeline.ingest.files.json_stream import JsonStream
from pipeline.ingest.files.layout import SPLIT_NAMES, Layout, find_rows, read_layout, unwrap
from pipeline.ingest.files.lines import make_row, read_lines
from pipeline.ingest.files.streams import take_head
from pipeline.text.json_values import ValueCounter
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

HEAD_BYTES = 4 << 20
"""Read before the layout is decided; a smaller object is decided from the whole of it."""
BYTES_A_VALUE = 25
"""Of a file that is read whole: a value takes some 70 bytes of memory, and a table of problems has few short ones."""
_DECODE = json.JSONDecoder().raw_decode


def read_json(
    pieces: Iterable[bytes],
    name: str,
    reading: ReadingConfig,
    by_line: bool = False,
    one_of_many: bool = False,
    reopen: Reopen | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of UTF-8 text; `by_line` where its name says that it has an object a line, `reopen` where it can be read
    again from anywhere. Raises InputError for one that is broken where nothing after it can be told apart (an object
    that is `one_of_many` files is an `InvalidRow` then), and for one past a limit of `reading`."""
    head, whole, everything = take_head(pieces, HEAD_BYTES)
    begun = head.lstrip()
    if begun[:1] not in (b"{", b"[") or _has_lines(begun, whole, by_line):
        return read_lines(everything, name, reading)
    texts = codecs.iterdecode(everything, "utf-8")
    if begun[:1] == b"[":
        return _place(((None, unwrap(row)) for row in JsonStream(texts, name, reading).elements()), name)
    if not whole:
        layout = _find_layout(head, name, reading)
        if layout.kind == "row" and not layout.path:
            return _read_values(texts, name, reading, one_of_many)
        if layout.kind == "columns" and not layout.path and reopen is not None:
            starts = find_starts(everything)
            if starts is not None:
                return _place(((None, row) for row in read_columns(reopen, starts, name, reading)), name)
            everything = reopen(0)
        if layout.path or layout.kind in ("columns", "split"):
            return _place(_read_whole(everything, name, reading, layout), name)
        return _place(_read_members(JsonStream(texts, name, reading), layout), name)
    return _read_values(texts, name, reading, one_of_many)


def _has_lines(begun: bytes, whole: bool, by_line: bool) -> bool:
    """Whether a text that begins an object or array has one value a line. One that breaks off in the first line has,
    where another line is an object for itself."""
    first, newline, after = begun.partition(b"\n")
    several = bool(after.strip())
    if newline or whole:
        value = _try(first)
        if value is not None:
            if several:
                return True
            return by_line and not (isinstance(value, list) and value and isinstance(value[0], list | dict))
        if not several:
            return by_line
        if _spans_lines(begun, whole):
            return False
        return by_line or any(isinstance(_try(line), dict) for line in after.split(b"\n")[:8] if line[:1] == b"{")
    return by_line


def _spans_lines(begun: bytes, whole: bool) -> bool:
    """Whether one value that is not empty spans the first lines."""
    text = begun.decode("utf-8", "replace")
    try:
        value, end = _DECODE(text)
    except (ValueError, RecursionError):
        return not whole and begun.split(b"\n", 1)[0].strip() in (b"{", b"[")
    return bool(value) and "\n" in text[:end]


def _try(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _place(rows: Iterable[tuple[str | None, Any]], name: str) -> Iterator[dict[str, Any]]:
    for number, (key, value) in enumerate(rows):
        row = make_row(value, f"{name} row {number}", "write an array of objects")
        if key is not None and not isinstance(row, InvalidRow):
            row.setdefault("key", key)
        yield row


def _read_values(
    texts: Iterator[str], name: str, reading: ReadingConfig, one_of_many: bool
) -> Iterator[dict[str, Any]]:
    """Objects one after another; one alone may hold rows."""
    stream = JsonStream(texts, name, reading)
    stream.peek()
    line, at = stream.line, 0
    try:
        first = stream.decode("the object")
    except InputError as error:
        if not one_of_many or "(reading." in str(error):
            raise
        yield InvalidRow(str(error), {"raw": "", WHERE: name})
        return
    if not stream.peek():
        layout = find_rows(first) if isinstance(first, dict) else Layout("row")
        if layout.kind == "row" or not isinstance(first, dict):
            yield make_row(first, name, "write an object")
        else:
            yield from _place(read_layout(first, layout), name)
        return
    yield make_row(first, f"{name}:{line}", "write one object after another")
    while stream.peek():
        line, at = stream.line, at + 1
        yield make_row(stream.decode(f"object {at}"), f"{name}:{line}", "write one object after another")


def _find_layout(head: bytes, name: str, reading: ReadingConfig) -> Layout:
    """The layout of an object of which only the first bytes are there."""
    text = head.decode("utf-8", "ignore")
    return find_rows(_read_begun(JsonStream(iter([text]), name, reading)), cut=True)


def _read_begun(stream: JsonStream) -> dict[str, Any]:
    """The members of an object that breaks off; of the last one what is there."""
    begun: dict[str, Any] = {}
    try:
        for key in stream.members():
            if stream.peek() == "[":
                elements: list[Any] = []
                begun[key] = elements
                elements.extend(_until_broken(stream.elements()))
                if stream.peek() == "":
                    break
            elif stream.peek() == "{":
                begun[key] = inner = {}
                for below in stream.members():
                    inner[below] = stream.decode("a value")
            else:
                begun[key] = stream.decode("a value")
    except InputError:
        last = next(reversed(begun), None)
        if last is not None and len(begun) > 1 and isinstance(begun[last], dict):
            del begun[last]
    return begun


def _until_broken(values: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from values
    except InputError:
        return


def _read_members(stream: JsonStream, layout: Layout) -> Iterator[tuple[str | None, Any]]:
    """The rows in an object's lists or under its keys, as they come in."""
    stream.peek()
    for key in stream.members():
        if layout.kind == "keyed":
            yield key, stream.decode(f"the value of {key!r}")
        elif stream.peek() == "[" and (key in layout.names or key.lower() in _more_names(layout)):
            yield from (
                (key if len(layout.names) > 1 else None, unwrap(row)) for row in stream.elements(f"{key}, element")
            )
        else:
            stream.decode(f"the value of {key!r}")


def _more_names(layout: Layout) -> frozenset[str]:
    """Lists that may follow where the first one is called so: the splits of a set."""
    return SPLIT_NAMES if any(name.lower() in SPLIT_NAMES for name in layout.names) else frozenset()


def _read_whole(
    pieces: Iterable[bytes], name: str, reading: ReadingConfig, layout: Layout
) -> Iterator[tuple[str | None, Any]]:
    most = reading.whole_mb << 20
    held, size, counter = [], 0, ValueCounter()
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > most:
            raise InputError(
                f"{name}: columns of over {reading.whole_mb} MiB, which are read whole (reading.whole_mb); "
                "write one object a line, or allow more"
            )
        if counter.feed(piece) > most // BYTES_A_VALUE:
            raise InputError(
                f"{name}: columns of over {most // BYTES_A_VALUE} values, which are read whole (reading.whole_mb); "
                "write one object a line, or allow more"
            )
    try:
        value = json.loads(b"".join(held))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not JSON ({error}); fix it, or write one object a line") from None
    held.clear()
    yield from read_layout(value, find_rows(value))
