"""Real runs, killed with SIGKILL at many points and started again: nothing stored is lost or changed, nothing counts
twice.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.run.storage import RunFolder
from pipeline.sample.store import EvidenceStore
from schemas.sample import SAMPLE_KEY
from tests.pipeline.conftest import Server
from tests.pipeline.inference.test_watch import ROOT, is_alive, wait_gone
from tests.pipeline.sample.shard_run import SHARD

GUARD = 400
POINTS: list[list[Any]] = [
    ["submit", 1, "before"],
    ["submit", 2, "after"],
    ["append", 1, "before"],
    ["write", 1, "torn"],
    ["write", 1, "after"],
    ["append", 3, "after"],
    ["write", 4, "before"],
    ["remove", 1, "before"],
    ["remove", 2, "after"],
    ["seal", 1, "before"],
    ["seal", 1, "torn"],
    ["seal", 1, "after"],
    ["remove", 1, "after"],
]


def start(settings: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.pipeline.sample.shard_run", json.dumps(settings)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def finish(run: subprocess.Popen[str]) -> dict[str, Any]:
    said, trouble = run.communicate(timeout=GUARD)
    assert run.returncode == 0, trouble[-3000:]
    stats: dict[str, Any] = json.loads(said)
    return stats


def evidence(root: Path) -> pl.DataFrame:
    table = EvidenceStore(RunFolder(str(root)), SHARD).load()
    assert table.select(SAMPLE_KEY).is_duplicated().sum() == 0
    return table


def holds(after: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Every sample that was there is there still, to the letter."""
    return after.join(before, on=SAMPLE_KEY, how="semi").equals(before)


@pytest.mark.model
def test_a_run_killed_at_every_turn_ends_with_exactly_what_was_asked_for(server: Server, tmp_path: Path) -> None:
    settings = {
        "folder": str(tmp_path),
        "model": server.model(concurrency=1).model_dump(),
        "problems": 10,
        "n": 4,
    }
    before = evidence(tmp_path)
    for point in POINTS:
        run = start({**settings, "die": point})
        _, trouble = run.communicate(timeout=GUARD)
        assert run.returncode == -signal.SIGKILL, f"{point} never came: {trouble[-2000:]}"
        after = evidence(tmp_path)
        assert holds(after, before), point
        before = after
    stats = finish(start(settings))
    whole = evidence(tmp_path)
    assert holds(whole, before)
    assert stats["missing"] == 0
    counts = whole.group_by("problem_id").agg(pl.len(), pl.col("index").max())
    assert counts.height == 10
    assert set(counts.get_column("len")) == {4}
    assert set(counts.get_column("index")) == {3}
    assert RunFolder(str(tmp_path)).list("samples") == [f"samples/{SHARD}.parquet"]
    sealed = (tmp_path / f"samples/{SHARD}.parquet").stat()
    again = finish(start(settings))
    assert (again["sampled"], again["samples"], again["tokens"]) == (0, 40, 0)
    assert (tmp_path / f"samples/{SHARD}.parquet").stat() == sealed


@pytest.mark.model
def test_a_run_killed_with_its_own_engine_leaves_no_process_and_resumes(embedded_model: Path, tmp_path: Path) -> None:
    model = {"name": str(embedded_model), "max_model_len": 128, "max_num_seqs": 4}
    settings = {"folder": str(tmp_path), "model": model, "problems": 6, "n": 4}

    run = start(settings)
    (engine,) = wait_for(lambda: children(run.pid, "vllm_worker"), run)
    kill(run)
    wait_gone(engine)
    assert evidence(tmp_path).is_empty()

    run = start({**settings, "die": ["write", 2, "after"]})
    (engine,) = wait_for(lambda: children(run.pid, "vllm_worker"), run)
    run.communicate(timeout=GUARD)
    assert run.returncode == -signal.SIGKILL
    wait_gone(engine)
    before = evidence(tmp_path)
    assert 0 < before.height < 24

    stats = finish(start(settings))
    whole = evidence(tmp_path)
    assert holds(whole, before)
    assert stats["sampled"] == 24 - before.height
    assert set(whole.group_by("problem_id").len().get_column("len")) == {4}
    assert finish(start(settings))["sampled"] == 0


def children(pid: int, module: str) -> list[int]:
    """The processes below `pid` that run `module`."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pid and module in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def wait_for(look: Any, run: subprocess.Popen[str]) -> Any:
    end = time.monotonic() + GUARD
    while not (found := look()):
        assert is_alive(run.pid), run.communicate()[1][-3000:]
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def kill(run: subprocess.Popen[str]) -> None:
    run.kill()
    run.communicate(timeout=GUARD)
