"""The steps that are under way in this process, and the one display that may look at them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

TELLING = 0.02
"""Share of the pending work that must be done before a time left is said; before, it would jump about."""


@dataclass(eq=False)
class Step:
    """One line of a display. `done` of `total` (None: unknown) `unit`s, of which `skipped` were done by an earlier run.

    `part` is a phase of another step, shown at its end only when it took long. `note` is said behind the counts. Of its
    seconds the first `waited` say nothing of its speed.
    """

    name: str
    total: int | None
    unit: str
    part: bool = False
    whole: bool = False
    telling: float = TELLING
    note: str = ""
    done: int = 0
    skipped: int = 0
    failed: bool = False
    began: float = field(default_factory=time.monotonic)
    waited: float = 0.0
    users: int = 1

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def seconds_left(self) -> float | None:
        """By the speed of this run's own work; None while that says nothing yet, and where the total is unknown."""
        if self.total is None:
            return None
        worked, pending = self.done - self.skipped, max(self.total - self.done, 0)
        if worked <= 0 or worked < self.telling * (worked + pending):
            return None
        return (self.seconds - self.waited) / worked * pending


class Display(Protocol):
    """What shows the steps. Called with the steps' lock held by whoever opens or closes one, so it must be quick."""

    def opened(self, step: Step) -> None: ...

    def closed(self, step: Step) -> None: ...

    @contextmanager
    def lent(self) -> Iterator[None]: ...


class _Board:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.steps: dict[str, Step] = {}
        self.display: Display | None = None
        self.announced: Step | None = None

    def open(self, step: Step) -> Step:
        """`step`, or the one of its name that is open already, which then counts for both."""
        with self.lock:
            there = self.steps.get(step.name)
            if there is not None and there is not self.announced:
                there.users += 1
                if not there.whole and step.total is not None:
                    there.total = (there.total or 0) + step.total
                return there
            self.end_announced()
            self.steps[step.name] = step
            if self.display is not None:
                self.display.opened(step)
            return step

    def close(self, step: Step, failed: bool = False) -> None:
        with self.lock:
            step.users -= 1
            step.failed |= failed
            if step.users or self.steps.get(step.name) is not step:
                return
            del self.steps[step.name]
            if self.display is not None:
                self.display.closed(step)

    def end_announced(self) -> None:
        announced, self.announced = self.announced, None
        if announced is not None:
            self.close(announced)


BOARD = _Board()
_CURRENT: "ContextVar[Work | None]" = ContextVar("work", default=None)


class Work:
    """One piece of code's share of a step: several shards may work at one step at once, from any thread."""

    def __init__(self, step: Step, total: int | None) -> None:
        self.step, self.total = step, total
        self.done = self.skipped = self.expected = 0

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        with BOARD.lock:
            self.done += count
            self.step.done += count

    def skip(self, count: int = 1) -> None:
        """`count` more units were done before this run; they say nothing of its speed."""
        with BOARD.lock:
            self.advance(count)
            self.skipped += count
            self.step.skipped += count

    def expect(self, count: int) -> None:
        """The whole step has `count` units more (or fewer) than was thought."""
        with BOARD.lock:
            if self.step.total is not None:
                self.expected += count
                self.step.total += count

    def begin(self) -> None:
        """Only now does the work begin: what went before, such as an engine's start, says nothing of its speed."""
        self.step.waited = self.step.seconds

    def reach(self, count: int, skipped: bool = False) -> None:
        """At least `count` units of the whole step are done, whoever did them: for work in other processes."""
        with BOARD.lock:
            missing = count - self.step.done
            if missing > 0:
                (self.skip if skipped else self.advance)(missing)

    def complete(self) -> None:
        """All of this share is done, however much of it was counted."""
        with BOARD.lock:
            if self.total is not None:
                self.advance(self.total - self.done)

    def fail(self) -> None:
        """Say that the step failed, where no exception does."""
        self.step.failed = True

    def note(self, text: str) -> None:
        """Say `text` behind the counts."""
        self.step.note = text

    def withdraw(self) -> None:
        """Take back what this share counted: its work failed, and may be tried again."""
        with BOARD.lock:
            self.step.done -= self.done
            self.step.skipped -= self.skipped
            self.done = self.skipped = 0
            self.expect(-self.expected)


@contextmanager
def track(
    name: str,
    total: int | None = None,
    unit: str = "problems",
    *,
    note: str = "",
    part: bool = False,
    whole: bool = False,
    telling: float = TELLING,
) -> Iterator[Work]:
    """Show a step until the block ends. Where one called `name` is open, this counts into it.

    Totals of several then add up, unless the step was opened as the `whole`, which has the total of them all.
    """
    step = BOARD.open(Step(name, total, unit, part, whole, telling, note))
    work = Work(step, total)
    token = _CURRENT.set(work)
    failed = True
    try:
        yield work
        failed = False
    finally:
        _CURRENT.reset(token)
        if failed and not whole:
            work.withdraw()
        BOARD.close(step, failed)


def announce(name: str, note: str = "") -> None:
    """Show what is waited for until the next step begins or is announced: for starts that give no other sign."""
    with BOARD.lock:
        BOARD.end_announced()
        BOARD.announced = BOARD.open(Step(name, None, "", part=True, note=note))


def advance(count: int = 1) -> None:
    """Count into the step that this code runs within, if any."""
    work = _CURRENT.get()
    if work is not None:
        work.advance(count)


def here_total() -> int | None:
    """The total of the step that this code runs within, for a phase that goes over the same things."""
    work = _CURRENT.get()
    return None if work is None else work.step.total


def is_shown() -> bool:
    """Whether this process has a display."""
    return BOARD.display is not None


@contextmanager
def lend_screen() -> Iterator[None]:
    """Leave the screen to a child process that shows its own steps, until the block ends."""
    with BOARD.lock:
        BOARD.end_announced()
    if BOARD.display is None:
        yield
        return
    with BOARD.display.lent():
        yield
