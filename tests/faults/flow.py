"""Real runs of `goldilocks curate`, each a process of its own forked from one that has its imports, and faults in it.

A fault is at the k-th operation on the run's files, counted over all of them: the process is killed before it, in it
(written but not renamed) or after it; or the disk is full from it on.
"""

import errno
import itertools
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO, Any, Literal

Moment = Literal["before", "torn", "after", "full"]
PRELOAD = [
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.task_runners",
    "prefect.deployments",
    "openai",
    "rich",
]
"""What a run imports first, once for all of them. Not Polars: its threads do not survive a fork."""


@dataclass(frozen=True)
class Fault:
    """At file operation `at` (from 1), at its `moment`; `full` is a disk on which nothing more fits."""

    at: int
    moment: Moment


def start(config: Path, log: Path, fault: Fault | None = None, count: Path | None = None) -> ForkServerProcess:
    """Start `goldilocks curate CONFIG` with its output in `log`; `count` is where the file operations are counted."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=_curate, args=(str(config), str(log), fault, count))
    process.start()
    return process


def finish(process: ForkServerProcess, seconds: float = 300) -> int:
    """Its exit code; negative for the signal that ended it. Raises where it hangs."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise AssertionError(f"the run did not end in {seconds:g} s")
    return process.exitcode


def _curate(config: str, log: str, fault: Fault | None, count: Path | None) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    from flows.cli.main import app

    if fault is not None or count is not None:
        plant(fault or Fault(0, "before"), count)
    app(["curate", config])


def plant(fault: Fault, count: Path | None) -> None:
    """Put the fault into everything that touches the run's files: writing a whole file, and removing."""
    from pipeline.run import storage
    from pipeline.run.storage import RunFolder

    numbers = itertools.count(1)
    write, remove, replace = RunFolder.write_bytes, RunFolder.remove, os.replace
    torn: set[int] = set()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def step(act: Any) -> None:
        number = next(numbers)
        if count is not None:
            count.write_text(str(number))
        due = number == fault.at
        if due and fault.moment == "before":
            die()
        if due and fault.moment == "torn":
            torn.add(number)
        if fault.moment == "full" and fault.at and number >= fault.at:
            vars(storage)["open"] = open_full
        act()
        if due and fault.moment == "after":
            die()

    def replace_or_die(*names: Any) -> None:
        if torn:
            die()
        replace(*names)

    def write_step(self: RunFolder, name: str, data: bytes) -> None:
        step(lambda: write(self, name, data))

    def remove_step(self: RunFolder, name: str) -> None:
        step(lambda: remove(self, name))

    RunFolder.write_bytes = write_step  # type: ignore[method-assign]
    RunFolder.remove = remove_step  # type: ignore[method-assign]
    os.replace = replace_or_die


class _FullDisk:
    """A file of which half is written before the disk is full."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __enter__(self) -> "_FullDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        raise OSError(errno.ENOSPC, "No space left on device")


def open_full(name: str, mode: str = "r") -> Any:
    """`open` on a full disk."""
    file = open(name, mode)  # noqa: SIM115
    return _FullDisk(file) if "w" in mode else file
