"""Programs in completions: which one is taken, what it is run on, and what the verdict says."""

import textwrap
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sandbox import Limits, Sandbox, SandboxUnavailable, describe_sandbox
from pipeline.verify.code import (
    CodeLabel,
    CodeVerifier,
    DrawnTest,
    check_code_format,
    extract_program,
    find_block,
    find_stub,
    read_code_label,
)
from schemas.reasons import Verdict

needs_sandbox = pytest.mark.skipif(describe_sandbox()["mode"] is None, reason="this machine gives no sandbox")
STUB = 'def double(n):\n    """Return twice n."""'
FUNCTION = CodeLabel(
    "python", "double", (DrawnTest("a", "double(2)", "4"), DrawnTest("b", "double(0)", "0")), stub=STUB
)
STDIN = CodeLabel(None, None, (DrawnTest("a", "2\n", "4\n"), DrawnTest("b", "0\n", "0\n")))
SECRET = "48151623"


def row(**more: Any) -> dict[str, Any]:
    tests = [{"id": f"t{n}", "input": f"double({n})", "expected": str(2 * n)} for n in range(50)]
    given = {"id": "0" * 16, "statement": STUB, "tests": tests, "entry_point": "double", "checker": None}
    return given | {"code_language": None, "extra": None} | more


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    with CodeVerifier(lambda: Sandbox(workers=1, limits=Limits(wall=1.0, cpu=2)), "last") as one:
        yield one


def fenced(code: str, tag: str = "python") -> str:
    return f"Here it is.\n```{tag}\n{code}\n```\nDone."


@needs_sandbox
@pytest.mark.parametrize(
    ("given", "expected", "right", "wrong"),
    [
        ("set(f(3))", "{0, 1, 2}", "[2, 0, 1, 0]", "[2, 0]"),
        ("sorted(f(3))", "[0, 1, 2]", "{2, 0, 1}", "None"),
        ("f(3) == [0]", "True", "[0]", "[1]"),
    ],
)
def test_a_value_around_the_call_has_to_equal_what_is_expected(
    verifier: CodeVerifier, given: str, expected: str, right: str, wrong: str
) -> None:
    label = CodeLabel("python", "f", (DrawnTest("a", given, expected),))
    verdicts = [verifier.judge(label, fenced(f"def f(n):\n    return {value}")).verdict for value in (right, wrong)]
    assert verdicts == [Verdict.CORRECT, Verdict.WRONG]


def test_the_first_block_that_names_its_language_is_taken() -> None:
    text = "```\nno language\n```\n```text\nn\n```\n~~~Python\nfirst\n~~~\n```cpp\nsecond\n```"
    assert find_block(text) == ("first\n", "python")


@pytest.mark.parametrize("tag", ["python", "Python3", "py", "cpp", "C++", "c++20", "{.python}", " cpp "])
def test_languages_have_several_names(tag: str) -> None:
    found = find_block(fenced("x", tag))
    assert found is not None
    assert found[1] == ("python" if "py" in tag.lower() else "cpp")


@pytest.mark.parametrize(
    "text", ["", "x = 1", "```python\nx = 1", "```\nx = 1\n```", "```java\nx\n```", "`python x`", "```python x```"]
)
def test_what_is_no_block(text: str) -> None:
    assert find_block(text) is None


def test_a_block_in_a_list_loses_its_indentation_and_a_longer_fence_holds_a_shorter_one() -> None:
    assert find_block("1.  see\n    ```python\n    if x:\n        y\n    ```") == ("if x:\n    y\n", "python")
    assert find_block("````python\ns = '''\n```\n'''\n````") == ("s = '''\n```\n'''\n", "python")


def test_only_the_answer_section_counts() -> None:
    thought = f"<think>{fenced('thought')}</think>"
    assert extract_program(thought, FUNCTION, "last") is None
    found = extract_program(thought + fenced("said"), FUNCTION, "boxed")
    assert found == ("said\n", "python")


@pytest.mark.parametrize(
    "completion",
    [
        "\n    return 2 * n",
        "    return 2 * n\n\nprint(double(2))\n",
        "\n    return 2 * n\n```\nThis doubles n.",
        "\n    m = n\n\n    return m + n\n\n\ndef other(",
        "\n    return 2 * n\n    x = (1,",
        "def double(n):\n    return n + n\n\nSo it goes.",
        "Sure:\nimport math\ndef double(n):\n    return n << 1\n",
        "```\ndef double(n):\n    return 2 * n\n```",
    ],
)
@needs_sandbox
def test_a_bare_function_is_taken_from_models_that_do_not_fence(completion: str, verifier: CodeVerifier) -> None:
    assert verifier.judge(FUNCTION, completion).verdict is Verdict.CORRECT
    assert extract_program(completion, FUNCTION, "boxed") is None


@pytest.mark.parametrize(
    "completion", ["", "\n\n", "It is 2 * n.", "def other(n):\n    return 1", "\nreturn 2 * n", "\x00"]
)
def test_what_is_no_program_is_wrong_and_has_no_answer(completion: str) -> None:
    def refuse() -> Sandbox:
        raise AssertionError("nothing is to be run")

    with CodeVerifier(refuse, "last") as one:
        judged = one.judge(FUNCTION, completion)
    assert (judged.verdict, judged.answer, judged.answer_key) == (Verdict.WRONG, None, None)


def test_a_stub_is_the_open_function_at_the_end_of_the_statement() -> None:
    assert find_stub(STUB, "double") == STUB
    assert find_stub(f"Complete this.\n\nfrom math import pi\n\n{STUB}\n", "double") == f"from math import pi\n\n{STUB}"
    assert find_stub("# Twice n.\ndef double(n):", "double") == "def double(n):"
    assert find_stub(f"{STUB}\n\nWrite it in Python.", "double") == ""
    assert find_stub(STUB, "other") == ""
    assert find_stub("Double n.", "double") == ""


@given(st.integers(1, 60), st.text("0123456789abcdef", min_size=16, max_size=16))
def test_tests_are_drawn_by_the_problems_id_and_keep_their_order(count: int, id_: str) -> None:
    once, again = (read_code_label(row(id=id_), count).tests for _ in range(2))
    assert once == again
    assert len(once) == min(count, 50)
    places = [int(test.id[1:]) for test in once]
    assert places == sorted(set(places))


def test_other_problems_draw_other_tests() -> None:
    drawn = {read_code_label(row(id=f"{n:016x}"), 5).tests for n in range(20)}
    assert len(drawn) > 15


def test_only_tests_that_say_what_is_right_count() -> None:
    tests = [
        {"id": "a", "input": "double(1)", "expected": None},
        {"id": "b", "input": "def check(candidate):\n    assert candidate(1) == 2", "expected": None},
        {"id": "c", "input": None, "expected": "2"},
        {"id": None, "input": "double(1)", "expected": "2"},
    ]
    assert [test.id for test in read_code_label(row(tests=tests), 20).tests] == ["b", "t3"]
    assert read_code_label(row(tests=tests, entry_point=None), 20).tests == (DrawnTest("t3", "double(1)", "2"),)


@needs_sandbox
def test_verdicts_name_status_and_test_and_nothing_of_what_was_expected(verifier: CodeVerifier) -> None:
    tests = (DrawnTest("easy", "2\n", "4\n"), DrawnTest("hard", "3\n", f"{SECRET}\n"))
    label = CodeLabel(None, None, tests)
    cases = {
        "print(4 if input() == '2' else 0)": (Verdict.WRONG, "wrong: test hard"),
        "while True: pass": (Verdict.WRONG, "time: test easy"),
        "raise SystemExit(3)": (Verdict.WRONG, "runtime: test easy"),
        "print(": (Verdict.WRONG, "compile: "),
        f"print(4 if input() == '2' else {SECRET})": (Verdict.CORRECT, "passed 2 tests"),
    }
    for code, (verdict, detail) in cases.items():
        judged = verifier.judge(label, fenced(code))
        assert judged.verdict is verdict, code
        assert judged.detail.startswith(detail)
        assert SECRET not in judged.detail
        assert (judged.answer, judged.answer_key) == (code + "\n", None)


@needs_sandbox
def test_a_test_program_that_fails_tells_nothing_of_itself(verifier: CodeVerifier) -> None:
    check = DrawnTest("c", f"def check(candidate):\n    assert candidate(1) == {SECRET}, '{SECRET}'", None)
    judged = verifier.judge(CodeLabel("python", "double", (check,)), fenced("def double(n):\n    return n"))
    assert judged.verdict is Verdict.WRONG
    assert SECRET not in judged.detail


@needs_sandbox
def test_the_language_that_was_asked_for_is_demanded(verifier: CodeVerifier) -> None:
    python = fenced("print(2 * int(input()))")
    assert verifier.judge(STDIN, python).verdict is Verdict.CORRECT
    asked = CodeLabel("cpp", None, STDIN.tests)
    judged = verifier.judge(asked, python)
    assert (judged.verdict, judged.detail) == (Verdict.WRONG, "the program is python, cpp was asked for")
    assert verifier.judge(FUNCTION, fenced("int double_(int n);", "cpp")).verdict is Verdict.WRONG


@needs_sandbox
def test_cpp_is_compiled_and_run(verifier: CodeVerifier) -> None:
    if describe_sandbox()["compiler"] is None:
        pytest.skip("no C++ compiler here")
    with CodeVerifier(lambda: Sandbox(workers=1)) as one:
        code = "#include <iostream>\nint main() { long long n; std::cin >> n; std::cout << 2 * n << '\\n'; }"
        assert one.judge(CodeLabel("cpp", None, STDIN.tests), fenced(code, "cpp")).verdict is Verdict.CORRECT
        broken = one.judge(CodeLabel("cpp", None, STDIN.tests), fenced("int main() { return x; }", "c++"))
        assert broken.verdict is Verdict.WRONG
        assert broken.detail.startswith("compile: ")
        assert "x" in broken.detail


@needs_sandbox
def test_a_checker_and_a_prelude_are_heard(verifier: CodeVerifier) -> None:
    tests = (DrawnTest("a", "root(2)", "1.41421"),)
    code = fenced("def root(n):\n    return math.sqrt(n)")
    plain = CodeLabel("python", "root", tests, None, "import math")
    assert verifier.judge(plain, code).verdict is Verdict.WRONG
    near = CodeLabel("python", "root", tests, {"float_tolerance": 1e-4}, "import math")
    assert verifier.judge(near, code).verdict is Verdict.CORRECT
    any_case = row(statement="Print YES or NO. You can print each letter in any case.", entry_point=None)
    any_case["tests"] = [{"id": "a", "input": "1\n", "expected": "YES\n"}]
    assert verifier.judge(read_code_label(any_case, 1), fenced("print('Yes')")).verdict is Verdict.CORRECT
    any_case["statement"] = "Print YES or NO."
    assert verifier.judge(read_code_label(any_case, 1), fenced("print('Yes')")).verdict is Verdict.WRONG
    solution = (
        "class Solution:\n    def root(self, n: List[int]):\n        return Counter(n)[2] * sqrt(2) * pow(1, 1, 2)"
    )
    label = CodeLabel("python", "root", (DrawnTest("a", "root([1, 2])", "1.41421"),), {"float_tolerance": 1e-4})
    assert verifier.judge(label, fenced(solution)).verdict is Verdict.CORRECT
    future = fenced("from __future__ import annotations\nimport math\ndef root(n: Never):\n    return math.sqrt(n)")
    assert verifier.judge(near, future).verdict is Verdict.CORRECT


def test_without_a_sandbox_nothing_is_judged_wrong() -> None:
    def refuse() -> Sandbox:
        raise SandboxUnavailable("this machine gives no sandbox")

    with CodeVerifier(refuse) as one:
        judged = one.judge(STDIN, fenced("print(1)"))
    assert (judged.verdict, judged.detail) == (Verdict.UNKNOWN, "sandbox: this machine gives no sandbox")


@needs_sandbox
def test_a_closed_verifier_and_a_problem_without_tests_are_unknown() -> None:
    one = CodeVerifier(lambda: Sandbox(workers=1))
    assert one.judge(CodeLabel("python", "double", ()), fenced("x")).verdict is Verdict.UNKNOWN
    one.close()
    assert one.judge(STDIN, fenced("print(1)")).verdict is Verdict.UNKNOWN


@needs_sandbox
def test_an_expectation_that_cannot_be_read_is_no_fault_of_the_program(verifier: CodeVerifier) -> None:
    label = CodeLabel("python", "double", (DrawnTest("a", "double(1)", "two (2)"),))
    assert verifier.judge(label, fenced("def double(n):\n    return 2 * n")).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("format", "completion", "kept"),
    [
        ("none", "anything", True),
        ("think", f"<think>a</think>{fenced('x')}", True),
        ("think", fenced("x"), False),
        ("think", f"<think>{fenced('x')}</think>", False),
        ("think", "<think>a</think>```\nx\n```", False),
        ("think", f"<think>a</think></think>{fenced('x')}", False),
    ],
)
def test_the_format_wants_thoughts_and_a_block(format: Literal["none", "think"], completion: str, kept: bool) -> None:
    assert (check_code_format(completion, format) is True) is kept


def test_a_broken_format_is_wrong_whatever_the_program_does() -> None:
    with CodeVerifier(lambda: Sandbox(workers=1), "boxed", "think") as one:
        judged = one.judge(STDIN, fenced("print(2 * int(input()))"))
    assert (judged.verdict, judged.format_ok) == (Verdict.WRONG, False)


@given(st.text("`~pyton \n\tdef(x):=1", max_size=80))
def test_no_text_breaks_extraction(text: str) -> None:
    found = [extract_program(textwrap.dedent(text), FUNCTION, how) for how in ("boxed", "last")]
    assert {program[1] for program in found if program is not None} <= {"python", "cpp"}
