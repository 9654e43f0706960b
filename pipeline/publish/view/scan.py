"""Lazy scans of a run's tables: only the columns and row groups that a question needs are read."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.folder import RunFolder

Dtypes = Mapping[str, pl.DataType | type[pl.DataType]]
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)
"""What a damaged or vanished table raises, by the reader that meets it."""


def scan_table(folder: RunFolder, name: str, dtypes: Dtypes) -> pl.LazyFrame:
    """The columns `dtypes` of one table; null where an older file has none."""
    return scan_tables(folder, [name], dtypes)


def scan_tables(folder: RunFolder, names: Sequence[str], dtypes: Dtypes) -> pl.LazyFrame:
    """The same of several tables, one after the other in the order of `names`."""
    if not names:
        return pl.LazyFrame(schema=dict(dtypes))
    if folder.is_local:
        return pl.scan_parquet(
            [folder.at(name) for name in names],
            schema=dict(dtypes),
            missing_columns="insert",
            extra_columns="ignore",
            glob=False,
        )
    return pl.concat([_scan_remote(folder, name, dtypes) for name in names])


def _scan_remote(folder: RunFolder, name: str, dtypes: Dtypes) -> pl.LazyFrame:
    from pyarrow import dataset

    file: Any = dataset.dataset(folder.at(name), format="parquet", filesystem=folder.fs)
    there = set(file.schema.names)
    return pl.scan_pyarrow_dataset(file).select(
        (pl.col(column) if column in there else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in dtypes.items()
    )


def read_sizes(folder: RunFolder, names: Sequence[str], dtypes: Dtypes) -> tuple[dict[str, int], dict[str, str]]:
    """(rows by table, from the footers alone; what is wrong with each table whose `dtypes` cannot be read)."""
    rows: dict[str, int] = {}
    unreadable: dict[str, str] = {}
    for name in names:
        try:
            rows[name] = folder.count_rows(name)
        except UNREADABLE as error:
            unreadable[name] = _say(error)
    try:
        scan_tables(folder, list(rows), dtypes).select(pl.all().null_count()).collect()
    except UNREADABLE:
        for name in list(rows):
            try:
                scan_table(folder, name, dtypes).collect()
            except UNREADABLE as error:
                unreadable[name] = _say(error)
                del rows[name]
    return rows, unreadable


def _say(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
