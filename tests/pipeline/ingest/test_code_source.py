"""Code problems come in from files, packages and reasoning_gym's programs, through a source like any other."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.code_source import read_gym_code, write_stub
from pipeline.ingest.source import read_source
from pipeline.sandbox import SandboxUnavailable, describe_sandbox
from pipeline.sandbox.describe import try_mode
from schemas.config import SandboxConfig, Source
from schemas.conform import conform_rows
from schemas.errors import InputError
from tests.pipeline.ingest.row_files import write_rows
from tests.pipeline.ingest.test_code_rows import ROWS, write_package

needs_sandbox = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")


@pytest.mark.parametrize("name", ROWS)
def test_a_set_in_a_file_becomes_problems(name: str, tmp_path: Path) -> None:
    row, tests, solutions, entry_point = ROWS[name]
    problems, rejected = conform_rows(read_source(Source(name="m", files=write_rows(tmp_path, row), preset=name)), "m")
    assert rejected.is_empty(), rejected["detail"].to_list()
    [got] = problems.iter_rows(named=True)
    assert (got["domain"], got["language"], got["source"], got["entry_point"]) == ("code", "en", "m", entry_point)
    assert [(test["input"], test["expected"]) for test in got["tests"]] == tests
    assert len(got["solutions"]) == solutions
    assert got["statement"]


def test_the_hub_name_of_a_code_set_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text(json.dumps(ROWS["apps"][0]) + "\n")
    [row] = read_source(Source(name="m", dataset=str(folder), preset="apps"))
    assert row["tests"][0]["expected"] == "3\n"
    from pipeline.ingest.code_presets import choose_code_preset

    chosen = choose_code_preset(None, "codeparrot/apps")
    assert chosen is not None
    assert chosen.name == "apps"
    assert choose_code_preset(None, "openai/gsm8k") is None


def test_columns_of_the_source_override_the_preset(tmp_path: Path) -> None:
    row = {**ROWS["apps"][0], "said": {"better": "Add two numbers."}}
    source = Source(name="m", files=write_rows(tmp_path, row), preset="apps", columns={"statement": "said.better"})
    [got] = read_source(source)
    assert got["statement"] == "Add two numbers."


def test_rows_of_another_form_are_told_by_their_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source 'm': no row has a statement .*'apps'; there are: text, code"):
        read_source(Source(name="m", files=write_rows(tmp_path, {"text": "Add.", "code": "x"}), preset="apps"))


def test_one_broken_row_is_an_invalid_row(tmp_path: Path) -> None:
    good = ROWS["apps"][0]
    files = write_rows(tmp_path, good, {**good, "input_output": json.dumps([1])}, good)
    problems, rejected = conform_rows(read_source(Source(name="m", files=files, preset="apps")), "m")
    assert (problems.height, rejected["reason"].to_list()) == (2, ["invalid_row"])
    assert f"{files}:2" in rejected["detail"][0]


def test_the_limit_counts_code_rows_too(tmp_path: Path) -> None:
    rows = [{**ROWS["apps"][0], "problem_id": n} for n in range(70)]
    files = write_rows(tmp_path, *rows)
    for limit in (1, 64, 66, 99):
        assert len(list(read_source(Source(name="m", files=files, preset="apps", limit=limit)))) == min(limit, 70)


def test_contest_packages_are_a_source(tmp_path: Path) -> None:
    write_package(tmp_path / "packages" / "add")
    [row] = read_source(Source(name="m", files=str(tmp_path / "packages"), preset="kattis"))
    problems, rejected = conform_rows([row], "m")
    assert rejected.is_empty()
    assert problems["domain"].to_list() == ["code"]
    assert len(problems["tests"][0]) > 0
    with pytest.raises(InputError, match="of packages"):
        read_source(Source(name="m", dataset="o/n", preset="kattis"))


TASKS = [
    {
        "task_description": 'Double `n`, as in "\\frac{n}{1} \\cdot 2"',
        "input_output_spec": 'Output:\n    the double, never """quoted"""',
        "code_sample": "from typing import *\n\n"
        "def main_solution(n: int, more: List[int] = None):\n    return {'x': 2 * n}",
        "input_generator": "def generate_inputs(random: Random):\n    return {'n': random.randint(0, 5)}",
        "difficulty": 7,
    },
    {
        "task_description": "Nothing can be compared here.",
        "input_output_spec": "",
        "code_sample": "def main_solution(n):\n    return object()",
        "input_generator": "def generate_inputs(random):\n    return {'n': 1}",
    },
    {
        "task_description": "No function.",
        "input_output_spec": "",
        "code_sample": "x = 1",
        "input_generator": "def generate_inputs(random):\n    return {'n': 1}",
    },
]


@needs_sandbox
def test_a_task_of_reasoning_gym_is_a_function_to_complete_with_its_reference_and_its_tests() -> None:
    rows = list(read_gym_code(9, 0, {"tests": 8}, SandboxConfig(workers=1), lambda: TASKS))
    problems, rejected = conform_rows(rows, "gym")
    assert rejected["reason"].to_list() == ["invalid_row"]
    by_id = {row["source_id"]: row for row in problems.iter_rows(named=True)}
    double = by_id["codeio-0"]
    compile(f"{double['statement']}\n    pass\n", "stub", "exec")
    assert "def main_solution(n, more=None):" in double["statement"]
    assert double["entry_point"] == "main_solution"
    assert 2 <= len(double["tests"]) <= 6
    for test in double["tests"]:
        n = int(test["input"].removeprefix("main_solution(n=").removesuffix(")"))
        assert test["expected"] == repr({"x": 2 * n})
    assert "generate_inputs" in json.loads(double["extra"])["input_generator"]
    assert by_id["codeio-1"]["tests"] == []


@needs_sandbox
def test_reasoning_gyms_own_tasks_come_the_same_each_time() -> None:
    source = Source(name="gym", reasoning_gym="codeio", domain="code", size=3, seed=4, params={"max_chars": 200})
    once, _ = conform_rows(read_source(source), "gym")
    again, _ = conform_rows(read_source(source), "gym")
    assert once.height == 3
    assert once.equals(again)


@pytest.mark.parametrize(
    ("params", "said"),
    [({"dificulty": 3}, "no parameter 'dificulty'; it has: difficulty"), ({"max_chars": 1}, "no task with")],
)
def test_a_wrong_parameter_is_refused(params: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_source(Source(name="g", reasoning_gym="codeio", domain="code", params=params))


def test_without_the_domain_the_library_asks_its_own_questions() -> None:
    [row] = read_source(Source(name="g", reasoning_gym="codeio", size=1, seed=1))
    assert (row["domain"], row.get("tests")) == ("math", None)


def test_a_sandbox_that_is_refused_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without bubblewrap, which is one where no program of that name is on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    try_mode.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="no bubblewrap sandbox"):
            list(read_gym_code(1, 0, {}, SandboxConfig(mode="bubblewrap"), lambda: TASKS))
    finally:
        try_mode.cache_clear()


def test_a_stub_needs_the_function() -> None:
    with pytest.raises(ValueError, match="no function main_solution"):
        write_stub("def other():\n    pass", "x")
