"""How far sampling is: a bar on a terminal, a plain line now and then anywhere else."""

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

LINE_SECONDS = 30.0
TELLING = 0.1


class SamplingProgress:
    """Counts what any number of shards report, from any thread; a context manager.

    On a terminal a bar with problems, samples, tokens a second, kept so far and time left; otherwise one line every
    `line_seconds` and one at the end, so that a log file stays readable. Tokens a second and time left come from
    this run's own work: problems that were settled before it began are counted, but say nothing about its speed.
    """

    def __init__(self, problems: int, stream: TextIO | None = None, line_seconds: float = LINE_SECONDS) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.total, self.line_seconds = problems, line_seconds
        self.problems = self.samples = self.tokens = self.kept = 0
        self._worked = 0
        self._first: float | None = None
        self._lock = threading.Lock()
        self._began = self._said = time.monotonic()
        self._bar: _Bar | None = None

    def __enter__(self) -> "SamplingProgress":
        self._began = self._said = time.monotonic()
        if self.stream.isatty():
            self._bar = _Bar(self.total, self.stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.show(self)
                self._bar.close()
            else:
                self._say()

    def settle(self, kept: bool, worked: bool = True) -> None:
        """One more problem is done, by this run's work or before it."""
        with self._lock:
            self.problems += 1
            self.kept += kept
            self._worked += worked
            self._show()

    def sample(self, tokens: int) -> None:
        """One more sample is in."""
        with self._lock:
            if self._first is None:
                self._first = time.monotonic()
            self.samples += 1
            self.tokens += tokens
            self._show()

    @property
    def speed(self) -> float:
        """Tokens a second since the first sample came: the start of an engine is no part of its speed."""
        since = time.monotonic() - (self._first if self._first is not None else self._began)
        return self.tokens / max(since, 1.0)

    @property
    def seconds_left(self) -> float | None:
        """None until this run has finished a share of the problems that says something: all begin before one ends."""
        to_do = self.total - self.problems + self._worked
        if not self._worked or self._worked < TELLING * to_do:
            return None
        return (time.monotonic() - self._began) / self._worked * max(self.total - self.problems, 0)

    def line(self) -> str:
        left = f", {_clock(self.seconds_left)} left" if self.seconds_left else ""
        return (
            f"sampled {self.problems} of {self.total} problems ({self.kept} kept), {self.samples} samples, "
            f"{self.speed:.0f} tokens/s{left}"
        )

    def _show(self) -> None:
        now = time.monotonic()
        if self._bar is not None:
            if now - self._said >= 0.1:
                self._said = now
                self._bar.show(self)
        elif now - self._said >= self.line_seconds:
            self._said = now
            self._say()

    def _say(self) -> None:
        self.stream.write(self.line() + "\n")
        self.stream.flush()


class _Bar:
    """The rich bar; imported only where there is a terminal."""

    def __init__(self, total: int, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("sampling"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("problems · {task.fields[kept]} kept · {task.fields[samples]} samples · {task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(file=stream),
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("sampling", total=total, kept=0, samples=0, speed="", left="")
        self._progress.start()

    def show(self, so_far: SamplingProgress) -> None:
        left = so_far.seconds_left
        self._progress.update(
            self._task,
            completed=so_far.problems,
            kept=so_far.kept,
            samples=so_far.samples,
            speed=f"{so_far.speed:.0f} tokens/s",
            left="" if left is None else f"{_clock(left)} left",
        )

    def close(self) -> None:
        self._progress.stop()


def _clock(seconds: float | None) -> str:
    minutes, rest = divmod(round(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
