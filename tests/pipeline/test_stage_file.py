"""The stage `code_tests` over a file: math passes by, languages are asked for, and every row is accounted for."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.code_tests.languages import ask_languages, count_copies
from pipeline.decide.run import decide_run
from pipeline.publish.report.flow import count_flow
from pipeline.publish.report.funnel import WIDE, draw_funnel, lay_out
from pipeline.publish.shards import CountError, check_counts, count_stages, publish_curated
from pipeline.run.storage import RunFolder
from pipeline.sandbox import describe_sandbox
from pipeline.stage_file import run_stage
from pipeline.stages import find_stage
from schemas.config import Config
from schemas.conform import conform_rows
from tests.conftest import ROOT

needs_sandbox = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
MATH = {"domain": "math", "statement": "What is 6 times 7?", "answer": "42"}


def code(name: str, **more: Any) -> dict[str, Any]:
    return {"domain": "code", "statement": f"Solve {name}.", "source_id": name, **more}


def config(run: str, **more: Any) -> Config:
    return Config.model_validate({"run": run, "sources": [{"name": "a", "files": "b"}], **more})


def test_math_alone_starts_nothing(tmp_path: Path) -> None:
    problems, _ = conform_rows([MATH], "a")
    refused = config(str(tmp_path), sandbox={"mode": "landlock", "workers": 1})
    done = find_stage("code_tests").apply(problems, refused)
    kept, rejected = done.kept, done.rejected
    assert kept.equals(problems)
    assert rejected.is_empty()
    assert rejected.columns == [*problems.columns, "stage", "reason", "detail"]


@needs_sandbox
@pytest.mark.slow
def test_the_faults_of_the_shipped_problems_are_found(tmp_path: Path) -> None:
    counts = run_stage("code_tests", str(ROOT / "configs" / "problems-code.jsonl"), str(tmp_path), config("r"))
    kept, rejected = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("kept", "rejected"))
    assert dict(rejected.select("source_id", "reason").iter_rows()) == {
        "gcd (tests of lcm)": "tests_disagree",
        "is_prime (two tests)": "too_few_tests",
        "say_hello (tests demand nothing)": "vacuous_tests",
        "distinct (any order)": "needs_checker",
        "two teams (a broken validator)": "needs_checker",
        "fibonacci (nothing)": "no_solution",
    }
    assert counts == {"in": 34, "kept": kept.height, "rejected": 6, "added": 2, "pending": 0}
    assert kept.height == 34 - 6 + count_copies(kept)
    assert count_copies(kept) == 2
    named = {row["source_id"]: row for row in kept.iter_rows(named=True)}
    for name, test, given, true in (
        ("smallest", "t1", "-5", "-9"),
        ("total", "t6", "85", "6"),
        ("power", "t1", "0", "1"),
        ("evens", "t0", "[2, 4, 6]", "[2, 4]"),
    ):
        [repaired] = [t for t in named[name]["tests"] if t["id"] == test]
        assert (repaired["expected"], repaired["previous"], repaired["origin"]) == (true, given, "repaired")
    for name in ("absolute (no tests)", "length (no tests)"):
        assert {t["origin"] for t in named[name]["tests"]} == {"generated"}
        assert json.loads(named[name]["extra"])["code_tests"]["kill_rate"] >= 0.8
    for row in named.values():
        assert all(s["code"] != "return -n\n" for s in row["solutions"])
        assert "one fenced block" in row["statement"]


def asked_run(folder: RunFolder) -> None:
    """Two code problems and a sum in, one code problem out: the other is asked in two languages."""
    problems, _ = conform_rows([code("a"), code("b"), MATH], "problems")
    folder.write_table("problems/00000.parquet", problems)
    folder.write_table("stages/screen/00000.parquet", problems)
    out = problems[:1].with_columns(
        pl.lit("code_tests").alias("stage"), pl.lit("no_solution").alias("reason"), pl.lit("none").alias("detail")
    )
    folder.write_table("rejected/code_tests-00000.parquet", out)
    folder.write_table("stages/code_tests/00000.parquet", ask_languages(problems[1:], ("python", "cpp")))


def test_copies_are_counted_by_the_original_however_often_it_stands_there() -> None:
    problems, _ = conform_rows([code("a"), code("b"), code("c", entry_point="f"), MATH], "problems")
    for table, copies in ((problems, 2), (pl.concat([problems, problems]), 4), (problems[3:], 0)):
        asked = ask_languages(table, ("python", "cpp"))
        assert count_copies(asked) == copies == asked.height - table.height
    assert count_copies(ask_languages(problems, ("python",))) == 0
    assert count_copies(ask_languages(problems, ())) == 0


def test_counts_add_up_with_copies_and_a_lost_row_is_still_found(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    asked_run(folder)
    settings = config(str(tmp_path))
    decide_run(folder, settings)
    publish_curated(folder, settings)
    tests, decide = count_stages(folder)[2:]
    assert (tests.came, tests.added, tests.kept, tests.rejected) == (3, 1, 3, 1)
    assert (decide.came, decide.added, decide.rejected) == (3, 0, 3)
    stages, _ = count_flow(folder)
    assert [(s.name, s.came, s.added, s.kept, s.waiting) for s in stages] == [
        ("ingest", 3, 0, 3, 0),
        ("screen", 3, 0, 3, 0),
        ("code_tests", 3, 1, 3, 0),
        ("decide", 3, 0, 0, 0),
    ]
    layout = lay_out(stages, WIDE)
    assert sum(ribbon.problems for ribbon in layout.ribbons) == 4
    assert all(ribbon.start <= layout.top + layout.trunk + 1e-6 for ribbon in layout.ribbons)
    assert "3 problems in" in draw_funnel(stages)

    kept = folder.read_table("stages/code_tests/00000.parquet")
    folder.write_table("stages/code_tests/00000.parquet", kept[:2])
    with pytest.raises(CountError, match="code_tests, shard 00000"):
        check_counts(folder)


def test_a_column_of_several_kinds_stays_in_extra(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    licences: list[Any] = [["MIT", "Apache-2.0"], False, "CC-BY-4.0"]
    rows = [{**MATH, "statement": f"What is 6 times {n}?", "licence": one, "n": n} for n, one in enumerate(licences)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_stage("screen", str(file), str(tmp_path / "out"), config("r"))
    kept = pl.read_parquet(tmp_path / "out" / "kept.parquet")
    assert [json.loads(text)["licence"] for text in kept["extra"]] == licences
    assert kept["n"].to_list() == [0, 1, 2]


def test_a_stage_reads_what_nobody_described(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"question": "What is 6 times 7?", "answer": "6 times 7 is 42.\n#### 42"}) + "\n")
    shown: list[str | None] = []
    run_stage("screen", str(file), str(tmp_path / "out"), config("r"), lambda opened: shown.append(opened.about))
    kept = pl.read_parquet(tmp_path / "out" / "kept.parquet")
    assert kept.select("statement", "answer", "domain").rows() == [("What is 6 times 7?", "42", "math")]
    assert shown == ["statement: question (100%); answer: answer (after ####) (100%)"]
