"""Training with the real model and engine: killed where it hurts, it goes on and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.run.layout import EVALUATIONS
from schemas.config import Config
from tests.conftest import ROOT
from tests.pipeline.inference.test_watch import wait_gone
from tests.pipeline.publish.report_runs import Told, lay_run
from trainer.checkpoints import DONE, LOG, MODEL, find_checkpoints, read_rows, read_state

STEPS = 4
HANG = 420
"""Seconds: a guard against hanging, ten times what it takes."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A run of twelve sums that were kept, and a stage of four small steps on them."""
    half: list[tuple[str, str | None, str]] = [("7", "7", "correct")] * 8 + [("1", "1", "wrong")] * 8
    told = [Told(f"What is {n} + {7 - n}? It is", "7", samples=half) for n in range(-2, 10)]
    lay_run(tmp_path / "run", told)
    return Config.model_validate(
        {
            "run": str(tmp_path / "run"),
            "sources": [{"name": "sums", "reasoning_gym": "chain_sum"}],
            "model": {"max_model_len": 128, "max_num_seqs": 32},
            "prompt": {"template": "raw", "chat": False},
            "sampling": {"max_tokens": 6},
            "verify": {"extract": "last"},
            "train": {
                "num_generations": 4,
                "learning_rate": 1e-5,
                "checkpoint_every": 1,
                "evaluation": {"share": 0.2, "n": 2, "every": 2, "variants": "keep"},
                "stages": [{"name": "one", "steps": STEPS, "prompts_per_batch": 2, "plateau": 0}],
            },
        }
    )


def start(config: Config) -> "subprocess.Popen[str]":
    told = Path(config.run).parent / "config.json"
    told.write_text(json.dumps(config.model_dump(mode="json")))
    return subprocess.Popen(
        [sys.executable, "-m", "trainer", str(told), "one"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_step(config: Config, step: int, process: "subprocess.Popen[str]") -> None:
    log, deadline = Path(config.run) / "training" / LOG, time.monotonic() + HANG
    while len(read_rows(log)) < step:
        assert process.poll() is None, process.stdout and process.stdout.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def engines_of(pid: int) -> list[int]:
    """Engine processes below `pid`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"pipeline.inference.vllm_worker" in command:
            found.append(int(path.parent.name))
    return found


@pytest.mark.model
def test_a_killed_trainer_and_a_killed_engine_go_on(config: Config) -> None:
    home = Path(config.run) / "training"
    first = start(config)
    wait_for_step(config, 2, first)
    (engine,) = engines_of(first.pid)
    first.kill()
    first.communicate()
    wait_gone(engine)
    saved = read_state(find_checkpoints(home / "one")[-1])
    assert saved.step in (1, 2)

    second = start(config)
    deadline = time.monotonic() + HANG
    while not (engines := engines_of(second.pid)):
        assert second.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # The log is cut back to the checkpoint before the engine starts.
    wait_for_step(config, saved.step + 1, second)
    os.kill(engines[0], signal.SIGKILL)
    said, _ = second.communicate(timeout=HANG)
    assert second.returncode == 0, said[-3000:]

    rows = read_rows(home / LOG)
    assert [row["version"] for row in rows] == list(range(1, STEPS + 1))
    assert all(row["max_lag"] <= STEPS and row["groups"] >= 2 for row in rows)
    done = json.loads((home / "one" / DONE).read_text())
    assert (done["step"], done["version"]) == (STEPS, STEPS)
    evaluations = [(row["when"], row["version"]) for row in read_rows(home / EVALUATIONS)]
    assert evaluations == [("before training", 0), ("one, step 2", 2), ("after one", STEPS)]
    assert (home / "one" / MODEL / "config.json").is_file()
    assert (home / "curves.svg").is_file()

    third = start(config)
    third.communicate(timeout=HANG)
    assert third.returncode == 0
    assert len(read_rows(home / LOG)) == STEPS
