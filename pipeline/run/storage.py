"""A run's folder: local or any fsspec URL. Files appear whole or not at all, and every table is Parquet."""

import io
import json
import os
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
import polars as pl

from pipeline.run.layout import damaged_name
from pipeline.run.ranged import OBJECT_STORES, list_protocols, open_ranged, read_columns, read_schema
from schemas.errors import InputError


class DamagedFile(InputError):
    """A table that was cut short or overwritten from outside; the message names it."""


class RunFolder:
    """Read and write below one root; paths are relative, with forward slashes, such as `problems/00000.parquet`.

    What a run's folder holds is in `pipeline.run.layout`.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        try:
            # Other processes write here too, on a cluster: what was listed before says nothing.
            self.fs, self.path = fsspec.url_to_fs(root, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"run {root}: {error}; S3 needs `pip install goldilocks[s3]`, other stores the package named"
            ) from error

    @property
    def is_local(self) -> bool:
        return "file" in self._protocols

    @property
    def _protocols(self) -> tuple[str, ...]:
        return list_protocols(self.fs)

    def at(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}" if name else self.path

    def exists(self, name: str) -> bool:
        return bool(self.fs.exists(self.at(name)))

    def list(self, below: str, suffix: str = ".parquet") -> list[str]:
        """Names (relative to the root, sorted) of the whole files in the folder `below`, without a killed writer's."""
        prefix = self.path.rstrip("/") + "/"
        try:
            names = [str(path).removeprefix(prefix) for path in self.fs.find(self.at(below))]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if name.endswith(suffix) and not _is_temporary(name))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a whole file: a reader, or a kill, sees the old one or the new one.

        An object store shows an object when it is whole, and its renames are copies. Elsewhere a file is written
        under another name and renamed.
        """
        if not OBJECT_STORES.isdisjoint(self._protocols):
            self.fs.pipe_file(self.at(name), data)
            return
        folder, _, last = self.at(name).rpartition("/")
        self.fs.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            if self.is_local:
                with open(temporary, "wb") as file:
                    file.write(data)
                os.replace(temporary, self.at(name))
            else:
                self.fs.pipe_file(temporary, data)
                self.fs.mv(temporary, self.at(name))
        except OSError:
            with suppress(OSError):
                self.fs.rm_file(temporary)
            raise

    def take_file(self, path: Path, name: str) -> None:
        """Have a whole local file as `name`, for what is too large to be held: it appears at once, as with
        `write_bytes`. A local folder takes the file itself, which is why it was best written on the same disk.
        """
        if not OBJECT_STORES.isdisjoint(self._protocols):
            self.fs.put_file(str(path), self.at(name))
            return
        folder, _, last = self.at(name).rpartition("/")
        self.fs.makedirs(folder, exist_ok=True)
        if self.is_local:
            os.replace(path, self.at(name))
            return
        temporary = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.tmp"
        self.fs.put_file(str(path), temporary)
        self.fs.mv(temporary, self.at(name))

    def set_aside(self, name: str) -> None:
        """Rename a damaged file to NAME.damaged, where nothing reads it."""
        self.rename(name, damaged_name(name))

    def rename(self, name: str, new: str) -> None:
        """Have the file `name` as `new`; an object store copies it."""
        self.fs.makedirs(self.at(new).rpartition("/")[0], exist_ok=True)
        self.fs.mv(self.at(name), self.at(new))

    def modified(self, name: str) -> float:
        """When `name` was written, in seconds by the clock of the store. Raises FileNotFoundError."""
        return float(self.fs.modified(self.at(name)).timestamp())

    def read_bytes(self, name: str) -> bytes:
        with self.fs.open(self.at(name), "rb") as file:
            data: bytes = file.read()
        return data

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        self.write_bytes(name, (json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n").encode())

    def read_json(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.read_bytes(name))
        return value

    def write_table(self, name: str, table: pl.DataFrame, row_group_rows: int | None = None) -> None:
        buffer = io.BytesIO()
        table.write_parquet(buffer, compression="zstd", row_group_size=row_group_rows)
        self.write_bytes(name, buffer.getvalue())

    def read_table(
        self, name: str, columns: Sequence[str] | None = None, added_later: Collection[str] = ()
    ) -> pl.DataFrame:
        """One table. Raises DamagedFile where the file is no whole table.

        Those of `columns` that are `added_later` are left out where an older file does not have them.

        Only `columns` are read: the samples' counts are a hundredth of their completions.
        """
        if columns is None:
            with io.BytesIO(self.read_bytes(name)) as file, self._naming(name):
                return pl.read_parquet(file)
        wanted = list(columns)
        if not self.is_local:
            with open_ranged(self.fs, self.at(name)) as file, self._naming(name):
                return read_columns(file, wanted, added_later)
        with open(self.at(name), "rb") as file, self._naming(name):
            if not set(added_later).isdisjoint(wanted):
                there = pl.read_parquet_schema(file)
                file.seek(0)
                wanted = [column for column in wanted if column in there or column not in added_later]
            return pl.read_parquet(file, columns=wanted)

    def read_tables(self, below: str, columns: Sequence[str] | None = None) -> Iterator[tuple[str, pl.DataFrame]]:
        """Each whole table in the folder `below` with its name: memory is bounded by one file."""
        for name in self.list(below):
            yield name, self.read_table(name, columns)

    def read_batches(self, name: str, rows: int, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """One table in record batches of pyarrow's of at most `rows` rows: memory is bounded by one of them."""
        # Loading it takes as long as reading a run's tables.
        import pyarrow.parquet as pq

        with self.fs.open(self.at(name), "rb") as file:
            yield from pq.ParquetFile(file).iter_batches(rows, columns=columns)

    def count_rows(self, name: str) -> int:
        """Rows of one table, from its footer alone. Raises DamagedFile where there is none."""
        if self.is_local:
            with open(self.at(name), "rb"), self._naming(name):
                return int(pl.scan_parquet(self.at(name), glob=False).select(pl.len()).collect().item())
        with open_ranged(self.fs, self.at(name)) as file, self._naming(name):
            return read_schema(file)[1]

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Readers say what is wrong with a file, and not which it is."""
        try:
            yield
        except (pl.exceptions.ComputeError, ValueError, OSError) as error:
            raise DamagedFile(
                f"{self.root}/{name} is damaged ({str(error).splitlines()[0]}); run `goldilocks curate` again, "
                "which sets it aside and makes it again"
            ) from error

    def remove(self, name: str) -> None:
        if self.exists(name):
            self.fs.rm(self.at(name), recursive=True)


def _is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".")
