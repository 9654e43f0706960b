"""How far sampling is, in the words of sampling: samples, their rate, problems done and kept."""

import threading
import time
from contextlib import ExitStack
from types import TracebackType

from pipeline.progress import Work, track

TELLING = 0.1
"""Share of the samples that must be there before a time left is said: the longest come last."""


class SamplingProgress:
    """Counts what any number of shards report, from any thread, as the step `sample`; a context manager.

    `n` samples are expected of each of `problems`, and fewer as soon as one is decided early. Samples that were stored
    before this run are counted, but say nothing about its speed.
    """

    def __init__(self, problems: int, n: int) -> None:
        self._expected = problems * n
        self.samples = self.tokens = self.settled = self.kept = 0
        self._first: float | None = None
        self._lock = threading.Lock()
        self._shards: dict[str, ShardProgress] = {}
        self._open = ExitStack()

    def __enter__(self) -> "SamplingProgress":
        self._work = self._open.enter_context(track("sample", self._expected, "samples", telling=TELLING))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def begin_shard(self, shard: str) -> "ShardProgress":
        """What one shard counts from now on. Where it was begun before it failed then, and is tried again: what it had
        counted is taken back, since it finds its samples stored."""
        with self._lock:
            if shard in self._shards:
                self._shards[shard]._withdraw()
            self._shards[shard] = ShardProgress(self, Work(self._work.step, None))
            return self._shards[shard]

    @property
    def note(self) -> str:
        """What is said behind the count of samples. The speed is that since the first sample: the start of an engine is
        no part of it."""
        parts = [f"{self.settled:,} problem{'s' * (self.settled != 1)} done", f"{self.kept:,} kept"]
        if self._first is not None:
            seconds = max(time.monotonic() - self._first, 1.0)
            parts = [f"{self.samples / seconds:,.1f} samples/s", f"{self.tokens / seconds:,.0f} tokens/s", *parts]
        return ", ".join(parts)


class ShardProgress:
    """One shard's share of a `SamplingProgress`."""

    def __init__(self, whole: SamplingProgress, work: Work) -> None:
        self._whole, self._work = whole, work
        self._settled = self._kept = 0

    def recall(self, samples: int) -> None:
        """So many samples were stored before this run."""
        self._work.skip(samples)

    def sample(self, tokens: int) -> None:
        """One more sample is in."""
        whole = self._whole
        with whole._lock:
            if whole._first is None:
                whole._first = time.monotonic()
                self._work.begin()
            whole.samples += 1
            whole.tokens += tokens
            self._work.advance()
            self._work.note(whole.note)

    def settle(self, kept: bool, unneeded: int) -> None:
        """One more problem is done, without `unneeded` of the samples that were expected of it."""
        with self._whole._lock:
            self._count(1, kept)
            self._work.expect(-unneeded)
            self._work.note(self._whole.note)

    def reopen(self, kept: bool, unneeded: int) -> None:
        """One that `settle` counted as done, with these arguments, is asked again."""
        with self._whole._lock:
            self._count(-1, -kept)
            self._work.expect(unneeded)

    def _count(self, settled: int, kept: int) -> None:
        self._settled += settled
        self._kept += kept
        self._whole.settled += settled
        self._whole.kept += kept

    def _withdraw(self) -> None:
        self._count(-self._settled, -self._kept)
        self._work.withdraw()
