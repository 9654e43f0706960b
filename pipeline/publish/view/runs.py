"""An open run: its index, kept fresh, and the answers that several pages ask for, kept while they hold."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import polars as pl

from pipeline.labels.flags import Flags, read_flags
from pipeline.publish.report.build import read_config
from pipeline.publish.view.index import FACETS, Index, build_index, sign_run
from pipeline.publish.view.problem import Facts, read_listed, read_problem
from pipeline.publish.view.query import Query, count_bins, count_facet, filter_rows, order_rows
from pipeline.publish.view.search import ChangedError, search_text
from pipeline.run.layout import FLAGS, MANIFEST
from pipeline.run.storage import RunFolder
from schemas.config import SamplingConfig
from schemas.errors import InputError

Answer = TypeVar("Answer")
REMEMBERED = 24
"""Answers kept: a few lists of row numbers and text searches, some megabytes at most."""
LOOK_AGAIN = 2.0
"""Seconds before the tables are listed again; a run of a thousand tables takes a hundredth of that."""
REST = 10
"""An index that took t seconds is not built again within 10 t, so that a run in progress costs a tenth of a core."""


class OpenRun:
    """A run that is looked at. Threads may share it."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.name = folder.root.rstrip("/").rpartition("/")[2] or folder.root
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._signature: tuple[tuple[str, int, str], ...] = ()
        self._look_at = 0.0
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._last: dict[str, tuple[Hashable, Any]] = {}

    @property
    def index(self) -> Index:
        """The index of the run as it is now, or was a moment ago."""
        with self._lock:
            now = time.monotonic()
            if self._index is None or now >= self._look_at:
                signature = sign_run(self.folder)
                self._look_at = now + LOOK_AGAIN
                if self._index is None or signature != self._signature:
                    self._index = build_index(self.folder, self._planned())
                    self._signature = signature
                    self._answers.clear()
                    taken = time.monotonic() - now
                    self._look_at = now + taken + max(LOOK_AGAIN, REST * taken)
            return self._index

    def prepare(self) -> None:
        """Index the run before somebody asks; what goes wrong is told to the one who asks."""
        with suppress(Exception):
            _ = self.index

    def forget(self) -> None:
        """Index the run again when it is next asked for."""
        with self._lock:
            self._index = None

    def remember(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer made before under `key` since the run last changed, or a new one."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                kept: Answer = self._answers[key]
                return kept
        answer = make()
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    def remember_last(self, name: str, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The same for answers too large to keep more than one of."""
        with self._lock:
            last = self._last.get(name)
        if last is None or last[0] != key:
            last = (key, make())
            with self._lock:
                self._last[name] = last
        kept: Answer = last[1]
        return kept

    def retry(self, ask: Callable[[], Answer]) -> Answer:
        """Ask once more with a new index where the run changed in between."""
        try:
            return ask()
        except ChangedError:
            self.forget()
        try:
            return ask()
        except ChangedError as error:
            self.forget()
            raise InputError(f"{self.folder.root}: the run is changing while it is read ({error}); reload") from error

    def flags(self) -> Flags:
        """The open flags as they are now; files that are never changed are read once."""
        names = tuple(self.folder.list(FLAGS, ".json"))
        return self.remember(("flags", names), lambda: read_flags(self.folder))

    def select(self, index: Index, query: Query, flags: Flags) -> pl.Series:
        """Numbers of the rows that `query` asks for, in its order. Raises ChangedError."""
        key = (index.serial, "rows", query.address(page=1), _flagged(query, flags))
        return self.remember(key, lambda: order_rows(self._filter(index, query, flags), query.sort))

    def count(self, index: Index, query: Query, flags: Flags) -> dict[str, Any]:
        """Problems by each facet, and by pass rate as `bins`, were that facet not narrowed. Raises ChangedError."""
        key = (index.serial, "counts", query.address(page=1, sort="chance"), _flagged(query, flags))

        def make() -> dict[str, Any]:
            counts: dict[str, Any] = {
                facet: count_facet(self._filter(index, query, flags, facet), facet) for facet in FACETS
            }
            return counts | {"bins": count_bins(self._filter(index, query, flags, "bin"), index.of)}

        return self.remember(key, make)

    def list(self, index: Index, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """What a list shows of the rows `numbers`. Raises ChangedError."""
        return read_listed(self.folder, index, numbers)

    def read(self, id_: str, copy: int = 0) -> Facts | None:
        """One problem in full."""
        return self.retry(lambda: read_problem(self.folder, self.index, id_, copy))

    def _filter(self, index: Index, query: Query, flags: Flags, ignore: str = "") -> pl.LazyFrame:
        matches = self._search(index, query.words) if query.words else None
        return filter_rows(index, query, matches, _flagged(query, flags), ignore)

    def _search(self, index: Index, words: tuple[str, ...]) -> pl.Series:
        return self.remember((index.serial, "words", words), lambda: search_text(self.folder, index, words))

    def _planned(self) -> int:
        """Samples planned for a problem, from the manifest; the default's number before there is one."""
        manifest = self.folder.read_json(MANIFEST) if self.folder.exists(MANIFEST) else {}
        config = read_config(manifest)
        return config.sampling.n if config else SamplingConfig().n


def _flagged(query: Query, flags: Flags) -> tuple[str, ...]:
    return tuple(flag.problem_id for flag in flags.open) if query.flagged else ()
