"""The script that checks the trainer on a card, here on the CPU, where it can prove no more than itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_its_checks_run_and_hold_without_a_card(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "scripts/gpu_check.py", str(out), "--only", "attention", "loss", "one-rank", "world"]
    done = subprocess.run(
        command, cwd=ROOT, env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(out.read_text())
    assert figures["failures"] == []
    checked = {row["check"] for row in figures["rows"]}
    assert {"attention", "loss", "one rank", "world of 8"} <= checked
