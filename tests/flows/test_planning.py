"""`goldilocks plan`, for real: a pilot whose samples the run uses, and the plan beside what the run took."""

import json
from pathlib import Path

import pytest

from flows.cli.errors import Exit
from schemas.sample import SAMPLE_KEY
from tests.conftest import Run, Served
from tests.flows.test_curate import configure, evidence, sums, write_rows

pytestmark = pytest.mark.model


def test_a_pilot_is_part_of_the_run_and_the_plan_is_compared_with_it(
    goldilocks: Run, served_model: Served, tmp_path: Path
) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 10))
    config, run = str(configure(tmp_path, served_model, sampling={"stop": "full"})), tmp_path / "run"
    told = goldilocks("plan", config, "--pilot", "4", "--price", "2", "--engines", "3").stdout
    assert "10 problems to grade in 3 shards" in told
    assert {"tokens", "engine hours", "hours on 3 engines", "cost", "storage"} <= {
        line.partition("┃")[0].partition("│")[0].strip() for line in told.splitlines()
    }
    assert "actual" not in told
    plan = json.loads((run / "plan.json").read_text())
    assert (plan["pilot"], plan["samples"]["value"]) == (4, 40)
    pilot = evidence(run)
    assert pilot["problem_id"].n_unique() == 4

    goldilocks("curate", config)
    whole = evidence(run)
    assert whole.height == 40
    assert whole.join(pilot, on=SAMPLE_KEY, how="semi").sort(SAMPLE_KEY).equals(pilot.sort(SAMPLE_KEY))
    after = goldilocks("plan", config, "--price", "2").stdout
    assert "actual" in after
    assert json.loads((run / "plan.json").read_text()) == plan
    manifest = json.loads((run / "manifest.json").read_text())
    assert f"{manifest['samples']['tokens']:,}" in after


def test_without_a_sample_there_is_no_plan(goldilocks: Run, served_model: Served, tmp_path: Path) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 2))
    told = goldilocks("plan", str(configure(tmp_path, served_model)), "--pilot", "0", check=Exit.BAD_INPUT).stderr
    assert "no samples are stored here yet" in told
