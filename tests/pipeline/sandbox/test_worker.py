"""A worker is closed whatever became of its process, and nothing of it is left."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.sandbox import Limits, SandboxUnavailable, box
from pipeline.sandbox.describe import try_mode
from pipeline.sandbox.worker import Worker

if not try_mode("bubblewrap").works:
    pytest.skip("bubblewrap does not run here", allow_module_level=True)


def is_alive(group: int) -> bool:
    """Whether any process of the group runs; the dead may wait for whoever reaps them."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                return True
    return False


@pytest.mark.parametrize("delay", [step / 2000 for step in range(20)])
def test_killed_at_any_moment_of_its_start_it_closes_and_leaves_no_process(
    delay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bubblewrap that dies before its child is told to go on leaves one that waits for ever, and holds every pipe."""
    groups = []

    def start_and_kill(*given: Any, **more: Any) -> "subprocess.Popen[bytes]":
        process = start(*given, **more)
        groups.append(process.pid)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        return process

    start = box.start
    monkeypatch.setattr(box, "start", start_and_kill)
    worker = Worker("bubblewrap", Limits())
    with suppress(SandboxUnavailable):
        worker.start()
    worker.close()
    (group,) = groups
    end = time.monotonic() + 10
    while is_alive(group) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(group)
