"""A program has the time that its problem allows it, and is not blamed for a machine that gave it none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sandbox import Case, Limits, Program, Sandbox, Status, TimeLimit
from pipeline.sandbox.ends import end_of
from pipeline.sandbox.worker import Attempt


@pytest.mark.parametrize(
    ("language", "time_limit", "wall", "cpu"),
    [
        ("python", None, 4.0, 5),
        ("python", TimeLimit(), 4.0, 5),
        ("python", TimeLimit(2.0), 10.0, 13),
        ("cpp", TimeLimit(1.0), 2.0, 3),
        ("cpp", TimeLimit(0.1), 1.0, 2),
        ("cpp", TimeLimit(0.1, lengthens=True), 4.0, 5),
        ("cpp", TimeLimit(60.0), 15.0, 19),
        ("cpp", TimeLimit(1.0, (("cpp", 6.0), ("python", 9.0))), 6.0, 8),
        ("python", TimeLimit(1.0, (("cpp", 6.0),)), 5.0, 7),
        ("python", TimeLimit(None, (("python", 9.0),)), 9.0, 12),
    ],
)
def test_a_problems_limit_is_scaled_and_has_a_floor(
    language: str, time_limit: TimeLimit | None, wall: float, cpu: int
) -> None:
    limits = Limits().fit(language, time_limit)
    assert (limits.wall, limits.cpu) == (wall, cpu)
    assert limits.memory_mb == Limits().memory_mb


@given(st.floats(0.001, 99), st.floats(0.001, 99), st.sampled_from(["python", "cpp"]), st.booleans())
def test_a_longer_limit_never_gives_less(one: float, other: float, language: str, lengthens: bool) -> None:
    low, high = (Limits().fit(language, TimeLimit(s, lengthens=lengthens)) for s in sorted((one, other)))
    assert low.wall <= high.wall <= Limits().longest
    assert low.cpu <= high.cpu
    assert low.cpu >= low.wall


def test_a_program_runs_under_its_problems_limit() -> None:
    waits = "import time\ntime.sleep(1.5)\nprint(int(input()) * 2)"
    limits = Limits(wall=0.7, cpu=1)
    with Sandbox(workers=1, limits=limits) as sandbox:
        for time_limit, status in ((None, Status.TIME), (TimeLimit(2.0), Status.PASSED), (TimeLimit(0.1), Status.TIME)):
            [run] = sandbox.run(Program("python", waits, None, time_limit), [Case("2", "4")])
            assert run.status is status, (time_limit, run)


def test_a_program_may_take_the_cpu_of_its_problems_limit() -> None:
    works = "import time\nwhile time.process_time() < 2.2: pass\nprint(4)"
    with Sandbox(workers=1, limits=Limits(wall=0.8, cpu=1)) as sandbox:
        [run] = sandbox.run(Program("python", works, None, TimeLimit(3.0)), [Case("2", "4")])
        assert run.status is Status.PASSED, run


def test_time_that_a_busy_machine_did_not_give_is_not_held_against_a_program() -> None:
    limits = Limits()
    starved = Attempt(exit=-9, timed_out=True, starved=True, seconds=40.0, cpu=0.3)
    assert end_of(starved, limits)[0] is Status.INFRA
    had_its_time = Attempt(exit=-9, timed_out=True, starved=True, seconds=40.0, cpu=3.5)
    assert end_of(had_its_time, limits)[0] is Status.TIME
    slept = Attempt(exit=-9, timed_out=True, seconds=4.0, cpu=0.1)
    assert end_of(slept, limits)[0] is Status.TIME
