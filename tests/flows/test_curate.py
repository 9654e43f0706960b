"""The flow, for real: a model behind a real server, Prefect in every run, and failures that are made, not mocked."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.cli.errors import Exit
from pipeline.publish.shards import check_counts
from pipeline.run.evidence import read_samples
from pipeline.run.layout import SAMPLES
from pipeline.run.storage import RunFolder
from schemas.sample import SAMPLE_KEY
from tests.conftest import ROOT, Run, Served, free_port

pytestmark = pytest.mark.model


def sums(first: int, count: int) -> list[dict[str, str]]:
    """Sums that differ from one another."""
    return [
        {"source_id": f"sum-{i}", "domain": "math", "statement": f"What is {i} + 3?", "answer": str(i + 3)}
        for i in range(first, first + count)
    ]


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def configure(folder: Path, served: Served, **changes: Any) -> Path:
    """A config of two shards over `folder`/problems.jsonl."""
    config: dict[str, Any] = {
        "run": str(folder / "run"),
        "sources": [{"name": "problems", "files": str(folder / "problems.jsonl")}],
        "model": {"name": served.name, "url": served.url},
        "prompt": {"template": "raw", "chat": False},
        "sampling": {"n": 4, "max_tokens": 6},
        "verify": {"extract": "last"},
        "flow": {"shard_rows": 4, "retries": 0},
    }
    for key, value in changes.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def evidence(run: Path) -> pl.DataFrame:
    folder = RunFolder(str(run))
    return pl.concat([table for _, table in folder.read_tables("samples")])


def sample_keys(run: Path) -> set[tuple[Any, ...]]:
    """What identifies each sample that is stored, also while a flow stores them."""
    folder = RunFolder(str(run))
    return set(read_samples(folder, folder.list(SAMPLES)).select(SAMPLE_KEY).rows())


def test_a_second_run_samples_nothing_and_a_grown_source_only_what_is_new(
    goldilocks: Run, served_model: Served, tmp_path: Path
) -> None:
    source, run = tmp_path / "problems.jsonl", tmp_path / "run"
    write_rows(source, [*sums(1, 5), {"source_id": "p", "domain": "math", "statement": "Prove it.", "answer": ""}])
    config = configure(tmp_path, served_model)
    goldilocks("curate", str(config))
    check_counts(RunFolder(str(run)))
    first = evidence(run)
    assert first["problem_id"].n_unique() == 5
    assert first.select(SAMPLE_KEY).is_duplicated().sum() == 0

    goldilocks("curate", str(config))
    assert evidence(run).equals(first)

    write_rows(source, [*sums(1, 7), {"source_id": "p", "domain": "math", "statement": "Prove it.", "answer": ""}])
    goldilocks("curate", str(config))
    grown = evidence(run)
    assert grown["problem_id"].n_unique() == 7
    assert grown.join(first, on=SAMPLE_KEY, how="semi").height == first.height
    manifest = json.loads((run / "manifest.json").read_text())
    ingest, screen, dedup, decide = manifest["stages"]
    assert (ingest["in"], ingest["kept"]) == (8, 8)
    assert (screen["in"], screen["rejected"], screen["reasons"]) == (8, 1, {"proof": 1})
    assert (dedup["in"], dedup["kept"]) == (7, 7)
    assert decide["kept"] + decide["rejected"] == 7


def test_a_shard_that_fails_leaves_the_others_finished(goldilocks: Run, served_model: Served, tmp_path: Path) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 8))
    config = configure(tmp_path, served_model)
    run = tmp_path / "run"
    in_the_way = run / "stages" / "screen" / "00001.parquet"
    in_the_way.mkdir(parents=True)
    (in_the_way / "file").write_text("a folder where the shard belongs")

    told = goldilocks("curate", str(config), check=Exit.UNFINISHED).stdout
    assert "screen 00001" in told
    assert evidence(run)["problem_id"].n_unique() == 4

    (in_the_way / "file").unlink()
    in_the_way.rmdir()
    goldilocks("curate", str(config))
    assert evidence(run)["problem_id"].n_unique() == 8
    check_counts(RunFolder(str(run)))


def test_a_server_that_is_not_there_makes_nothing_wrong(goldilocks: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 3))
    nowhere = Served(f"http://127.0.0.1:{free_port()}/v1", "smollm2")
    told = goldilocks("curate", str(configure(tmp_path, nowhere)), check=Exit.UNFINISHED).stdout
    assert f"failed sample: model.url {nowhere.url}" in told
    assert "run the same command again" in told
    decisions = pl.read_parquet(tmp_path / "run" / "decisions" / "*.parquet")
    assert decisions["decision"].to_list() == ["undetermined"] * 3
    assert decisions["wrong"].sum() == 0


def test_a_run_that_was_killed_goes_on(
    goldilocks: Run, served_model: Served, tmp_path: Path, prefect_home: dict[str, str]
) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 12))
    config = configure(tmp_path, served_model, sampling={"stop": "full"}, flow={"flush_seconds": 0.2})
    stored: set[tuple[Any, ...]] = set()
    for _ in range(3):
        started = subprocess.Popen(
            [sys.executable, "-m", "flows.cli.main", "curate", str(config)],
            cwd=ROOT,
            env=prefect_home | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while started.poll() is None and len(sample_keys(tmp_path / "run")) == len(stored):
            time.sleep(0.05)
        started.send_signal(signal.SIGKILL)
        started.wait()
        before, stored = stored, sample_keys(tmp_path / "run")
        assert before <= stored
    assert stored
    goldilocks("curate", str(config))
    whole = evidence(tmp_path / "run")
    assert whole.height == 12 * 4
    assert whole.select(SAMPLE_KEY).is_duplicated().sum() == 0


def test_two_processes_never_work_on_one_run(goldilocks: Run, served_model: Served, tmp_path: Path) -> None:
    from pipeline.run.lock import hold_run

    write_rows(tmp_path / "problems.jsonl", sums(1, 2))
    config = configure(tmp_path, served_model)
    with hold_run(RunFolder(str(tmp_path / "run"))):
        told = goldilocks("curate", str(config), check=Exit.BAD_INPUT).stderr
    assert "another process is working on this run" in told
