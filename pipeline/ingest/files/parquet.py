"""Rows of a Parquet file, one by one, measured before they are built.

A Parquet file of some kilobytes can stand for gigabytes: one long text in a dictionary and ten thousand rows that name
it, or a page of zeros. Texts stay in their dictionaries until their length is known.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from pipeline.ingest.files.streams import EXPANDED, EXPANSION
from schemas.config import ReadingConfig
from schemas.errors import InputError

BATCH_ROWS = 1024
BATCH_BYTES, BATCH_VALUES = 64 << 20, 4 << 20
"""A batch that is larger once it is built comes row by row."""
NESTED_VALUES = 1 << 26
"""Of a nested column in one row group: all of them may be one row's, and are decoded before they can be counted."""


def read_parquet_rows(
    file: BinaryIO, name: str, without: frozenset[str], reading: ReadingConfig
) -> Iterator[dict[str, Any]]:
    """The rows, without the columns `without`. Raises InputError for a file that goes past a limit of `reading`, and
    what pyarrow raises for one that is broken."""
    import pyarrow.parquet as pq

    plain = pq.ParquetFile(file)
    _check_metadata(plain.metadata, name, reading)
    schema = plain.metadata.schema
    texts = [schema.column(at).path for at in range(len(schema)) if schema.column(at).physical_type == "BYTE_ARRAY"]
    columns = [column for column in plain.schema_arrow.names if column not in without]
    file.seek(0)
    table = pq.ParquetFile(file, read_dictionary=texts)
    yield from read_batches(table.iter_batches(batch_size=BATCH_ROWS, columns=columns), name, reading)


def read_batches(batches: Iterator[Any], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows of record batches, each built when its size is known."""
    import pyarrow as pa

    at = 0
    try:
        for batch in batches:
            for begin in range(0, batch.num_rows, BATCH_ROWS):
                few = batch.slice(begin, BATCH_ROWS)
                values, size = _measure_rows(few)
                step = few.num_rows if size <= BATCH_BYTES and values <= BATCH_VALUES else 1
                for first in range(0, few.num_rows, max(1, step)):
                    part = few.slice(first, step)
                    if step == 1:
                        _check_row(part, f"{name} row {at + first}", reading)
                    yield from _build(part)
                at += few.num_rows
    except (MemoryError, pa.ArrowMemoryError) as error:
        raise InputError(f"{name}: its rows take more memory than there is, from row {at} on") from error


def _check_metadata(metadata: Any, name: str, reading: ReadingConfig) -> None:
    for column in (metadata.schema.column(at) for at in range(metadata.num_columns)):
        if column.length > reading.row_mb << 20:
            raise InputError(f"{name}: column {column.path} has values of {column.length} bytes; {_more(reading)}")
    for group in (metadata.row_group(at) for at in range(metadata.num_row_groups)):
        for at in range(group.num_columns):
            part = group.column(at)
            large = part.total_uncompressed_size > EXPANDED
            if large and part.total_uncompressed_size > EXPANSION * part.total_compressed_size:
                raise InputError(
                    f"{name}: column {part.path_in_schema} is {part.total_uncompressed_size >> 20} MiB, in "
                    f"{part.total_compressed_size >> 10} KiB of the file; write it again in smaller pieces"
                )
            if metadata.schema.column(at).max_repetition_level and part.num_values > NESTED_VALUES:
                raise InputError(
                    f"{name}: column {part.path_in_schema} has {part.num_values} values in one row group; "
                    f"{NESTED_VALUES} at most: write it again with smaller row groups"
                )


def _check_row(part: Any, where: str, reading: ReadingConfig) -> None:
    values, size = _measure_rows(part)
    if size > reading.row_mb << 20:
        raise InputError(f"{where}: {size >> 20} MiB; {_more(reading)}")
    if values > reading.row_values:
        raise InputError(f"{where}: {values} values; {reading.row_values} at most (reading.row_values)")


def _more(reading: ReadingConfig) -> str:
    return f"a row has at most {reading.row_mb} MiB (reading.row_mb)"


def _measure_rows(batch: Any) -> tuple[int, int]:
    measured = [measure(column) for column in batch.columns]
    return sum(values for values, _ in measured), sum(size for _, size in measured)


def measure(array: Any) -> tuple[int, int]:
    """(values, bytes) of an array once it is plain Python data, but for what each object takes; nothing is built."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return measure(array.storage)
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary) if _is_text(kind.value_type) else None
        if lengths is None:
            return len(array), 8 * len(array)
        return len(array), int(pc.sum(lengths.take(array.indices)).as_py() or 0)
    if _is_text(kind):
        return len(array), int(pc.sum(pc.binary_length(array)).as_py() or 0)
    if pa.types.is_struct(kind):
        parts = [measure(part) for part in array.flatten()]
    elif pa.types.is_map(kind):
        first, end = (array.offsets[at].as_py() for at in (0, len(array)))
        parts = [measure(part.slice(first, end - first)) for part in (array.keys, array.items)]
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        parts = [measure(array.flatten())]
    else:
        return len(array), array.nbytes
    return len(array) + sum(values for values, _ in parts), sum(size for _, size in parts)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _build(part: Any) -> list[dict[str, Any]]:
    import pyarrow as pa

    columns = [column.cast(_without_dictionaries(column.type)) for column in part.columns]
    rows: list[dict[str, Any]] = pa.RecordBatch.from_arrays(columns, names=part.schema.names).to_pylist()
    return rows


def _without_dictionaries(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_dictionaries(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_without_dictionaries(kind.key_type), _without_dictionaries(kind.item_type))
    for is_kind, make in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if is_kind(kind):
            return make(kind.value_field.with_type(_without_dictionaries(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_without_dictionaries(kind.value_type)), kind.list_size)
    return kind
