"""Exports: every kept problem once, the same split everywhere, files whole or not at all."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from datasets import load_dataset

from pipeline.publish.export import FORMATS, export_run
from pipeline.publish.export import run as running
from pipeline.publish.export.item import read_kill_rate
from pipeline.publish.export.rows import Unsayable, write_assert
from pipeline.publish.held_out import is_held_out
from pipeline.run.storage import RunFolder
from pipeline.verify.code import read_code_label
from pipeline.verify.label_codec import read_truth
from schemas.errors import InputError
from tests.conftest import ROOT
from tests.pipeline.publish.export.runs import RIGHT, lay_mixed
from tests.pipeline.publish.report_runs import lay_run, tell_small_run

TRUTH = {
    "trl": ("ground_truth",),
    "verl": ("reward_model", "ground_truth"),
    "openrlhf": ("label",),
    "prime-rl": ("ground_truth",),
    "nemo-rl": ("output",),
    "nemo-gym": ("ground_truth",),
}


def read_rows(folder: Path, split: str = "*") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in sorted(folder.rglob(f"{split}.parquet")):
        found += pl.read_parquet(file).to_dicts()
    for file in sorted(folder.rglob(f"{split}.jsonl")):
        found += [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return found


def about(row: dict[str, Any]) -> dict[str, Any]:
    return dict(row.get("extra_info") or row)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_mixed(tmp_path_factory.mktemp("mixed") / "run")


@pytest.fixture(scope="module")
def curated(run: RunFolder) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for _, table in run.read_tables("curated") for row in table.to_dicts()}


@pytest.mark.parametrize("name", TRUTH)
def test_every_kept_problem_is_there_once_with_its_label(
    name: str, run: RunFolder, curated: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    exported = export_run(name, run.root, str(tmp_path))
    rows = read_rows(tmp_path)
    assert sorted(about(row)["id"] for row in rows) == sorted(curated)
    assert exported.problems == sum(exported.rows.values()) == len(curated)
    for row in rows:
        value: Any = row
        for key in TRUTH[name]:
            value = value[key]
        problem = curated[about(row)["id"]]
        label = problem["answer"] if problem["domain"] == "math" else read_code_label(problem, 20)
        assert read_truth(value) == label
        assert about(row)["statement"] == problem["statement"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_problems_are_held_out_in_every_format(name: str, run: RunFolder, tmp_path: Path) -> None:
    export_run(name, run.root, str(tmp_path), ["train.evaluation.share=0.4"])
    for split, held in (("train", False), ("test", True)):
        ids = {about(row)["id"] for row in read_rows(tmp_path, split)}
        assert ids
        assert {is_held_out(id, 0.4) for id in ids} == {held}


@pytest.mark.parametrize("name", FORMATS)
def test_two_exports_are_the_same_bytes(name: str, run: RunFolder, tmp_path: Path) -> None:
    for place in ("a", "b", "a"):
        export_run(name, run.root, str(tmp_path / place))
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) >= 3
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_a_raw_prompt_stays_raw_where_the_trainer_takes_one(name: str, tmp_path: Path) -> None:
    run = lay_run(tmp_path / "run", tell_small_run(), prompt={"template": "plain", "chat": False})
    export_run(name, run.root, str(tmp_path / "out"))
    row = read_rows(tmp_path / "out", "train")[0]
    prompt = row.get("prompt") or row.get("input") or row.get("messages") or row["responses_create_params"]["input"]
    statement = about(row)["statement"]
    first = prompt if isinstance(prompt, str) else prompt[0]
    assert first in (statement, {"role": "user", "content": statement})
    assert {type(row[column]) for column in ("completion",) if column in row} == ({str} if name == "sft" else set())


def test_every_row_says_what_is_known_of_its_label_and_tests(tmp_path: Path) -> None:
    run = lay_mixed(tmp_path / "run")
    noted = [{"stage": "code_tests", "action": "kill_rate", "detail": "0.83 of 6 programs that are not right"}]
    for name, table in list(run.read_tables("curated")):
        history = [noted if domain == "code" else [] for domain in table["domain"]]
        known = table.with_columns(
            pl.Series("history", history, table.schema["history"]),
            answer_origin=pl.lit("repaired"),
            label_posterior=pl.lit(0.97),
        )
        run.write_table(name, known)
    for format in TRUTH:
        export_run(format, run.root, str(tmp_path / format))
        for row in map(about, read_rows(tmp_path / format)):
            assert (row["answer_origin"], row["label_posterior"]) == ("repaired", 0.97)
            assert row["kill_rate"] == {"code": 0.83, "math": None}[row["domain"]]


@pytest.mark.parametrize(("detail", "rate"), [("1.00 of 3 programs", 1.0), ("0.50 of", 0.5), (None, None), ("n", None)])
def test_a_kill_rate_is_read_as_the_stage_notes_it(detail: str | None, rate: float | None) -> None:
    earlier = {"stage": "code_tests", "action": "kill_rate", "detail": "0.10 of 9 programs"}
    assert read_kill_rate([earlier, {"stage": "code_tests", "action": "kill_rate", "detail": detail}]) == rate
    assert read_kill_rate([{"stage": "screen", "action": "kept", "detail": "0.5"}]) is None


def test_what_open_instruct_has_no_word_for_is_left_out_counted_and_named(
    run: RunFolder, curated: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    exported = export_run("open-instruct", run.root, str(tmp_path))
    assert sorted(exported.left_out.values()) == [1, 1, 1]
    named = json.loads((tmp_path / "left_out.json").read_text())
    assert {one["why"] for one in named} == set(exported.left_out)
    missing = {one["id"] for one in named}
    assert missing == {id for id in curated if id not in {row["id"] for row in read_rows(tmp_path, "t*")}}
    rows = {row["statement"]: row for row in read_rows(tmp_path, "t*")}
    assert {row["dataset"] for row in rows.values()} == {"math", "code", "code_stdio"}
    assert json.loads(rows["Write read."]["ground_truth"])[1] == {"input": "1 1\n", "output": "2"}
    scope: dict[str, Any] = {}
    exec(RIGHT[0], scope)
    tests = json.loads(rows["Write add."]["ground_truth"])
    assert len(tests) == 3
    for test in tests:
        exec(test, scope)
    exec("def add(a, b):\n    return a - b", scope)
    with pytest.raises(AssertionError):
        exec(tests[1], scope)


def test_the_names_of_what_was_left_out_go_with_it(run: RunFolder, tmp_path: Path) -> None:
    export_run("open-instruct", run.root, str(tmp_path / "out"))
    assert (tmp_path / "out" / "left_out.json").exists()
    export_run("open-instruct", lay_run(tmp_path / "sums", tell_small_run()).root, str(tmp_path / "out"))
    assert not (tmp_path / "out" / "left_out.json").exists()


@pytest.mark.parametrize(
    ("given", "expected", "line"),
    [
        ("[1, [2]]", "[true]", "assert f(1, [2]) == [True]"),
        ('{"a": null}', "'x'", "assert f(a=None) == 'x'"),
        ("f((1, 2), k={3})", "{4: 5}", "assert f((1, 2), k={3}) == {4: 5}"),
        ("assert f(1) > f(0)", None, "assert f(1) > f(0)"),
    ],
)
def test_a_function_s_test_becomes_a_line_of_python(given: str, expected: str | None, line: str) -> None:
    assert write_assert(given, expected, "f") == line


def test_a_method_s_test_makes_its_object() -> None:
    assert write_assert("[1]", "2", "Solution.next") == "assert Solution().next(1) == 2"


@pytest.mark.parametrize("expected", ["float('nan')", "inf", "no literal"])
def test_a_value_without_a_literal_is_left_out(expected: str) -> None:
    with pytest.raises(Unsayable):
        write_assert("[1]", expected, "f")


def test_an_export_that_breaks_leaves_the_old_one(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_run("trl", run.root, str(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(*given: Any) -> Iterator[Any]:
        yield "train", read_rows(tmp_path, "train")[:3]
        raise OSError("no space left on device")

    monkeypatch.setattr(running, "_write_shards", broken)
    with pytest.raises(OSError, match="no space"):
        export_run("trl", run.root, str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_export_left_is_in_nobody_s_way(run: RunFolder, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pipeline.publish.export import export_run, run;"
        "rows = ('train', [{'prompt': 'x'}]);"
        "run._write_shards = lambda *_: (os.kill(os.getpid(), 9) if at else rows for at in (0, 1));"
        f"export_run('trl', {run.root!r}, {str(tmp_path)!r}, ['prompt.chat=false'])"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert list(tmp_path.rglob("train.parquet"))
    export_run("trl", run.root, str(tmp_path))
    assert len(load_dataset(str(tmp_path), cache_dir=str(tmp_path / ".cache"))["train"]) == 22


def test_a_split_that_is_gone_is_removed(run: RunFolder, tmp_path: Path) -> None:
    export_run("trl", run.root, str(tmp_path), ["train.evaluation.share=0.4"])
    assert (tmp_path / "test.parquet").exists()
    export_run("trl", run.root, str(tmp_path), ["train.evaluation.share=0"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.json", "reward.py", "train.parquet"]


def test_what_is_no_export_is_left_alone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    with pytest.raises(InputError, match="something else is here"):
        export_run("trl", run.root, str(tmp_path))
    export_run("trl", run.root, str(tmp_path / "out"))
    with pytest.raises(InputError, match="an export as trl is here"):
        export_run("verl", run.root, str(tmp_path / "out"))


def test_bad_input_is_told(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'openrlhf'"):
        export_run("open-rlhf", run.root, str(tmp_path))
    with pytest.raises(InputError, match=r"no manifest\.json"):
        export_run("trl", str(tmp_path), str(tmp_path / "out"))
    with pytest.raises(InputError, match="nothing to export as trl"):
        export_run("trl", lay_run(tmp_path / "none", tell_small_run()[-4:]).root, str(tmp_path / "out"))
    assert list((tmp_path / "out").rglob("*")) == []


def test_it_goes_to_an_object_store_as_to_a_disk(run: RunFolder, tmp_path: Path) -> None:
    export_run("verl", run.root, "memory://exported/verl")
    export_run("verl", run.root, str(tmp_path))
    there = RunFolder("memory://exported/verl")
    assert len(list(tmp_path.iterdir())) >= 3
    for file in tmp_path.iterdir():
        assert there.read_bytes(file.name) == file.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_nemo_gyms_config_names_the_data_that_there_are(share: float, run: RunFolder, tmp_path: Path) -> None:
    export_run("nemo-gym", run.root, str(tmp_path), [f"train.evaluation.share={share}"])
    [config] = tmp_path.rglob("configs/*.yaml")
    servers = yaml.safe_load(config.read_text(encoding="utf-8"))
    [agent] = [agents["simple_agent"] for agents in (s.get("responses_api_agents") for s in servers.values()) if agents]
    named = {dataset["jsonl_fpath"] for dataset in agent["datasets"]}
    assert named == {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("data/*.jsonl")}
    assert len(named) == 1 + bool(share)
