"""How far sampling is, in the words of sampling: problems done and kept, samples, tokens a second."""

import threading
import time
from contextlib import ExitStack
from types import TracebackType

from pipeline.progress import Work, track

TELLING = 0.1
"""Share of the problems that must be done before a time left is said: all begin before one ends."""


class SamplingProgress:
    """Counts what any number of shards report, from any thread, as the step `sample`; a context manager.

    Problems that were settled before this run are counted, but say nothing about its speed.
    """

    def __init__(self, problems: int) -> None:
        self.total = problems
        self.samples = self.tokens = self.kept = 0
        self._first: float | None = None
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._work: Work | None = None

    def __enter__(self) -> "SamplingProgress":
        self._work = self._open.enter_context(track("sample", self.total, telling=TELLING))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def settle(self, kept: bool, worked: bool = True) -> None:
        """One more problem is done, by this run's work or before it."""
        with self._lock:
            self.kept += kept
            if self._work is not None:
                (self._work.advance if worked else self._work.skip)()
                self._work.note(self.note)

    def sample(self, tokens: int) -> None:
        """One more sample is in."""
        with self._lock:
            if self._first is None:
                self._first = time.monotonic()
            self.samples += 1
            self.tokens += tokens
            if self._work is not None:
                self._work.note(self.note)

    @property
    def speed(self) -> float:
        """Tokens a second since the first sample came: the start of an engine is no part of its speed."""
        return 0.0 if self._first is None else self.tokens / max(time.monotonic() - self._first, 1.0)

    @property
    def note(self) -> str:
        """What is said behind the count of problems."""
        taken = f", {self.samples:,} samples, {self.speed:,.0f} tokens/s" if self.samples else ""
        return f"{self.kept:,} kept{taken}"
