"""A problem's time limit and the speed of its trusted programs decide together who is too slow."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipeline.code_tests import check_tests
from pipeline.sandbox import Limits, Sandbox
from pipeline.verify.code import CodeVerifier, read_code_label
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows
from schemas.reasons import Verdict
from tests.pipeline.code_tests.test_stage import LISTS, SUMS, WRONG, added

LIMITS = Limits(wall=4.0, cpu=5)
CONFIG = CodeTestsConfig(generate=False)


def wait(seconds: float, code: str) -> str:
    """The program, slow on one of the tests."""
    return f"import io, sys, time\ntext = sys.stdin.read()\nif text.startswith('1'):\n    time.sleep({seconds})\n" + (
        f"sys.stdin = io.StringIO(text)\n{code}"
    )


def check(sandbox: Sandbox, codes: list[str], **columns: Any) -> dict[str, Any]:
    tests = [{"id": f"t{i}", "input": text + "\n", "expected": added(text)} for i, text in enumerate(LISTS)]
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(codes)]
    row = {"domain": "code", "statement": "Add n whole numbers.", "tests": tests, "solutions": solutions} | columns
    problems, _ = conform_rows([row], source="planted")
    kept, rejected = check_tests(problems, CONFIG, sandbox)
    assert rejected.is_empty(), rejected["detail"].to_list()
    (only,) = kept.iter_rows(named=True)
    return only


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS) as opened:
        yield opened


def names(row: dict[str, Any]) -> list[str]:
    return [solution["id"] for solution in row["solutions"]]


def test_a_right_program_that_is_over_the_problems_limit_is_not_kept(sandbox: Sandbox) -> None:
    codes = [*SUMS[:3], WRONG[0], wait(2.5, SUMS[1])]
    assert names(check(sandbox, codes)) == ["s0", "s1", "s2", "s4"]
    limited = check(sandbox, codes, time_limit=0.2)
    assert names(limited) == ["s0", "s1", "s2"]
    assert limited["time_limit"] == 0.2
    assert len(limited["tests"]) == len(LISTS)
    assert any(entry["action"] == "time_limit" for entry in limited["history"])


def test_where_the_trusted_programs_need_longer_the_limit_follows_them(sandbox: Sandbox) -> None:
    codes = [*(wait(1.6, code) for code in SUMS[:3]), WRONG[0]]
    row = check(sandbox, codes, time_limit=0.2)
    assert names(row) == ["s0", "s1", "s2"]
    assert len(row["tests"]) == len(LISTS)
    seconds = json.loads(row["extra"])["code_tests"]["seconds"]
    assert list(seconds) == ["python"]
    assert seconds["python"] >= 4
    label = read_code_label(row, 20)
    with CodeVerifier(lambda: Sandbox(workers=1, limits=LIMITS)) as verifier:
        for pause, verdict in ((1.6, Verdict.CORRECT), (30.0, Verdict.WRONG)):
            judged = verifier.judge(label, f"```python\n{wait(pause, SUMS[0])}\n```")
            assert judged.verdict is verdict, judged


def test_a_jury_says_whose_speed_counts(sandbox: Sandbox) -> None:
    codes = [SUMS[0], wait(1.6, SUMS[1]), wait(2.5, SUMS[2])]
    verdicts = {"s0": "accepted", "s1": "accepted", "s2": "time_limit_exceeded"}
    told = check(sandbox, codes, time_limit=0.2, extra={"verdicts": verdicts})
    assert json.loads(told["extra"])["code_tests"]["seconds"]["python"] >= 4
    untold = check(sandbox, [SUMS[0], SUMS[1], wait(2.5, SUMS[2])], time_limit=0.2)
    assert "seconds" not in json.loads(untold["extra"])["code_tests"]
    assert names(untold) == ["s0", "s1"]


def test_a_problem_without_a_limit_is_as_it_was(sandbox: Sandbox) -> None:
    row = check(sandbox, [*SUMS[:3], WRONG[0]])
    assert row["time_limit"] is None
    assert "seconds" not in json.loads(row["extra"])["code_tests"]
    assert pl.DataFrame([row]).select(pl.col("history").list.len()).item() == 3
