"""Parquet files of an object store, of which only what is asked for is fetched."""

import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from schemas.errors import InputError

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "r2", "memory"})
"""fsspec's names of stores whose single write is whole or not at all, and which serve any range of an object."""
WHOLE_BYTES = 1 << 20
"""A store takes about as long to answer a request as to send this much: a smaller object is fetched at once."""


def list_protocols(fs: Any) -> tuple[str, ...]:
    """fsspec's names of a file system."""
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


@contextmanager
def open_ranged(fs: Any, place: str) -> Iterator[Any]:
    """A seekable remote file to read a table from; of one in an object store nothing is fetched ahead.

    fsspec's own S3 file fetches 50 MB from the first byte that is asked for: a whole table for its footer.
    """
    protocols = list_protocols(fs)
    if OBJECT_STORES.isdisjoint(protocols):
        with fs.open(place, "rb") as file:
            # A web server need not serve ranges.
            yield io.BytesIO(file.read()) if "http" in protocols else file
        return
    try:
        with fs.open(place, "rb", cache_type="none") as file:
            yield io.BytesIO(file.read()) if file.size <= WHOLE_BYTES else file
    except Exception as error:
        if type(error).__name__ != "FlexibleChecksumError":  # botocore's, which is no dependency of ours
            raise
        raise InputError(
            f"{place}: the store answers for a part of an object with the checksum of the whole; "
            "set AWS_RESPONSE_CHECKSUM_VALIDATION=when_required"
        ) from error


def read_columns(file: Any, columns: Sequence[str], added_later: Collection[str] = ()) -> pl.DataFrame:
    """`columns` of an opened table, in their order, without those `added_later` that it does not have: polars itself
    would read the file to its end.
    """
    parquet = _open_parquet(file)
    there = set(parquet.schema_arrow.names)
    wanted = [column for column in columns if column in there or column not in added_later]
    return _as_polars(parquet.read(columns=wanted)).select(wanted)


def read_first_rows(file: Any, rows: int) -> pl.DataFrame:
    """The first `rows` rows of an opened table, from no more row groups than hold them."""
    parquet = _open_parquet(file)
    groups, held = 0, 0
    while held < rows and groups < parquet.num_row_groups:
        held += parquet.metadata.row_group(groups).num_rows
        groups += 1
    return _as_polars(parquet.read_row_groups(list(range(groups)))).head(rows)


def open_for_scans(fs: Any) -> Any:
    """`fs` as pyarrow's scans take it, which of an object store fetch what they ask for and nothing ahead."""
    from pyarrow import PythonFile
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    class Handler(FSSpecHandler):  # type: ignore[misc]
        def open_input_file(self, path: str) -> PythonFile:
            return PythonFile(self.fs.open(path, mode="rb", cache_type="none"), mode="r")

    return PyFileSystem((FSSpecHandler if OBJECT_STORES.isdisjoint(list_protocols(fs)) else Handler)(fs))


def read_schema(file: Any) -> tuple[pl.Schema, int]:
    """(columns, rows) of an opened table, from its footer."""
    parquet = _open_parquet(file)
    return _as_polars(parquet.schema_arrow.empty_table()).schema, int(parquet.metadata.num_rows)


def _open_parquet(file: Any) -> Any:
    # Loading it takes as long as reading a run's tables.
    import pyarrow.parquet as pq

    return pq.ParquetFile(file, pre_buffer=True)


def _as_polars(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
