"""Checkpoints are whole or not there."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from trainer.checkpoints import (
    State,
    drop_old,
    find_checkpoints,
    name_checkpoint,
    read_state,
    write_state,
    write_whole,
)

SLOW = """
import sys, time
from pathlib import Path
from trainer.checkpoints import State, name_checkpoint, write_state, write_whole
stage = Path(sys.argv[1])
step = int(sys.argv[2])
while True:
    def fill(room):
        write_state(room, State("s", step, step))
        for part in range(8):
            (room / f"part-{part}").write_bytes(bytes([step % 256]) * 200_000)
    write_whole(name_checkpoint(stage, step), fill)
    step += 1
"""


def make(stage: Path, step: int) -> Path:
    return write_whole(name_checkpoint(stage, step), lambda room: write_state(room, State("s", step, step)))


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = State("s", 3, 7, {"position": 5, "pending": ["a"]}, [[1, 2]], {"a": 1})
    folder = write_whole(tmp_path / "step-000003", lambda room: write_state(room, state))
    assert read_state(folder) == state


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (2, 10, 9, 100):
        make(tmp_path, step)
    drop_old(tmp_path, 2)
    assert [path.name for path in find_checkpoints(tmp_path)] == ["step-000010", "step-000100"]


def test_what_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    def fail(room: Path) -> None:
        (room / "half").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "step-000001", fail)
    assert find_checkpoints(tmp_path) == []
    make(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]


@pytest.mark.slow
def test_a_kill_leaves_only_whole_checkpoints(tmp_path: Path) -> None:
    for round in range(5):
        newest = len(find_checkpoints(tmp_path))
        command = [sys.executable, "-c", SLOW, str(tmp_path), str(newest)]
        writer = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
        while not name_checkpoint(tmp_path, newest + 1).exists():
            assert writer.poll() is None
            time.sleep(0.005)
        time.sleep(0.003 * round)
        writer.kill()
        writer.wait()
        for folder in find_checkpoints(tmp_path):
            step = read_state(folder).step
            parts = sorted(folder.glob("part-*"))
            assert len(parts) == 8
            assert all(part.read_bytes() == bytes([step % 256]) * 200_000 for part in parts)
