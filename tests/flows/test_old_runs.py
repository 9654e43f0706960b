"""A run that an older version made can be read, decided again and gone on with, and nothing of it is done twice."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from pipeline.sandbox import describe_sandbox
from tests.conftest import Run, Served
from tests.flows.old_run import make_old, restore_names
from tests.flows.scripted_run import mixed_problems
from tests.flows.test_code_run import add
from tests.flows.test_curate import configure, write_rows
from tests.flows.test_stages import answer
from tests.pipeline.inference.unruly import Unruly

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox"),
]


def read_stages(run: Path) -> dict[str, bytes]:
    """What every stage left, in bytes, by the name that the file has today."""
    files = [
        path for folder in ("problems", "stages", "rejected", "samples") for path in (run / folder).rglob("*.parquet")
    ]
    return {
        str(path.relative_to(run)).replace("court", "code_tests"): path.read_bytes()
        for path in files
        if not path.name.startswith("decide-")
    }


def test_a_run_of_the_version_before_is_read_decided_and_not_done_again(goldilocks: Run, tmp_path: Path) -> None:
    model = Unruly(answer)
    run, source = tmp_path / "run", tmp_path / "problems.jsonl"
    write_rows(source, [*mixed_problems(6), add("sum"), add("nothing", tests=[], solutions=[], statement="Add them.")])
    config = configure(
        tmp_path,
        Served(model.url, "m"),
        screen={"judge": {"enabled": True, "max_tokens": 8}},
        code_tests={"languages": []},
        flow={"shard_rows": 20},
    )
    goldilocks("curate", str(config))
    decided = pl.read_parquet(run / "decisions" / "*.parquet").sort("problem_id")
    stages = json.loads((run / "manifest.json").read_text())["stages"]
    assert [stage["stage"] for stage in stages] == ["ingest", "screen", "judge", "dedup", "code_tests", "decide"]
    make_old(run)
    config.write_text(yaml.safe_dump(restore_names(yaml.safe_load(config.read_text()))))
    calls, before = model.calls, read_stages(run)

    assert "court" in goldilocks("inspect", str(run / "rejected" / "court-00000.parquet")).stdout
    goldilocks("report", str(run))
    assert "court" in (run / "report.html").read_text()

    warned = goldilocks("curate", str(config)).stderr
    assert "court is now called code_tests" in warned
    assert model.calls == calls
    assert read_stages(run) == before
    folder = RunFolder(str(run))
    check_counts(folder)
    after = folder.read_json("manifest.json")
    assert "code_tests" in after["config"]
    assert after["stages"] == stages
    assert pl.read_parquet(run / "decisions" / "*.parquet").sort("problem_id").equals(decided)
    assert not folder.exists("stages/court")

    goldilocks("curate", str(config))
    assert model.calls == calls
    assert read_stages(run) == before
    assert "every decision is as it was" in goldilocks("decide", str(run)).stdout
