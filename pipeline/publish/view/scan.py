"""Lazy scans of a run's tables: only the columns and row groups that a question needs are read."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.run.ranged import open_for_scans
from pipeline.run.storage import RunFolder

Dtypes = Mapping[str, pl.DataType | type[pl.DataType]]
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)
"""What a damaged or vanished table raises, by the reader that meets it."""


def scan_table(folder: RunFolder, name: str, dtypes: Dtypes) -> pl.LazyFrame:
    """The columns `dtypes` of one table; null where an older file has none."""
    return scan_tables(folder, [name], dtypes)


def scan_tables(folder: RunFolder, names: Sequence[str], dtypes: Dtypes, paths: str | None = None) -> pl.LazyFrame:
    """The same of several tables, one after the other in the order of `names`. On a local disk `paths` names a column
    for the place of each row's table.
    """
    if not names:
        return pl.LazyFrame(schema={**dtypes, **({paths: pl.String} if paths else {})})
    if folder.is_local:
        return pl.scan_parquet(
            [folder.at(name) for name in names],
            schema=dict(dtypes),
            include_file_paths=paths,
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=pl.ScanCastOptions(missing_struct_fields="insert"),
            glob=False,
        )
    return pl.concat([_scan_remote(folder, name, dtypes) for name in names])


def _scan_remote(folder: RunFolder, name: str, dtypes: Dtypes) -> pl.LazyFrame:
    from pyarrow import dataset

    file: Any = dataset.dataset(folder.at(name), format="parquet", filesystem=open_for_scans(folder.fs))
    there = set(file.schema.names)
    return pl.scan_pyarrow_dataset(file).select(
        (pl.col(column) if column in there else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in dtypes.items()
    )


def read_whole(folder: RunFolder, names: Sequence[str], dtypes: Dtypes) -> tuple[pl.DataFrame, dict[str, str]]:
    """(columns `dtypes` of all tables in their order, with the name of each row's as `table`; what is wrong with each
    table that cannot be read, whose rows are left out).
    """
    try:
        return _read_named(folder, names, dtypes), {}
    except UNREADABLE:
        unreadable = {}
    for name in names:
        try:
            scan_table(folder, name, dtypes).collect()
        except UNREADABLE as error:
            unreadable[name] = _say(error)
    return _read_named(folder, [name for name in names if name not in unreadable], dtypes), unreadable


def _read_named(folder: RunFolder, names: Sequence[str], dtypes: Dtypes) -> pl.DataFrame:
    if not folder.is_local:
        parts = [scan_table(folder, name, dtypes).with_columns(pl.lit(name).alias("table")) for name in names]
        empty = pl.LazyFrame(schema={**dtypes, "table": pl.String})
        return pl.concat([empty, *parts]).collect()
    prefix = len(folder.at("x")) - 1
    read = scan_tables(folder, names, dtypes, paths="table").collect()
    return read.with_columns(pl.col("table").str.slice(prefix))


def _say(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
