"""The audit of the reward: tests that a program without work passes are found, in the real sandbox."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.code_tests import check_tests
from pipeline.code_tests.attacks import find_shown, list_attacks
from pipeline.code_tests.audit import (
    KILLERS,
    Audit,
    Target,
    audit_tests,
    choose_killers,
    keep_telling,
    predict_share,
)
from pipeline.code_tests.mutate_programs import mutate_program
from pipeline.code_tests.outputs import Judge
from pipeline.sandbox import Case, Program, Sandbox, all_passed
from schemas.audit import TEST_AUDIT, read_audit, read_test_audit
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

PARITY = [
    "print('YES' if int(input()) % 2 == 0 else 'NO')",
    "n = int(input())\nprint(['YES', 'NO'][n % 2])",
    "import sys\nprint('NO' if int(sys.stdin.read()) & 1 else 'YES')",
]
SORTS = [
    "def sort_in_place(xs):\n    xs.sort()",
    "def sort_in_place(xs):\n    xs[:] = sorted(xs)",
    "def sort_in_place(xs):\n    for i in range(len(xs)):\n        for j in range(len(xs) - 1):\n"
    "            if xs[j] > xs[j + 1]:\n                xs[j], xs[j + 1] = xs[j + 1], xs[j]",
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as opened:
        yield opened


def make_tests(*pairs: tuple[str, str | None]) -> list[dict[str, Any]]:
    return [{"id": f"t{i}", "input": text, "expected": expected} for i, (text, expected) in enumerate(pairs)]


def problem(codes: list[str], tests: list[dict[str, Any]], **columns: Any) -> pl.DataFrame:
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(codes)]
    row = {"domain": "code", "statement": "Do it.", "tests": tests, "solutions": solutions} | columns
    frame, bad = conform_rows([row], source="planted")
    assert bad.is_empty()
    return frame


def rejection(sandbox: Sandbox, frame: pl.DataFrame, config: CodeTestsConfig | None = None) -> tuple[str, str]:
    kept, rejected = check_tests(frame, config or CodeTestsConfig(), sandbox)
    assert kept.is_empty()
    return rejected["reason"][0], rejected["detail"][0]


def keep(sandbox: Sandbox, frame: pl.DataFrame, config: CodeTestsConfig | None = None) -> dict[str, Any]:
    kept, rejected = check_tests(frame, config or CodeTestsConfig(), sandbox)
    assert rejected.is_empty(), rejected["detail"].to_list()
    return kept.row(0, named=True)


def test_tests_that_all_expect_no_get_one_that_expects_yes_or_the_problem_goes(sandbox: Sandbox) -> None:
    frame = problem(PARITY, make_tests(*((f"{2 * n + 1}\n", "NO\n") for n in range(6))))
    row = keep(sandbox, frame)
    assert {test["expected"].strip() for test in row["tests"]} == {"YES", "NO"}
    assert [test["origin"] for test in row["tests"]].count("generated") <= KILLERS
    alone = rejection(sandbox, frame, CodeTestsConfig(generate=False))
    assert alone == ("vacuous_tests", "a program that prints 'NO' passes all 6 tests")


def test_tests_that_an_empty_function_passes_demand_nothing(sandbox: Sandbox) -> None:
    tests = make_tests(*((f"greet('a{n}')", "None") for n in range(6)))
    frame = problem(["def greet(name):\n    print('Hello', name)"], tests, entry_point="greet")
    reason, detail = rejection(sandbox, frame)
    assert reason == "vacuous_tests"
    assert "returns 'None'" in detail


def test_a_problem_without_solutions_is_attacked_too(sandbox: Sandbox) -> None:
    frame = problem([], make_tests(*((f"f({n})", "True") for n in range(6))), entry_point="f")
    assert rejection(sandbox, frame)[0] == "vacuous_tests"


def test_tests_that_all_stand_in_the_statement_are_passed_by_its_samples(sandbox: Sandbox) -> None:
    pairs = [("f(1)", "1"), ("f(2)", "4"), ("f(3)", "9"), ("f(4)", "16"), ("f(-5)", "25")]
    statement = "Square.\n" + "\n".join(f">>> {call}\n{value}" for call, value in pairs)
    frame = problem(["def f(x):\n    return x * x"], make_tests(*pairs), entry_point="f", statement=statement)
    reason, detail = rejection(sandbox, frame, CodeTestsConfig(generate=False))
    assert (reason, "answers the sample tests only" in detail) == ("vacuous_tests", True)
    # Its reference passes them all, so that it may set the outputs of inputs that the statement does not show.
    assert any(test["origin"] == "generated" for test in keep(sandbox, frame)["tests"])


@pytest.mark.parametrize(
    ("entry_point", "pair", "statement", "is_shown"),
    [
        ("f", ('{"xs": [1, 2]}', "3"), """Given {"xs": [1, 2]}, return 3.""", True),
        ("f", ("[[1, 2], 5]", "[6, 7]"), "For [[1, 2], 5] it is\n[6, 7].", True),
        ("f", ("[[1, 2], 5]", "[6, 7]"), "For [[1, 2], 6] it is [6, 7].", False),
        ("f", ("f(1, 2)", "3"), "Such as f(1, 2)", True),
        ("f", ("f([2, 7], 9)", "[0, 1]"), "**Input:** nums = [2,7], target = 9\n**Output:** [0,1]", True),
        ("f", ('[[2, 7], true, "a"]', "3"), "Example 1:\n\nInput: a = [2, 7]\nb = true, c = 'a'\nOutput: 3", True),
        ("f", ("f(x=[2, 7], y=9)", "3"), "```\nInput: x = [2, 7], y = 9\nOutput: 3\n```", True),
        ("f", ("f([2, 7], 9)", "[0, 1]"), "Input: nums = [2,7], target = 8\nOutput: [0,1]", False),
        ("f", ("f([2, 7], 9)", "[0, 1]"), "Input: nums, a list\n\nOutput: where they stand, as in Output: 1", False),
        (None, ("3\n1 2 3\n", "6\n"), "On\n3\n1 2 3\nprint 6.", True),
        (None, ("3\n1 2 3\n", "6\n"), "Numbers 3 1 2 3 and no answer", False),
        (None, ("5\n", "6\n"), "Up to 5 of 6.", False),
    ],
)
def test_tests_that_a_statement_shows_are_known(
    entry_point: str | None, pair: tuple[str, str], statement: str, is_shown: bool
) -> None:
    assert find_shown(make_tests(pair), entry_point, statement, ()) == [0] * is_shown


def test_what_a_function_changes_in_place_is_what_its_tests_ask_for(sandbox: Sandbox) -> None:
    tests = make_tests(*((f"sort_in_place({list(range(n, 0, -1))})", "None") for n in range(2, 8)))
    frame = problem(SORTS, tests, entry_point="sort_in_place")
    row = keep(sandbox, frame)
    assert {test["expected"] for test in row["tests"]} >= {"[[1, 2]]", "[[1, 2, 3]]"}
    cases = [Case(test["input"], test["expected"]) for test in row["tests"]]
    for code, passes in ((SORTS[0], True), ("def sort_in_place(xs):\n    return None", False)):
        runs = sandbox.run(Program("python", code, "sort_in_place"), cases)
        assert all_passed(runs, len(cases)) == passes
    assert rejection(sandbox, problem(SORTS[:1], tests, entry_point="sort_in_place"))[0] == "vacuous_tests"


def test_a_value_in_a_wrapper_is_demanded_and_not_only_evaluated(sandbox: Sandbox) -> None:
    tests = make_tests(*((f"set(evens([1, 2, {n}]))", repr({2, n} if n % 2 == 0 else {2})) for n in range(3, 9)))
    codes = ["def evens(xs):\n    return [x for x in xs if x % 2 == 0]"]
    row = keep(sandbox, problem(codes, tests, entry_point="evens"))
    cases = [Case(test["input"], test["expected"]) for test in row["tests"]]
    runs = sandbox.run(Program("python", "def evens(xs):\n    return []", "evens"), cases)
    assert not all_passed(runs, len(cases))


def test_three_asserts_are_three_tests_and_one_reference_adds_to_them(sandbox: Sandbox) -> None:
    program = "assert add(1, 2) == 3\nassert add(4, 5) == 9\nassert add(10, -3) == 7"
    code = "def add(a, b):\n    return a + b"
    row = keep(sandbox, problem([code], make_tests((program, None)), entry_point="add"))
    assert [test["origin"] for test in row["tests"]] == ["source"] * 3 + ["generated"] * 2
    two = problem([code], make_tests((program.rpartition("\n")[0], None)), entry_point="add")
    assert rejection(sandbox, two)[0] == "too_few_tests"
    wrong = problem(["def add(a, b):\n    return a - b"], make_tests((program, None)), entry_point="add")
    assert rejection(sandbox, wrong)[0] == "too_few_tests"


def test_the_audit_stands_in_the_row_as_the_contract_has_it(sandbox: Sandbox) -> None:
    frame = problem(PARITY, make_tests(*((f"{n}\n", "NO" if n % 2 else "YES") for n in range(6))))
    kept, _ = check_tests(frame, CodeTestsConfig(), sandbox)
    audit = kept.select(read_audit()).item()
    assert set(audit) == {field.name for field in TEST_AUDIT.fields}
    assert audit == read_test_audit(kept["extra"][0])
    assert audit["attacks"] == audit["attacks_killed"] > 8
    assert audit["strongest_share"] == 0.5
    assert audit["mutants"] > 0
    assert json.loads(kept["extra"][0])["code_tests"]["audit"] == audit
    assert read_test_audit(None) is None
    assert read_test_audit('{"code_tests": {"kill_rate": 1}}') is None


STATEMENT = "Add one.\n\nSample Input 1\n3\n\nSample Output 1\n4\n"


@pytest.mark.parametrize("entry_point", [None, "f"])
def test_what_an_attack_gives_is_what_was_predicted(sandbox: Sandbox, entry_point: str | None) -> None:
    pairs = [("3\n", "4\n"), ("5 7\n9\n", "9\n"), ("\n", "0\n"), ("x\n", "x y\n")]
    if entry_point:
        pairs = [("f(3)", "4"), ("f([1], k=2)", "[1]"), ("f()", "None"), ('{"a": [1, 2]}', "[1, 2]")]
    tests = make_tests(*pairs)
    statement = STATEMENT if entry_point is None else "Such as f(3)."
    attacks = list_attacks(tests, entry_point, statement)
    assert any(attack.name == "answers the sample tests only" for attack in attacks)
    judge = Judge.of(None, entry_point is not None)
    for attack in attacks:
        runs = sandbox.run(Program("python", attack.code, entry_point), [Case(text) for text, _ in pairs])
        for run, output in zip(runs, attack.outputs, strict=True):
            assert run.status == "passed", (attack.name, run)
            assert output is not None
            assert judge.same(run.output, output), attack.name


@given(st.lists(st.sampled_from(["0", "1", "2"]), min_size=1, max_size=30), st.integers(0, 2))
def test_a_constant_passes_the_share_of_tests_that_expect_it(expected: list[str], constant: int) -> None:
    target = Target(make_tests(*((f"{n}\n", text) for n, text in enumerate(expected))), Judge(), None)
    attacks = {attack.name: attack for attack in target.attacks()}
    name = f"prints '{constant}'"
    assume(name in attacks)
    assert predict_share(attacks[name], target) == expected.count(str(constant)) / len(expected)


@given(st.integers(40, 60), st.sets(st.integers(0, 39), min_size=1, max_size=3))
def test_what_a_draw_may_miss_is_among_the_tests_that_are_left(count: int, others: set[int]) -> None:
    tests = make_tests(*((f"{n}\n", "NO" if n in others else "YES") for n in range(count)))
    kept = keep_telling(Target(tests, Judge(), None), Audit(1, (), "prints 'YES'", 1 - len(others) / count), 20)
    assert kept is not None
    assert len(kept) == len(set(kept)) == 20
    assert others <= set(kept)


def test_what_a_draw_hardly_misses_is_left_to_the_draw() -> None:
    answers = ["YES"] * 20 + ["NO"] * 20
    target = Target(make_tests(*((f"{n}\n", text) for n, text in enumerate(answers))), Judge(), None)
    assert keep_telling(target, Audit(1, (), "prints 'YES'", 0.5), 20) is None


def test_tests_against_an_attack_are_the_first_that_it_fails() -> None:
    spare = make_tests(*((f"{n}\n", "YES" if n in (3, 5, 8, 9) else "NO") for n in range(12)))
    target = Target(make_tests(("1\n", "NO")), Judge(), None)
    assert choose_killers(target, ["prints 'NO'"], spare) == [3, 5, 8]
    assert choose_killers(target, [], spare) == []


def test_test_programs_are_run_and_not_predicted(sandbox: Sandbox) -> None:
    asserted = Target(make_tests(("assert f(1) == 2", ""), ("assert f(2) == 3", "")), Judge(call=True), "f")
    called = Target(make_tests(("x = f(1)", ""), ("y = f(2)", "")), Judge(call=True), "f")
    assert audit_tests(sandbox, asserted).passing == ()
    assert "returns 'None'" in audit_tests(sandbox, called).passing


def test_mutants_differ_in_one_place_and_leave_endless_loops_alone() -> None:
    code = "def f(n):\n    k = 0\n    while n > 1:\n        n //= 2\n        k += 1\n    return k + 1 if n else 0"
    mutants = mutate_program(code, 10)
    assert mutants
    assert all("while n > 1:" in mutant for mutant in mutants)
    assert len(set(mutants)) == len(mutants)
    assert mutate_program("def f(:", 5) == []
    assert len(mutate_program("print(1 + 2 + 3 + 4)", 3)) == 3
