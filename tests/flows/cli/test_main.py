"""The command line as its users meet it: help with examples, errors that say what to do, exit codes."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.cli.errors import Exit
from pipeline.publish.shards import CURATED_DTYPES
from tests.conftest import ROOT, Run

pytestmark = pytest.mark.slow

DATA = ROOT / "tests" / "data"
COMMANDS = ("curate", "stage", "grade", "decide", "inspect", "report", "view")
COMMANDS += ("export", "reward", "push", "serve", "doctor")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(goldilocks: Run, command: str) -> None:
    assert f"Example: goldilocks {command}" in goldilocks(command, "--help").stdout


def test_an_unknown_key_is_refused_with_line_and_nearest_name(goldilocks: Run, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("run: r\nsources:\n  - {name: a, files: b.jsonl}\nsampling:\n  temprature: 1\n")
    told = goldilocks("curate", str(config), check=Exit.BAD_INPUT).stderr
    assert f"{config}:5: sampling.temprature: unknown key; did you mean 'temperature'?" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("curate", "no.yaml"), "no.yaml"),
        (("curate", "configs/quickstart.yaml", "--set", "keep.max"), "write path.to.key=value"),
        (("curate", "configs/quickstart.yaml", "--set", "keep.max=99"), "min <= max <= of"),
        (("stage", "scren", "configs/problems.jsonl", "out"), "did you mean 'screen'?"),
        (("stage", "screen", "no.jsonl", "out"), "no.jsonl"),
        (("decide", "no/run"), "no/run"),
        (("report", "no/run"), "no/run"),
        (("export", "tlr", "no/run", "out"), "did you mean 'trl'?"),
        (("export", "trl", "no/run", "out"), "no/run"),
        (("view", "no/run"), "no/run"),
        (("inspect", "no/file.parquet"), "no/file.parquet"),
        (("grade", "tests/data/problems.jsonl", "out", "--samples", "no.jsonl"), "no.jsonl"),
    ],
)
def test_bad_input_names_what_is_wrong(goldilocks: Run, arguments: tuple[str, ...], told: str) -> None:
    done = goldilocks(*arguments, check=Exit.BAD_INPUT)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(goldilocks: Run) -> None:
    assert "Traceback" in goldilocks("decide", "no/run", "--debug", check=Exit.BAD_INPUT).stderr


def test_a_stage_keeps_every_row_and_every_unknown_column(goldilocks: Run, tmp_path: Path) -> None:
    rows = [
        {"source_id": "a", "domain": "math", "statement": "What is 6 times 7?", "answer": "42", "level": 3},
        {"source_id": "b", "domain": "math", "statement": "Prove that 6 times 7 is 42.", "answer": "", "tags": ["x"]},
        {"source_id": "c", "domain": "poetry", "statement": "Roses are red.", "level": 1},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    goldilocks("stage", "screen", str(tmp_path / "in.jsonl"), str(tmp_path / "out"))
    kept = pl.read_parquet(tmp_path / "out" / "kept.parquet")
    rejected = pl.read_parquet(tmp_path / "out" / "rejected.parquet")
    assert kept.select("source_id", "level").rows() == [("a", 3)]
    told = {row["source_id"]: row for row in rejected.iter_rows(named=True)}
    assert (told["b"]["reason"], told["b"]["tags"]) == ("proof", ["x"])
    assert told["c"]["reason"] == "invalid_row"
    assert "math or code" in told["c"]["detail"]
    assert kept.height + rejected.height == 4
    assert {"stage", "reason", "detail"} <= set(rejected.columns)


def test_grading_samples_that_one_has_and_deciding_again(goldilocks: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    graded = goldilocks("grade", str(DATA / "problems.jsonl"), str(run), "--samples", str(DATA / "samples.jsonl"))
    assert "1 label_contradicted" in graded.stdout
    decisions = pl.read_parquet(run / "decisions" / "*.parquet").join(
        pl.read_parquet(run / "problems" / "*.parquet").select(problem_id="id", name="source_id"), on="problem_id"
    )
    decided = dict(decisions.select("name", "decision").iter_rows())
    assert decided == {"bag": "too_easy", "tax": "keep", "wall": "label_contradicted", "rope": "keep"}
    correct = dict(decisions.select("name", "correct").iter_rows())
    assert (correct["tax"], correct["rope"]) == (9, 8)

    stricter = goldilocks("decide", str(run), "--set", "keep.max=8")
    assert "too_easy" in stricter.stdout
    curated = pl.read_parquet(run / "curated" / "*.parquet")
    assert curated["source_id"].to_list() == ["rope"]
    assert dict(curated.schema) == CURATED_DTYPES


def test_doctor_finds_what_a_run_needs(goldilocks: Run) -> None:
    told = goldilocks("doctor").stdout
    assert "vllm" in told
    assert "prefect" in told
