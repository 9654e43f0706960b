"""Commands for what comes after a run, in processes of their own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars as pl
import pytest

from flows.cli.errors import Exit
from tests.conftest import ROOT, Run
from tests.pipeline.publish.curriculum.logs import roll, write_verl
from tests.pipeline.publish.export.runs import lay_mixed

pytestmark = pytest.mark.server

ASKED = {"items": [{"ground_truth": "4", "completion": "\\boxed{4}"}]}


def test_export_says_what_it_wrote_and_what_it_left_out(goldilocks: Run, tmp_path: Path) -> None:
    run = lay_mixed(tmp_path / "run")
    told = goldilocks("export", "open-instruct", run.root, str(tmp_path / "out")).stdout
    rows = pl.read_parquet(tmp_path / "out" / "train.parquet").height
    assert f"train.parquet: {rows} rows" in told
    assert "left out: 1 that asks for C++" in told


@contextmanager
def serving(environment: dict[str, str], *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A reward service, and its address."""
    command = [sys.executable, "-m", "flows.cli.main", "reward", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[2].rstrip(",")
        finally:
            process.kill()


def test_the_service_runs_until_it_is_interrupted(prefect_home: dict[str, str]) -> None:
    with serving(prefect_home, "--set", "reward.batch=1") as (process, address):
        assert httpx.get(f"{address}/health").json()["status"] == "ok"
        assert httpx.post(f"{address}/verify", json=ASKED).json()["results"][0]["reward"] == pytest.approx(1.0)
        assert httpx.post(f"{address}/verify", json={"items": ASKED["items"] * 2}).status_code == 413
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == Exit.DONE


def test_the_token_is_taken_from_the_environment(prefect_home: dict[str, str]) -> None:
    told = prefect_home | {"OUR_TOKEN": "secret"}
    with serving(told, "--set", "reward.token_env=OUR_TOKEN") as (_, address):
        assert httpx.post(f"{address}/verify", json=ASKED).status_code == 401
        headers = {"Authorization": "Bearer secret"}
        assert httpx.post(f"{address}/verify", json=ASKED, headers=headers).status_code == 200


def test_nobody_else_is_served_without_a_token(goldilocks: Run) -> None:
    told = goldilocks("reward", "--host", "0.0.0.0", "--port", "0", check=Exit.BAD_INPUT).stderr
    assert "GOLDILOCKS_REWARD_TOKEN" in told


def test_a_taken_port_is_told(goldilocks: Run, prefect_home: dict[str, str]) -> None:
    with serving(prefect_home) as (_, address):
        port = address.rpartition(":")[2]
        assert f"cannot listen on 127.0.0.1:{port}" in goldilocks("reward", "--port", port, check=Exit.BAD_INPUT).stderr


def test_a_curriculum_is_exported_and_moved_by_rollouts(goldilocks: Run, tmp_path: Path) -> None:
    run, out = lay_mixed(tmp_path / "run"), tmp_path / "out"
    told = goldilocks("export", "curriculum", run.root, str(out), "--set", "curriculum.trainer=verl").stdout
    table = pl.read_parquet(out / "curriculum.parquet")
    assert f"curriculum.parquet: {table.height} rows" in told
    logs = write_verl(tmp_path / "rollouts", roll(table, "hard", 7))
    said = goldilocks("reband", str(out), str(logs)).stdout
    moved = table.filter(pl.col("band") == "hard", pl.col("position").is_not_null()).height
    assert f"{16 * moved} rollouts of {moved} problems up to step 1; 0 without a verdict" in said
    assert f"hard -> medium: {moved} problems" in said
    assert "grade again: 100% of the problems in the logs have left the band" in said
    lost = goldilocks("reband", str(tmp_path), str(logs), check=Exit.BAD_INPUT).stderr
    assert "no curriculum is here" in lost
