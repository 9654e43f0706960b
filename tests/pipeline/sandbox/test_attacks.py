"""Hostile programs in both modes that have walls: none passes, none learns anything, nothing is left of it, and the
next program runs as ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import Case, Program, Run, Sandbox, Status
from tests.pipeline.sandbox.traces import descendants, left_files, open_files

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "attacks"
SECRET, NUMBER = "SECRET-qzXw71Lp", 4917.5
VICTIM = "VICTIM-kLm93TyB"
FAILED = frozenset(Status) - {Status.PASSED, Status.INFRA}


def read_attacks(name: str) -> Iterator[pytest.param]:  # type: ignore[valid-type]
    for part in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("#### ")[1:]:
        title, _, code = part.partition("\n")
        yield pytest.param(code, id=title.partition(":")[0])


@pytest.fixture
def guarded(walled: Sandbox) -> Iterator[Sandbox]:
    """Before: another's program ran, with things worth knowing in it. After: all is as before, and work goes on."""
    echo = Program("python", f"# {VICTIM}\nprint(input()[::-1] and {VICTIM!r})")
    good = [Case(f"{VICTIM}\n", VICTIM), Case("x", VICTIM)]
    assert [run.status for run in walled.run(echo, good)] == [Status.PASSED] * 2
    files, processes, left = open_files(), len(descendants()), left_files()
    yield walled
    assert [run.status for run in walled.run(echo, good)] == [Status.PASSED] * 2
    assert open_files() <= files
    assert len(descendants()) == processes
    assert left_files() == left


def check_runs(runs: list[Run], cases: int) -> None:
    assert len(runs) == cases
    for run in runs:
        # Of a program for which a busy machine has no core, nothing is known but that it did not pass.
        assert run.status in FAILED or (run.status is Status.INFRA and "too busy" in run.detail), run
        told = run.output + run.detail
        assert SECRET not in told.replace(repr(SECRET), ""), "the expected output was learned"
        assert VICTIM not in told, "another program's data was learned"
        assert "root:x:" not in told, "a file of this machine was read"


@pytest.mark.parametrize("code", read_attacks("python"))
def test_hostile_python_fails(guarded: Sandbox, code: str) -> None:
    cases = [Case("7\n", SECRET), Case("8\n", f"{SECRET}\n{NUMBER}\n")]
    check_runs(guarded.run(Program("python", code), cases), 2)


@pytest.mark.parametrize("code", read_attacks("cpp"))
def test_hostile_cpp_fails(guarded: Sandbox, code: str) -> None:
    check_runs(guarded.run(Program("cpp", code), [Case("7\n", SECRET), Case("8\n", str(NUMBER))]), 2)


@pytest.mark.parametrize("code", read_attacks("functions"))
def test_hostile_functions_fail_on_data(guarded: Sandbox, code: str) -> None:
    cases = [Case("f(3)", repr(SECRET)), Case("[4]", str(NUMBER))]
    check_runs(guarded.run(Program("python", code, "f"), cases), 2)


@pytest.mark.parametrize("code", read_attacks("functions"))
def test_hostile_functions_fail_before_a_tester(guarded: Sandbox, code: str) -> None:
    cases = [
        Case(f"for i in range(3, 5):\n    assert f(i) == {SECRET!r}"),
        Case(f"def check(candidate):\n    assert not abs(candidate(4) - {NUMBER}) > 1e-6"),
        Case(f"for said in map(f, (3, 4)):\n    assert said == {SECRET!r}"),
    ]
    check_runs(guarded.run(Program("python", code, "f"), cases), 3)
