"""Rows of Arrow files: what `datasets` lays into a folder (`save_to_disk`, its cache) and what is called Feather."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from pipeline.ingest.files.parquet import read_batches
from schemas.config import ReadingConfig


def read_arrow(file: BinaryIO, name: str, without: frozenset[str], reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows of a stream or file of record batches, without the columns `without`. Raises InputError for a row past
    a limit of `reading`, and what pyarrow raises for a broken file."""
    import pyarrow as pa

    magic = file.read(6)
    file.seek(0)
    if magic == b"ARROW1":
        opened = pa.ipc.open_file(file)
        batches = (opened.get_batch(at) for at in range(opened.num_record_batches))
    else:
        batches = iter(pa.ipc.open_stream(file))
    return read_batches((_drop(batch, without) for batch in batches), name, reading)


def _drop(batch: Any, without: frozenset[str]) -> Any:
    return batch.select([column for column in batch.schema.names if column not in without])
