"""The script that checks the trainer on a card, here on the CPU, where it can prove no more than itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


def run_checks(out: Path, *names: str) -> list[dict[str, Any]]:
    command = [sys.executable, "scripts/gpu_check.py", str(out), "--only", *names]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(out.read_text())
    assert figures["failures"] == []
    return list(figures["rows"])


@pytest.mark.slow
def test_its_checks_run_and_hold_without_a_card(tmp_path: Path) -> None:
    rows = run_checks(tmp_path / "figures.json", "attention", "loss", "one-rank", "world", "push")
    assert {"attention", "loss", "one rank", "world of 8", "push"} <= {row["check"] for row in rows}


@pytest.mark.model
def test_engine_and_trainer_take_turns_and_agree_on_fresh_completions(tmp_path: Path) -> None:
    """On a CPU nothing is let go of, and what outlasts a turn keeps the old weights' cache: these are for a card."""
    rows = [row for row in run_checks(tmp_path / "figures.json", "engine") if row["check"] == "engine"]
    assert [row["what"] for row in rows] == [
        "start",
        "turn 1",
        "turn 2",
        "turn 3",
        "fresh completions",
        "outlasted the turn",
    ]
    assert all(row["went_on"] for row in rows[1:4])
    assert rows[4]["tokens"] > 1000
