"""The export: every curated problem in the table, the trainer's rows in order, nothing lost."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import load_dataset

from flows.offline import grade_imported
from pipeline.publish.curriculum import sorting
from pipeline.publish.curriculum.plan import find_bounds
from pipeline.publish.curriculum.write import export_curriculum
from pipeline.publish.export import export_run
from pipeline.run.storage import RunFolder
from schemas.config import Config, CurriculumConfig
from schemas.errors import InputError
from tests.conftest import ROOT
from tests.pipeline.publish.export.runs import lay_mixed
from tests.pipeline.publish.report_runs import lay_run, tell_small_run

DATA = ROOT / "tests" / "data" / "labels"
TRAINERS = ("trl", "verl", "prime-rl", "nemo-rl", "open-instruct")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_mixed(tmp_path_factory.mktemp("mixed") / "run")


def read_table(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "curriculum.parquet")


def read_about(out: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((out / "export.json").read_text())
    return about


def read_ids(out: Path, pattern: str) -> list[str]:
    ids = []
    for file in sorted(out.rglob(f"{pattern}.*")):
        lines = file.read_text(encoding="utf-8").splitlines() if file.suffix == ".jsonl" else None
        rows = [json.loads(line) for line in lines] if lines is not None else pl.read_parquet(file).to_dicts()
        ids += [(row.get("extra_info") or row)["id"] for row in rows]
    return ids


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_trainers_rows_stand_in_the_order_of_the_table(
    trainer: str, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "BUCKET", 4)
    exported = export_curriculum(run.root, str(tmp_path), [f"curriculum.trainer={trainer}"])
    table = read_table(tmp_path)
    curated = {row["id"]: row for _, each in run.read_tables("curated") for row in each.to_dicts()}
    assert set(table["id"]) == set(curated)
    ordered = table.filter(pl.col("position").is_not_null()).sort("position")
    assert read_ids(tmp_path, "train*") == ordered["id"].to_list()
    rates = [curated[id]["pass_rate"] for id in ordered["id"]]
    assert rates == sorted(rates, reverse=True)
    assert exported.problems == ordered.height == sum(each["problems"] for each in read_about(tmp_path)["bands"])
    left_out = table.filter(pl.col("split") == "train", pl.col("left_out").is_not_null())
    assert left_out.height == sum(exported.left_out.values()) == (3 if trainer == "open-instruct" else 0)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_its_rows_are_those_of_the_plain_export(trainer: str, run: RunFolder, tmp_path: Path) -> None:
    export_curriculum(run.root, str(tmp_path / "a"), [f"curriculum.trainer={trainer}"])
    export_run(trainer, run.root, str(tmp_path / "b"))
    for pattern in ("train*", "test*"):
        assert sorted(read_ids(tmp_path / "a", pattern)) == sorted(read_ids(tmp_path / "b", pattern))
    assert read_about(tmp_path / "a")["trainer"]["trainer"] == trainer
    for file in (tmp_path / "b").rglob("*.py"):
        assert (tmp_path / "a" / file.relative_to(tmp_path / "b")).read_bytes() == file.read_bytes()


def test_a_folder_of_sorted_files_loads_in_order(run: RunFolder, tmp_path: Path) -> None:
    export_curriculum(run.root, str(tmp_path / "out"), ["curriculum.trainer=trl"])
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "test"}
    ordered = read_table(tmp_path / "out").filter(pl.col("position").is_not_null()).sort("position")
    assert loaded["train"]["id"][:] == ordered["id"].to_list()


def test_what_is_beyond_a_quota_waits_in_a_file_of_its_own(run: RunFolder, tmp_path: Path) -> None:
    settings = ["curriculum.trainer=trl", "curriculum.quotas={math: 0.5, code: 0.5}"]
    exported = export_curriculum(run.root, str(tmp_path), settings)
    [(reason, count)] = exported.left_out.items()
    assert "quota" in reason
    assert len(read_ids(tmp_path, "unused")) == count > 0
    table = read_table(tmp_path)
    assert set(read_ids(tmp_path, "unused")) == set(table.filter(pl.col("left_out") == reason)["id"])
    assert table.filter(pl.col("left_out") == reason)["weight"].min() > 0


def test_without_a_trainer_it_is_the_table_alone(run: RunFolder, tmp_path: Path) -> None:
    export_curriculum(run.root, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curriculum.parquet", "export.json"]
    assert read_about(tmp_path)["trainer"] is None


def test_two_exports_are_the_same_bytes_and_the_second_replaces_the_first(run: RunFolder, tmp_path: Path) -> None:
    for place, trainer in (("a", "verl"), ("b", "verl"), ("a", "trl"), ("a", "verl")):
        export_curriculum(run.root, str(tmp_path / place), [f"curriculum.trainer={trainer}"])
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_bands_are_by_the_grader_that_is_named(run: RunFolder, tmp_path: Path) -> None:
    graded = tmp_path / "graded"
    given = {"run": "r", "sources": [{"name": "s", "files": "f"}], "keep": {"min": 0, "max": 16}}
    grade_imported(str(DATA / "problems.jsonl"), str(DATA / "samples.jsonl"), str(graded), Config.model_validate(given))
    export_curriculum(str(graded), str(tmp_path / "small"), ["curriculum.grader=small"])
    for row in read_table(tmp_path / "small").to_dicts():
        [small] = [grader for grader in row["graders"] if grader["model"] == "small"]
        assert row["rate"] == small["pass_rate"]
        assert small["pass_rate_low"] <= small["pass_rate"] <= small["pass_rate_high"]
        low, high = find_bounds(CurriculumConfig().bands)[row["band"]]
        assert low <= row["rate"] <= high
    assert {row["rate"] for row in read_table(tmp_path / "small").to_dicts()} != {1.0}


def test_a_grader_that_nobody_asked_is_told(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing to export as curriculum: \d+ has no pass rate"):
        export_curriculum(run.root, str(tmp_path), ["curriculum.grader=nobody"])
    assert not (tmp_path / "curriculum.parquet").exists()


def test_bad_input_is_told(run: RunFolder, tmp_path: Path) -> None:
    export_run("trl", run.root, str(tmp_path / "trl"))
    with pytest.raises(InputError, match="an export as trl is here"):
        export_curriculum(run.root, str(tmp_path / "trl"))
    with pytest.raises(InputError, match="no curated problem"):
        export_curriculum(lay_run(tmp_path / "none", tell_small_run()[-4:]).root, str(tmp_path / "out"))
