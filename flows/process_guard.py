"""No process is left behind, even when this one is killed: a guard outlives it for as long as it takes to clean up.

Prefect starts its temporary server as a child that nobody ends after a SIGKILL. Children inherit a mark in their
environment; the guard waits for the end of the marked process and then ends whatever still bears the mark.
"""

import os
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

MARK = "GOLDILOCKS_GUARDED_BY"


def guard_children() -> None:
    """Mark this process's children to come, and start the guard. Linux only; elsewhere it does nothing."""
    if not Path("/proc/self/environ").exists():
        return
    mark = uuid.uuid4().hex
    guard = subprocess.Popen(
        [sys.executable, "-m", "flows.process_guard", mark],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
        start_new_session=True,
    )
    os.environ[MARK] = mark
    _held.append(guard)


_held: "list[subprocess.Popen[bytes]]" = []
"""The guards' pipes: they close when this process ends, however it ends."""


def end_marked(mark: str) -> list[int]:
    """Ask every process that bears `mark` to end; returns their ids."""
    sought = f"{MARK}={mark}".encode()
    ended = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit() or int(place.name) == os.getpid():
            continue
        with suppress(OSError):
            if sought in (place / "environ").read_bytes().split(b"\0"):
                os.kill(int(place.name), signal.SIGTERM)
                ended.append(int(place.name))
    return ended


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_marked(sys.argv[1])
