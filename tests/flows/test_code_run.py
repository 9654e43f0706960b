"""Code problems go the same way as math: through checked tests, a real model and the sandbox, to decisions."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.curate import plan_stages
from flows.outcomes import forget_stages, stage_key
from pipeline.publish.shards import check_counts
from pipeline.run.evidence import find_stages
from pipeline.run.storage import RunFolder
from pipeline.sandbox import Case, Program, Sandbox, all_passed, describe_sandbox
from pipeline.stages import find_stage
from schemas.config import Config
from schemas.conform import conform_rows
from schemas.load import load_config
from tests.conftest import ROOT, Run, Served
from tests.flows.test_curate import configure, evidence, sums

STATEMENT = 'def add(a, b):\n    """Return the sum of a and b."""'
RIGHT = ["return a + b", "return b + a", "return sum((a, b))"]


def add(name: str, **more: Any) -> dict[str, Any]:
    codes = [f"def add(a, b):\n    {line}\n" for line in (*RIGHT, "return a - b")]
    tests = [{"id": f"t{n}", "input": f"add({n}, {n + 1})", "expected": str(2 * n + 1)} for n in range(6)]
    tests[3]["expected"] = "99"
    solutions = [{"id": f"s{n}", "language": "python", "code": text} for n, text in enumerate(codes)]
    return {
        "source_id": name,
        "domain": "code",
        "statement": STATEMENT,
        "entry_point": "add",
        "tests": tests,
        "solutions": solutions,
    } | more


def settings(run: str, **more: Any) -> Config:
    return Config.model_validate({"run": run, "sources": [{"name": "a", "files": "b"}], **more})


def fill(folder: RunFolder, *rows: dict[str, Any]) -> None:
    problems, rejected = conform_rows(rows, "problems")
    assert rejected.is_empty()
    folder.write_table("problems/00000.parquet", problems)


def test_code_tests_are_checked_where_there_is_code(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    fill(folder, *sums(1, 2))
    assert plan_stages(settings(folder.root), folder) == ["screen", "dedup"]
    fill(folder, *sums(1, 2), add("a"))
    assert plan_stages(settings(folder.root), folder) == ["screen", "dedup", "code_tests"]
    judged = settings(folder.root, screen={"judge": {"enabled": True}})
    assert plan_stages(judged, folder) == ["screen", "judge", "dedup", "code_tests"]


def test_what_a_stage_left_is_forgotten_with_it(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    table = pl.DataFrame({"id": ["x"]})
    for stage in ("screen", "judge", "code_tests"):
        folder.write_table(f"stages/{stage}/00000.parquet", table)
        folder.write_table(f"rejected/{stage}-00000.parquet", table)
    forget_stages(folder, ["screen", "code_tests"])
    assert find_stages(folder) == ["screen", "code_tests"]
    assert folder.list("rejected") == ["rejected/code_tests-00000.parquet", "rejected/screen-00000.parquet"]


def test_a_shard_is_heard_again_when_rules_or_limits_change_and_not_for_more_workers(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    fill(folder, add("a"))
    keys = [
        stage_key(settings(folder.root, **more), folder, find_stage("code_tests"), "00000", "problems")
        for more in ({}, {"sandbox": {"workers": 5}}, {"sandbox": {"wall": 1}}, {"code_tests": {"min_tests": 7}})
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_shard_is_screened_again_when_the_label_check_changes_and_not_for_the_rest_of_verify(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    fill(folder, *sums(1, 2))
    plain, written, grading, timeout, memory = (
        stage_key(settings(folder.root, verify=verify), folder, find_stage("screen"), "00000", "problems")
        for verify in (
            {},
            {"timeout": 5.0, "memory_mb": 1024},
            {"workers": 5, "extract": "last", "tests": 3},
            {"timeout": 1.0},
            {"memory_mb": 512},
        )
    )
    assert plain == written == grading
    assert len({plain, timeout, memory}) == 3


def test_the_shipped_config_is_one() -> None:
    config = load_config(str(ROOT / "configs" / "quickstart-code.yaml"))
    assert [source.name for source in config.sources] == ["planted", "gym"]


@pytest.mark.model
@pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
def test_code_and_math_go_through_one_run(goldilocks: Run, served_model: Served, tmp_path: Path) -> None:
    rows = [*sums(1, 2), add("add"), add("nothing", tests=[], solutions=[], statement="Add.")]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = configure(
        tmp_path,
        served_model,
        prompt={"template": "plain", "chat": False},
        sampling={"n": 8, "max_tokens": 24, "stop": "full", "stop_strings": ["\ndef", "\n#", "\nprint"]},
        code_tests={"languages": []},
    )
    told = goldilocks("curate", str(config)).stdout
    assert "no_solution" in told
    folder = RunFolder(str(tmp_path / "run"))
    check_counts(folder)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    tests = next(stage for stage in manifest["stages"] if stage["stage"] == "code_tests")
    assert (tests["in"], tests["kept"], tests["reasons"]) == (4, 3, {"no_solution": 1})

    graded = folder.read_table("stages/code_tests/00000.parquet").filter(pl.col("source_id") == "add")
    [repaired] = [test for test in graded["tests"][0] if test["id"] == "t3"]
    assert (repaired["expected"], repaired["previous"]) == ("7", "99")
    first = evidence(tmp_path / "run")
    samples = first.filter(pl.col("problem_id") == graded["id"][0])
    assert samples.height == 8
    assert set(samples["verdict"]) <= {"correct", "wrong"}
    assert samples["answer_key"].null_count() == 8
    right = samples.filter(pl.col("verdict") == "correct")
    assert set(right["verdict_detail"]) <= {"passed 6 tests"}
    with Sandbox() as sandbox:
        for answer in right["answer"]:
            assert all_passed(sandbox.run(Program("python", answer, "add"), [Case("add(20, 21)", "41")]), 1)
    assert samples.filter(pl.col("answer").is_not_null()).height > 0
    report = (tmp_path / "run" / "report.html").read_text()
    assert "no_solution" in report
    assert "code_tests" in report

    goldilocks("curate", str(config))
    assert evidence(tmp_path / "run").equals(first)
    goldilocks("curate", str(config), "--set", "verify.tests=3")
    again = evidence(tmp_path / "run").filter(pl.col("problem_id") == graded["id"][0])
    assert again["completion"].to_list() == samples["completion"].to_list()
    assert set(again.filter(pl.col("verdict") == "correct")["verdict_detail"]) <= {"passed 3 tests"}
    # What three of the six tests let pass is at least what all of them did.
    assert (again["verdict"] == "correct").sum() >= (samples["verdict"] == "correct").sum()


@pytest.mark.model
@pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
def test_a_copy_a_language_is_graded_and_a_model_is_asked_where_tests_are_lacking(
    goldilocks: Run, served_model: Served, tmp_path: Path
) -> None:
    lines = ["1 2", "5 5", "-3 3", "10 0", "7 -9", "100 1"]
    codes = ["a, b = map(int, input().split())\nprint(a + b)", "print(sum(map(int, input().split())))"]
    codes.append("x = input().split()\nprint(int(x[0]) - -int(x[1]))")
    read = {
        "source_id": "read",
        "domain": "code",
        "statement": "Read two whole numbers from one line and print their sum.",
        "tests": [{"input": f"{s}\n", "expected": str(sum(map(int, s.split())))} for s in lines],
        "solutions": [{"language": "python", "code": code} for code in codes],
    }
    bare = add("bare", tests=[], statement="Return what is asked for.", solutions=add("x")["solutions"][:1])
    (tmp_path / "problems.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in (*sums(1, 1), add("add"), read, bare))
    )
    config = configure(
        tmp_path,
        served_model,
        sampling={"n": 2, "max_tokens": 16},
        code_tests={"author": {"enabled": True, "max_tokens": 96}},
    )
    goldilocks("curate", str(config))
    folder = RunFolder(str(tmp_path / "run"))
    check_counts(folder)
    tests = next(s for s in folder.read_json("manifest.json")["stages"] if s["stage"] == "code_tests")
    assert (tests["in"], tests["kept"], tests["added"]) == (4, 4, 1)
    assert tests["reasons"] == {"too_few_tests": 1}
    first = folder.read_table("problems/00000.parquet")
    graded = folder.read_table("stages/code_tests/00000.parquet").filter(pl.col("domain") == "code")
    asked = sorted(zip(graded["source_id"], graded["code_language"], strict=True))
    assert asked == [("add", "python"), ("read", "cpp"), ("read", "python")]
    assert set(graded["parent_id"]) == set(first.filter(pl.col("source_id").is_in(["add", "read"]))["id"])
    assert graded["id"].n_unique() == 3
    decided = folder.read_table("decisions/pass-1-00000.parquet")
    assert set(graded["id"]) <= set(decided["problem_id"])
    assert evidence(tmp_path / "run").filter(pl.col("problem_id").is_in(graded["id"].to_list())).height == 6


def test_decontamination_and_translation_stand_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    fill(folder, *sums(1, 2), add("a"))
    asked = settings(
        folder.root,
        decontaminate={"benchmarks": [{"name": "ours", "files": "configs/benchmark.jsonl"}]},
        translate={"enabled": True},
    )
    assert plan_stages(asked, folder) == ["screen", "dedup", "decontaminate", "code_tests", "translate"]
