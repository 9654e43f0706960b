"""The stage on problems with planted faults, in the real sandbox."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipeline.code_tests import ask_languages, check_tests
from pipeline.sandbox import Case, Program, Sandbox
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

SUMS = [
    "n = int(input())\nprint(sum(map(int, input().split())))",
    "input()\ntotal = 0\nfor x in input().split():\n    total += int(x)\nprint(total)",
    "import sys\n_, *xs = map(int, sys.stdin.read().split())\n"
    "while len(xs) > 1:\n    xs.append(xs.pop() + xs.pop())\nprint(xs[0])",
    "#include <iostream>\nint main() { long long n, x, s = 0; std::cin >> n; while (n-- > 0) { std::cin >> x; s += x; }"
    " std::cout << s << '\\n'; }",
]
WRONG = [
    "input()\nprint(max(map(int, input().split())))",
    "input()\nprint(sum({*map(int, input().split())}))",
    "input()\nprint(sum(abs(int(x)) for x in input().split()))",
]
LISTS = ["3\n1 2 3", "1\n7", "4\n5 5 1 -2", "2\n-4 9", "5\n1 1 1 1 1", "3\n0 0 0", "2\n100 -100", "3\n8 2 2"]
ADDED = "Given n and then n whole numbers (1 <= n <= 20, each at most 100 in absolute value), print their sum."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def added(text: str) -> str:
    return str(sum(map(int, text.split()[1:])))


def problem(**columns: Any) -> pl.DataFrame:
    tests = [{"id": f"t{i}", "input": text + "\n", "expected": added(text)} for i, text in enumerate(LISTS)]
    codes = [*SUMS, *WRONG]
    solutions = [
        {"id": f"s{i}", "language": "cpp" if "#include" in code else "python", "code": code}
        for i, code in enumerate(codes)
    ]
    row = {"domain": "code", "statement": ADDED, "tests": tests, "solutions": solutions} | columns
    frame, bad = conform_rows([row], source="planted")
    assert not bad.height
    return frame


@pytest.mark.parametrize("tests", [[], None])
def test_solutions_that_import_what_is_not_there_are_named(sandbox: Sandbox, tests: list[Any] | None) -> None:
    codes = [f"import sys\nfrom no_such_thing.part import sum\n{code}" for code in SUMS[:3]]
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(codes)]
    given = {} if tests is None else {"tests": tests}
    kept, rejected = check_tests(problem(solutions=solutions, **given), CodeTestsConfig(), sandbox)
    assert (kept.height, rejected["reason"].to_list()) == (0, ["no_solution"])
    assert rejected["detail"][0].endswith("does not have: no_such_thing")


def test_a_prelude_stands_before_every_solution(sandbox: Sandbox) -> None:
    extra = json.dumps({"prelude": "add = sum"})
    codes = [*(code.replace("sum(", "add(") for code in SUMS[:2]), f"from __future__ import annotations\n{SUMS[2]}"]
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(codes)]
    kept, _ = check_tests(problem(solutions=solutions, extra=extra), CodeTestsConfig(), sandbox)
    assert len(kept["tests"][0]) == len(LISTS)
    assert json.loads(kept["extra"][0])["code_tests"]["trusted"] == ["s0", "s1", "s2"]


def test_a_wrong_expected_output_is_repaired_and_wrong_solutions_go(sandbox: Sandbox) -> None:
    frame = problem()
    tests = frame["tests"][0].to_list()
    tests[2]["expected"] = "12345"
    kept, rejected = check_tests(problem(tests=tests), CodeTestsConfig(), sandbox)
    assert (kept.height, rejected.height) == (1, 0)
    row = kept.row(0, named=True)
    by_id = {t["id"]: t for t in row["tests"]}
    assert (by_id["t2"]["expected"].strip(), by_id["t2"]["origin"], by_id["t2"]["previous"]) == (
        "9",
        "repaired",
        "12345",
    )
    assert all(by_id[t["id"]]["expected"] == t["expected"] for t in tests if t["id"] != "t2")
    assert [s["id"] for s in row["solutions"]] == ["s0", "s1", "s2", "s3"]
    assert json.loads(row["extra"])["code_tests"]["kill_rate"] == 1.0
    assert [h["action"] for h in row["history"]] == ["judged", "kill_rate", "audited"]
    assert row["id"] == problem(tests=tests)["id"][0]


def test_five_programs_that_agree_repair_tests_most_of_which_are_wrong(sandbox: Sandbox) -> None:
    codes = [*SUMS, "input()\nxs = [*map(int, input().split())]\nprint(sum(xs[::2]) + sum(xs[1::2]))", *WRONG]
    solutions = [
        {"id": f"s{i}", "language": "cpp" if "#inc" in code else "python", "code": code} for i, code in enumerate(codes)
    ]
    tests = problem()["tests"][0].to_list()
    for k in (0, 1, 3, 4, 6):
        tests[k]["expected"] = str(1000 + 7 * k)
    kept, _ = check_tests(problem(tests=tests, solutions=solutions), CodeTestsConfig(), sandbox)
    row = kept.row(0, named=True)
    assert {t["id"]: t["expected"].strip() for t in row["tests"]} == {f"t{i}": added(x) for i, x in enumerate(LISTS)}
    assert sorted(t["id"] for t in row["tests"] if t["origin"] == "repaired") == ["t0", "t1", "t3", "t4", "t6"]
    assert [s["id"] for s in row["solutions"]] == ["s0", "s1", "s2", "s3", "s4"]
    # Three of these programs are too few to overrule as many outputs.
    _, rejected = check_tests(problem(tests=tests, solutions=solutions[1:4]), CodeTestsConfig(), sandbox)
    assert rejected["reason"].to_list() == ["tests_disagree"]


@pytest.mark.slow
def test_a_problem_without_tests_gets_some_that_catch_the_wrong(sandbox: Sandbox) -> None:
    statement = f"{ADDED}\n\nSample Input 1\n4\n3 1 -2 3\nSample Output 1\n5\n"
    kept, _ = check_tests(problem(tests=[], statement=statement), CodeTestsConfig(), sandbox)
    row = kept.row(0, named=True)
    assert len(row["tests"]) >= 5
    assert all(t["origin"] == "generated" and t["expected"].strip() == added(t["input"]) for t in row["tests"])
    assert [s["id"] for s in row["solutions"]] == ["s0", "s1", "s2", "s3"]


def test_an_own_generator_is_used(sandbox: Sandbox) -> None:
    code = [
        "def f(n):\n    return n * 2",
        "def f(n):\n    return n + n",
        "def f(n):\n    return n << 1",
        "def f(n):\n    return n ** 2",
    ]
    made = "def generate_inputs(random):\n    return {'n': random.randint(0, 50)}\n"
    solutions = [{"id": None, "language": "python", "code": text} for text in code]
    frame = problem(
        tests=[], solutions=solutions, entry_point="f", statement="Twice n.", extra={"input_generator": made}
    )
    row = check_tests(frame, CodeTestsConfig(), sandbox)[0].row(0, named=True)
    assert len(row["tests"]) >= 5
    assert len(row["solutions"]) == 3


def test_several_right_answers_are_never_repaired(sandbox: Sandbox) -> None:
    codes = ["print(*range(1, int(input()) + 1))", "print(*range(int(input()), 0, -1))"]
    codes += ["n = int(input())\nprint(*range(2, n + 1), 1)", "n = int(input())\nprint(n, *range(1, n))"]
    solutions = [{"id": None, "language": "python", "code": code} for code in codes]
    tests = [{"id": None, "input": f"{n}\n", "expected": " ".join(map(str, range(1, n + 1)))} for n in range(4, 12)]
    statement = "Print any permutation of the numbers from 1 to n."
    for said in (statement, "Print a permutation of the numbers from 1 to n."):
        kept, rejected = check_tests(
            problem(statement=said, tests=tests, solutions=solutions), CodeTestsConfig(), sandbox
        )
        assert kept.height == 0
        assert rejected["reason"].to_list() == ["needs_checker"]


def test_neither_solutions_nor_enough_tests_is_no_solution(sandbox: Sandbox) -> None:
    kept, rejected = check_tests(problem(solutions=[], tests=[]), CodeTestsConfig(), sandbox)
    assert (kept.height, rejected["reason"].to_list(), rejected["stage"].to_list()) == (
        0,
        ["no_solution"],
        ["code_tests"],
    )
    kept, _ = check_tests(problem(solutions=[]), CodeTestsConfig(), sandbox)
    assert kept["tests"][0].len() == len(LISTS)


def test_too_few_tests_and_no_leave_to_make_some(sandbox: Sandbox) -> None:
    tests = problem()["tests"][0].to_list()[:3]
    _, rejected = check_tests(problem(tests=tests), CodeTestsConfig(generate=False), sandbox)
    assert rejected["reason"].to_list() == ["too_few_tests"]


def test_a_program_that_answers_by_chance_is_not_heard(sandbox: Sandbox) -> None:
    codes = [*SUMS, "import random\nprint(random.randrange(10**9))"]
    solutions = [
        {"id": f"s{i}", "language": "cpp" if "#inc" in c else "python", "code": c} for i, c in enumerate(codes)
    ]
    row = check_tests(problem(solutions=solutions), CodeTestsConfig(), sandbox)[0].row(0, named=True)
    assert [s["id"] for s in row["solutions"]] == ["s0", "s1", "s2", "s3"]


def test_a_model_writes_generator_and_validator(sandbox: Sandbox) -> None:
    asked: list[str] = []

    def generate(prompts: list[str]) -> list[str | None]:
        asked.extend(prompts)
        wrote = "```python\nimport random\nr = random.Random(int(input()))\n"
        wrote += "print('SUM', r.randint(1, 99), r.randint(1, 99))\n```"
        return [wrote if "makes test inputs" in prompt else None for prompt in prompts]

    read = "word, a, b = input().split()\nassert word == 'SUM'\na, b = int(a), int(b)\n"
    codes = [read + ends for ends in ("print(a + b)", "print(sum([a, b]))", "print(b - -a)", "print(a * b)")]
    solutions = [{"id": None, "language": "python", "code": code} for code in codes]
    frame = problem(tests=[], solutions=solutions, statement="The word SUM and two numbers come in; print their sum.")
    without, _ = check_tests(frame, CodeTestsConfig(), sandbox)
    assert without.height == 0
    row = check_tests(frame, CodeTestsConfig(), sandbox, generate)[0].row(0, named=True)
    assert len(asked) == 2
    assert all(int(t["expected"]) == sum(map(int, t["input"].split()[1:])) for t in row["tests"])
    assert len(row["solutions"]) == 3


def test_math_passes_by_and_counts_add_up(sandbox: Sandbox) -> None:
    math, _ = conform_rows([{"domain": "math", "statement": "1+1?", "answer": "2"}], source="m")
    both = pl.concat([math, problem(solutions=[], tests=[])])
    kept, rejected = check_tests(both, CodeTestsConfig(), sandbox)
    assert kept.equals(math)
    assert kept.height + rejected.height == both.height


def test_statements_ask_for_each_language_and_are_linked() -> None:
    frame = problem()
    copies = ask_languages(frame, ("python", "cpp"))
    assert copies["code_language"].to_list() == ["python", "cpp"]
    assert copies["parent_id"].to_list() == [frame["id"][0]] * 2
    assert copies["id"].n_unique() == 2
    assert frame["id"][0] not in copies["id"].to_list()
    assert all(text.startswith(ADDED) for text in copies["statement"])
    assert ask_languages(copies, ("python", "cpp")).equals(copies)
    called = ask_languages(problem(entry_point="f"), ("python", "cpp"))
    assert called["code_language"].to_list() == ["python"]
    assert "`f`" in called["statement"][0]


COUNTED = [
    "def tally(xs):\n    return {x: (x, xs.count(x)) for x in xs}",
    "def tally(xs):\n    found = {}\n    for x in xs:\n        found[x] = [x, xs.count(x)]\n    return found",
    "from collections import Counter\ndef tally(xs):\n    return {str(x): [x, n] for x, n in Counter(xs).items()}",
]


@pytest.mark.slow
def test_values_that_came_as_json_are_compared_as_json(sandbox: Sandbox) -> None:
    """JSON has no tuples and no keys that are numbers: who returns them is right, also on tests that are made."""
    inputs = [[[1]], [[1, 1]], [[2, 3, 2]], [[0, 0, 0]], [[4, 5]], [[-1]]]
    tests = [
        {"id": f"t{i}", "input": json.dumps(x), "expected": json.dumps({str(v): [v, x[0].count(v)] for v in x[0]})}
        for i, x in enumerate(inputs)
    ]
    tests[2]["expected"] = '{"2": [2, 9]}'
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(COUNTED)]
    frame = problem(tests=tests, solutions=solutions, entry_point="tally", statement="Write tally(xs).")
    kept, rejected = check_tests(frame, CodeTestsConfig(min_tests=10), sandbox)
    assert rejected.is_empty()
    found = {test["id"]: test for test in kept["tests"][0]}
    assert found["t2"]["origin"] == "repaired"
    assert len(found) >= 10
    assert all(json.loads(test["input"]) for test in found.values())
    assert json.loads(kept["extra"][0])["code_tests"]["trusted"] == ["s0", "s1", "s2"]
    for code in COUNTED:
        cases = [Case(test["input"], test["expected"]) for test in found.values()]
        assert {run.status for run in sandbox.run(Program("python", code, "tally"), cases)} == {"passed"}
