"""Rows in the curriculum's order, with memory bounded by a bucket of them, whatever the number of rows."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

Row = dict[str, Any]
BUCKET = 20_000
"""Rows that are sorted at once: some tens of MB of problems with tests."""


class SortedRows:
    """Rows that come in any order and go in that of their places, through files of a bucket each in a temporary folder
    of this machine."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="goldilocks-sort-")
        self._files = ExitStack()
        self._open: dict[int, IO[str]] = {}
        self.count = 0

    def __enter__(self) -> "SortedRows":
        return self

    def add(self, place: int, row: Row) -> None:
        """Take a row whose place in the order is `place`, from 0; each place once."""
        self.count += 1
        bucket = place // BUCKET
        if bucket not in self._open:
            path = Path(self._folder.name, f"{bucket}.jsonl")
            self._open[bucket] = self._files.enter_context(path.open("w+", encoding="utf-8"))
        self._open[bucket].write(json.dumps([place, row]) + "\n")

    def drain(self) -> Iterator[list[tuple[int, Row]]]:
        """The rows with their places in order, a bucket at a time."""
        for bucket in sorted(self._open):
            file = self._open[bucket]
            file.seek(0)
            yield sorted(((place, row) for place, row in map(json.loads, file)), key=lambda pair: pair[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()
        self._folder.cleanup()
