"""Rows of files in any form, one by one: memory is bounded by a batch of rows.

A row that cannot be read is a row that says so; a file that breaks off in the middle is an error that names it.
"""

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from pipeline.ingest.files.apps import read_problem
from pipeline.ingest.files.arrow import read_arrow
from pipeline.ingest.files.delimited import read_delimited
from pipeline.ingest.files.excel import read_excel
from pipeline.ingest.files.find import Place, find_files, find_in
from pipeline.ingest.files.forms import KNOWN
from pipeline.ingest.files.json_rows import read_json
from pipeline.ingest.files.packages import read_package
from pipeline.ingest.files.parquet import read_parquet_rows
from pipeline.ingest.files.polygon import read_polygon
from pipeline.ingest.files.streams import HEAD, check_head, make_seekable, read_pieces, read_utf8, reopen_utf8, unpack
from pipeline.ingest.files.trees import FolderTree, TarTree, ZipTree
from pipeline.ingest.files.xml_rows import read_xml
from pipeline.ingest.files.yaml_rows import read_yaml_rows
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError
from schemas.yaml_text import YamlError

PLAIN = ReadingConfig()
MAX_NESTED = 2
"""Archives in archives: a contest's archive with one of each problem in it."""

Row = dict[str, Any]
TextReader = Callable[[Iterable[bytes], str, ReadingConfig], Iterator[Row]]


def read_rows(
    where: str | os.PathLike[str] | Sequence[str],
    without: frozenset[str] = frozenset(),
    reading: ReadingConfig = PLAIN,
) -> Iterator[Row]:
    """Rows of a file, folder, glob or URL, or of several of them, in the order of their names.

    Each row carries `_where` (`FILE:LINE`, lines from 1; `FILE row N`, rows of a table from 0). What is no row gives an
    `InvalidRow` with its text as `raw`. Top-level columns `without` are not read from Parquet. Raises InputError for a
    place with no such file, for a file that cannot be read to its end, and for one that goes past a limit of `reading`.
    """
    return read_files(find_files(where), without, reading)


def read_files(
    places: Iterable[Place], without: frozenset[str] = frozenset(), reading: ReadingConfig = PLAIN
) -> Iterator[Row]:
    """Rows of files that `find_files` has listed."""
    for place in places:
        yield from _read_place(place, without, reading, 0)


def _read_place(place: Place, without: frozenset[str], reading: ReadingConfig, nested: int) -> Iterator[Row]:
    # Half a second that a caller who only lists files need not wait for.
    import pyarrow as pa

    if place.form in _FOLDERS:
        yield _read_folder(place, reading)
        return
    try:
        with place.tree.open(place.path) as raw:
            stream = unpack(raw, place.compression)
            if place.form in _TEXTS:
                yield from _name_folder(_read_text(place, stream, reading), place)
                return
            packed = place.tree.size(place.path)
            if place.compression is None and not isinstance(place.tree, ZipTree) and raw.seekable():
                yield from _read_seekable(place, raw, without, reading, nested)
                return
            with make_seekable(stream, packed, place.name) as file:
                yield from _read_seekable(place, file, without, reading, nested)
    except UnicodeDecodeError as error:
        raise InputError(f"{place.name}: not UTF-8 ({error.reason}); write the file as UTF-8") from None
    except (
        OSError,
        EOFError,
        pa.ArrowException,
        lzma.LZMAError,
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise InputError(f"{place.name}: cannot be read to its end: {error}; fetch or write the file again") from error


_FOLDERS: dict[str, Callable[[Place, ReadingConfig], Row]] = {
    "package": read_package,
    "polygon": read_polygon,
    "apps": read_problem,
}
_TEXTS = ("lines", "json", "csv", "tsv", "xml", "yaml")


def _read_text(place: Place, stream: Any, reading: ReadingConfig) -> Iterator[Row]:
    pieces = read_pieces(stream)
    if place.form == "xml":
        return read_xml(pieces, place.name, reading)
    texts = read_utf8(pieces, place.name)
    if place.form in ("csv", "tsv"):
        return read_delimited(texts, place.name, reading, "," if place.form == "csv" else "\t")
    if place.form == "yaml":
        return read_yaml_rows(texts, place.name, reading)
    reopen = None
    if place.compression is None and isinstance(place.tree, FolderTree):
        reopen = reopen_utf8(lambda: place.tree.open(place.path))
    return read_json(texts, place.name, reading, place.form == "lines", bool(place.below), reopen)


def _read_seekable(
    place: Place, file: BinaryIO, without: frozenset[str], reading: ReadingConfig, nested: int
) -> Iterator[Row]:
    check_head(file.read(HEAD), place.name)
    file.seek(0)
    if place.form in ("zip", "tar"):
        if nested == MAX_NESTED:
            raise InputError(f"{place.name}: an archive in an archive in another; unpack them")
        tree = ZipTree(file, place.name) if place.form == "zip" else TarTree(file, place.name)
        inner = list(find_in(tree))
        if not inner:
            raise InputError(f"{place.name}: an archive without {KNOWN}")
        for each in inner:
            yield from _read_place(each, without, reading, nested + 1)
        return
    if place.form == "excel":
        yield from read_excel(file, place.name, reading)
        return
    read = read_parquet_rows if place.form == "parquet" else read_arrow
    for number, row in enumerate(read(file, place.name, without, reading)):
        row[WHERE] = f"{place.name} row {number}"
        yield row


def _read_folder(place: Place, reading: ReadingConfig) -> Row:
    """The row of a folder that is one problem; one that cannot be read says so."""
    try:
        return _FOLDERS[place.form](place, reading)
    except (OSError, ValueError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        kind = (
            ""
            if isinstance(error, InputError | YamlError) or type(error) is ValueError
            else f"{type(error).__name__}: "
        )
        return InvalidRow(f"{place.name}: {kind}{error}", {"raw": place.name, WHERE: place.name})


def read_packages(where: str | os.PathLike[str] | Sequence[str], reading: ReadingConfig = PLAIN) -> Iterator[Row]:
    """A row for each contest package of a folder or archive, by path. One that cannot be read gives an `InvalidRow`:
    also one with a link out of it, or over a limit of `reading`. Raises InputError where there is no package at all."""
    places = [place for place in find_files(where) if place.form in ("package", "polygon", "zip", "tar")]
    if not places:
        raise InputError(
            f"{where}: no package in it; a contest package is a folder (or .zip) with a file problem.yaml, or "
            "Polygon's problem.xml"
        )
    return read_files(places, reading=reading)


def _name_folder(rows: Iterator[Row], place: Place) -> Iterator[Row]:
    """Say in which folder a row stands that has a file for itself: such sets keep there what it is about."""
    folder, _, name = place.below.rpartition("/")
    for row in rows:
        if place.below and row.get(WHERE) == place.name and not isinstance(row, InvalidRow):
            if folder:
                row.setdefault("folder", folder)
            if "id" not in row:
                row.setdefault("source_id", f"{folder}/{name.partition('.')[0]}".removeprefix("/"))
        yield row
