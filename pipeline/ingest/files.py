"""Rows out of Parquet and JSONL files on any fsspec URL, one by one: memory is bounded by a batch of rows.

A line that is not JSON is a row that says so; a file that breaks off in the middle is an error that names it.
"""

import codecs
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import fsspec

from pipeline.ingest.inside import check_inside
from pipeline.ingest.parquet import read_parquet_rows
from pipeline.text.json_values import ValueCounter, count_values
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
PARQUET = (".parquet", ".pq")
LINES = (".jsonl", ".ndjson")
ARRAY = (".json",)
KNOWN = "*.parquet, *.jsonl (also .gz, .zst, .bz2) and *.json"
READ_BYTES = 1 << 20
PLAIN = ReadingConfig()
_BETWEEN = re.compile(r"[\s,]*")


def read_rows(
    where: str | os.PathLike[str] | Sequence[str],
    without: frozenset[str] = frozenset(),
    reading: ReadingConfig = PLAIN,
) -> Iterator[dict[str, Any]]:
    """Rows of a file, folder, glob or URL, or of several of them, in the order of their names.

    Each row carries `_where` (`FILE:LINE`, lines from 1; `FILE row N`, rows of a table from 0). A line that is not a
    JSON object gives an `InvalidRow` with its text as `raw`. Top-level columns `without` are not
    read from Parquet. Raises InputError for a place with no such file, for a file that cannot be read to its end, and
    for one that goes past a limit of `reading`.
    """
    for fs, path, name in find_files(where):
        yield from _read_file(fs, path, name, without, reading)


def find_files(where: str | os.PathLike[str] | Sequence[str]) -> list[tuple[Any, str, str]]:
    """(filesystem, path there, name to show) of every file meant; raises InputError where there is none, and for a link
    out of the folder that was named."""
    files: list[tuple[Any, str, str]] = []
    for place in [where] if isinstance(where, str | os.PathLike) else where:
        files += _find(os.fspath(place))
    return files


def _find(place: str) -> list[tuple[Any, str, str]]:
    try:
        fs, path = fsspec.url_to_fs(place)
        if fs.isfile(path):
            _suffix(path)
            return [(fs, path, place)]
        is_folder = fs.isdir(path)
        if is_folder:
            paths = [p for p in sorted(fs.find(path)) if _is_known(p)]
        else:
            paths = sorted(p for p in fs.glob(path) if fs.isfile(p)) if any(c in path for c in "*?[") else []
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{place}: cannot be opened: {error}; check the address and your access to it") from error
    if not paths:
        meant = f"a folder without {KNOWN}" if is_folder else "no such file"
        raise InputError(f"{place}: {meant}; give a path, a glob such as data/*.jsonl, or a URL such as s3://...")
    for path in paths:
        _suffix(path)
        if _is_local(fs):
            check_inside(path, fs._strip_protocol(place) if is_folder else _fixed(path, fs._strip_protocol(place)))
    return [(fs, path, _shown(fs, path)) for path in paths]


def _fixed(path: str, pattern: str) -> str:
    """The part of `path` that a glob named itself: the folders before its first wildcard."""
    named = pattern.split("/")
    fixed = next((at for at, part in enumerate(named) if any(c in part for c in "*?[")), len(named) - 1)
    return "/".join(path.split("/")[:fixed]) or "/"


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _shown(fs: Any, path: str) -> str:
    if not _is_local(fs):
        return str(fs.unstrip_protocol(path))
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


def _is_known(path: str) -> bool:
    try:
        _suffix(path)
    except InputError:
        return False
    return not path.rpartition("/")[2].startswith(".")


def _suffix(path: str) -> tuple[str, str | None]:
    """(kind of file, its compression)."""
    stem, end = os.path.splitext(path.lower())
    compression = COMPRESSIONS.get(end)
    if compression:
        end = os.path.splitext(stem)[1]
    if end in LINES or end in ARRAY or (end in PARQUET and compression is None):
        return end, compression
    raise InputError(f"{path}: what kind of file this is does not show; its name must be one of {KNOWN}")


def _read_file(
    fs: Any, path: str, name: str, without: frozenset[str], reading: ReadingConfig
) -> Iterator[dict[str, Any]]:
    # Half a second that a caller who only lists files need not wait for.
    import pyarrow as pa

    kind, compression = _suffix(path)
    try:
        with fs.open(path, "rb") as raw:
            if kind in PARQUET:
                for number, row in enumerate(read_parquet_rows(raw, name, without, reading)):
                    row[WHERE] = f"{name} row {number}"
                    yield row
                return
            stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), compression) if compression else raw
            chunks = iter(lambda: bytes(stream.read(READ_BYTES)), b"")
            yield from (_read_lines if kind in LINES else _read_array)(chunks, name, reading)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise InputError(f"{name}: cannot be read to its end: {error}; fetch or write the file again") from error


def _read_lines(chunks: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_split_lines(chunks, name, reading), start=1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            if len(line) > reading.row_values and ValueCounter().feed(line) > reading.row_values:
                raise InputError(f"{name}:{number}: {_too_many(reading)}")
            yield _parse(line, f"{name}:{number}")


def _split_lines(chunks: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[bytes]:
    held: list[bytes] = []
    size, number = 0, 1
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        held.append(first)
        size += len(first)
        if size > reading.row_mb << 20:
            raise InputError(f"{name}:{number}: {_too_long(reading)}")
        if rest:
            yield b"".join(held)
            yield from rest[:-1]
            held, size, number = [rest[-1]], len(rest[-1]), number + len(rest)
    yield b"".join(held)


def _too_long(reading: ReadingConfig) -> str:
    return f"a row of over {reading.row_mb} MiB (reading.row_mb); shorten it, or allow more"


def _too_many(reading: ReadingConfig) -> str:
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
        if isinstance(row, dict):
            row[WHERE] = where
            return row
        wrong = f"a JSON {type(row).__name__}, where an object is needed; write one object a line"
    return InvalidRow(f"{where}: {wrong}", {"raw": line.decode("utf-8", "replace"), WHERE: where})


def _read_array(chunks: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """Objects of one JSON array, decoded as they come in; a `.json` file that is no array is read as lines."""
    source = iter(chunks)
    head = next(source, b"")
    if not head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        yield from _read_lines(chain([head], source), name, reading)
        return
    texts = codecs.iterdecode(chain([head], source), "utf-8-sig")
    for number, element in enumerate(_split_array(texts, name, reading)):
        where = f"{name} row {number}"
        if isinstance(element, dict):
            element[WHERE] = where
            yield element
        else:
            wrong = f"{where}: a JSON {type(element).__name__}, where an object is needed; write an array of objects"
            yield InvalidRow(wrong, {"raw": json.dumps(element), WHERE: where})


def _split_array(texts: Iterator[str], name: str, reading: ReadingConfig) -> Iterator[Any]:
    decode = json.JSONDecoder().raw_decode
    held, number, more = next(texts), 0, True
    at = held.index("[") + 1
    while True:
        at = _BETWEEN.match(held, at).end()  # type: ignore[union-attr]
        if held.startswith("]", at):
            return
        try:
            element, end = decode(held, at)
            whole = end < len(held)
        except json.JSONDecodeError as error:
            whole, fault = False, error.msg
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}: element {number} cannot be read ({error}); shorten it") from None
        else:
            fault = "the array has no end"
        if whole:
            yield element
            at, number = end, number + 1
        elif more:
            held, at = held[at:], 0
            if len(held) > reading.row_mb << 20:
                raise InputError(f"{name}: element {number}: {_too_long(reading)}")
            if len(held) > reading.row_values and count_values(held) > reading.row_values:
                raise InputError(f"{name}: element {number}: {_too_many(reading)}")
            # Twice as much before the next try, so that a long element is not decoded once for each piece of it.
            pieces, size = [held], 0
            try:
                while more and size <= len(held):
                    following = next(texts, None)
                    more = following is not None
                    pieces.append(following or "")
                    size += len(pieces[-1])
            except UnicodeDecodeError as error:
                raise InputError(f"{name}: not UTF-8 ({error.reason}); write the file as UTF-8") from None
            held = "".join(pieces)
        else:
            raise InputError(
                f"{name}: not whole JSON at element {number} ({fault}), so nothing after it can be told apart; "
                "fix it, or write one object a line into a .jsonl file"
            )
