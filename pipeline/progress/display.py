"""The two displays of steps: lines that move on a terminal, and a line now and then in a log file. Both on stderr."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from pipeline.progress.steps import BOARD, Step

if TYPE_CHECKING:
    from rich.table import Table

LINE_SECONDS = 30.0
"""Between two lines about a step in a log file."""
LONG_SECONDS = 2.0
"""A phase that took less gets no line of its own at its end."""
QUIET = "GOLDILOCKS_QUIET"
"""Set in the environment of a child process: it shows nothing."""


@contextmanager
def show_progress(quiet: bool = False, stream: TextIO | None = None) -> Iterator[None]:
    """Show the steps of this process until the block ends; nothing where `quiet`, or where they are shown already."""
    if quiet or os.environ.get(QUIET) or BOARD.display is not None:
        yield
        return
    stream = sys.stderr if stream is None else stream
    on_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    display = TerminalDisplay(stream) if on_terminal else LogDisplay(stream)
    BOARD.display = display
    try:
        with display.running():
            yield
    finally:
        with BOARD.lock:
            BOARD.end_announced()
            BOARD.display = None


def describe_step(step: Step) -> str:
    """How far a step is, in a line."""
    parts = [_count(step), f"{format_seconds(step.seconds)} so far"]
    if (left := step.seconds_left) is not None:
        parts.append(f"{format_seconds(left)} left")
    return f"{step.name}: {', '.join(filter(None, [*parts, step.note]))}"


def describe_end(step: Step) -> str:
    """What a step did, in a line."""
    count = f"{step.done:,} {step.unit}" if step.done == step.total else _count(step)
    if step.done and step.skipped == step.done:
        return f"{step.name}: {count}, all done before"
    before = f"{step.skipped:,} done before" if step.skipped else ""
    done = "failed after" if step.failed else "done in" if not count else ""
    took = f"{done} {format_seconds(step.seconds)}".strip()
    amount = f"{count} in {took}" if count and not step.failed else ", ".join(filter(None, [count, took]))
    return f"{step.name}: {', '.join(filter(None, [amount, before, step.note]))}"


def format_seconds(seconds: float) -> str:
    """`4.2 s` below a minute, then `1:23` and `1:02:03`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _count(step: Step) -> str:
    if not step.unit:
        return ""
    return f"{step.done:,} {step.unit}" if step.total is None else f"{step.done:,} of {step.total:,} {step.unit}"


def _gets_line(step: Step) -> bool:
    return not step.part or step.seconds >= LONG_SECONDS


class LogDisplay:
    """A line for every open step each `line_seconds`, and one at a step's end."""

    def __init__(self, stream: TextIO, line_seconds: float = LINE_SECONDS) -> None:
        self._stream, self._line_seconds = stream, line_seconds
        self._over = threading.Event()
        self._is_lent = False

    @contextmanager
    def running(self) -> Iterator[None]:
        teller = threading.Thread(target=self._tell, name="progress", daemon=True)
        teller.start()
        try:
            yield
        finally:
            self._over.set()
            teller.join()

    @contextmanager
    def lent(self) -> Iterator[None]:
        self._is_lent = True
        try:
            yield
        finally:
            self._is_lent = False

    def opened(self, step: Step) -> None:
        pass

    def closed(self, step: Step) -> None:
        if _gets_line(step):
            self._write(describe_end(step))

    def _tell(self) -> None:
        while not self._over.wait(self._line_seconds):
            if self._is_lent:
                continue
            with BOARD.lock:
                lines = [describe_step(step) for step in BOARD.steps.values() if step.seconds >= self._line_seconds / 2]
            for line in lines:
                self._write(line)

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class TerminalDisplay:
    """The open steps with bars at the bottom of the terminal; above them, a line for each that is over."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = Console(file=stream, highlight=False, soft_wrap=False)
        self._spinner = Spinner("dots")
        # What is printed meanwhile stands above the bars; on a stdout that is no terminal it goes where it was sent.
        self._live = Live(
            self,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._live:
            yield

    @contextmanager
    def lent(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start(refresh=True)

    def opened(self, step: Step) -> None:
        # What follows may hold the interpreter for seconds (an import does), so the line is drawn now.
        if self._live.is_started:
            self._live.refresh()

    def closed(self, step: Step) -> None:
        from rich.text import Text

        if _gets_line(step):
            self._console.print(Text(describe_end(step), style="red" if step.failed else "dim"), soft_wrap=True)

    def __rich__(self) -> "Table":
        """What stands at the bottom now; rich asks whenever it draws."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for _ in range(7):
            table.add_column(no_wrap=True, overflow="ellipsis")
        # Without the steps' lock: who opens a step holds it and may wait for this drawing to end.
        for step in list(BOARD.steps.values()):
            left = step.seconds_left
            bar = ProgressBar(step.total, min(step.done, step.total), width=20) if step.total else Text("")
            table.add_row(
                self._spinner,
                Text(step.name, style="bold"),
                bar,
                Text(_count(step)),
                Text(format_seconds(step.seconds), style="dim"),
                Text("" if left is None else f"{format_seconds(left)} left", style="cyan"),
                Text(step.note, style="dim"),
            )
        return table
