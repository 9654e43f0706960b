"""The second look through a real model: whatever it says, no row is lost, and switching it off undoes it."""

import json
from pathlib import Path

import pytest

from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from tests.conftest import Run, Served
from tests.flows.test_curate import configure, sums, write_rows

pytestmark = pytest.mark.model


def stages(run: Path) -> dict[str, tuple[int, int, int]]:
    manifest = json.loads((run / "manifest.json").read_text())
    return {stage["stage"]: (stage["in"], stage["kept"], stage["rejected"]) for stage in manifest["stages"]}


def test_the_judge_is_a_stage_that_adds_up_and_can_be_taken_back(
    goldilocks: Run, served_model: Served, tmp_path: Path
) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 4))
    judged = configure(tmp_path, served_model, screen={"judge": {"enabled": True, "max_tokens": 16}})
    goldilocks("curate", str(judged))
    came, kept, rejected = stages(tmp_path / "run")["judge"]
    assert (came, kept + rejected) == (4, 4)
    check_counts(RunFolder(str(tmp_path / "run")))

    goldilocks("curate", str(judged), "--set", "screen.judge.enabled=false")
    assert "judge" not in stages(tmp_path / "run")
    check_counts(RunFolder(str(tmp_path / "run")))
