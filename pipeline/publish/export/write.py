"""Files that appear whole or not at all, written a shard at a time."""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.storage import RunFolder


class Files:
    """The data files of one export. What was written takes its place when the block ends well, and goes when it does
    not.

    Local files grow under another name beside their place; those of an object store in a local temporary folder.
    """

    def __init__(self, folder: RunFolder, suffix: str, schema: Mapping[str, Any], row_group_rows: int) -> None:
        self.folder, self.suffix, self.rows = folder, suffix, row_group_rows
        self.schema = pl.DataFrame(schema=schema).to_arrow().schema
        self.counts: dict[str, int] = {}
        self._open: dict[str, _Parquet | _Lines] = {}
        self._place = ""

    def __enter__(self) -> "Files":
        if self.folder.is_local:
            self.folder.fs.makedirs(self.folder.path, exist_ok=True)
            self._place = f"{self.folder.path.rstrip('/')}/.{uuid.uuid4().hex[:8]}.tmp"
            os.mkdir(self._place)
        else:
            self._place = tempfile.mkdtemp(prefix="goldilocks-export-")
        return self

    def write(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows to NAME.parquet or NAME.jsonl."""
        if not rows:
            return
        file = f"{name}{self.suffix}"
        if file not in self._open:
            path = Path(self._place, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[file] = _Parquet(path, self.schema) if self.suffix == ".parquet" else _Lines(path)
        self._open[file].write(rows, self.rows)
        self.counts[file] = self.counts.get(file, 0) + len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for file in self._open.values():
                file.close()
            if kind is None:
                for name in self._open:
                    self.folder.take_file(Path(self._place, name), name)
        finally:
            shutil.rmtree(self._place, ignore_errors=True)


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self.writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: Sequence[Mapping[str, Any]], row_group_rows: int) -> None:
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=self.schema)
        self.writer.write_table(table, row_group_size=row_group_rows)

    def close(self) -> None:
        self.writer.close()


class _Lines:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, rows: Sequence[Mapping[str, Any]], row_group_rows: int) -> None:
        self.file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def close(self) -> None:
        self.file.close()
