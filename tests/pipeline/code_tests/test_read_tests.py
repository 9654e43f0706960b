"""Tests as the check takes them: test programs in their parts, calls that change their arguments."""

import pytest

from pipeline.code_tests.read_tests import PASSED, ask_for_changes, read_tests, restore_expected, split_asserts

CHECK = "METADATA = {}\n\ndef check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3\n\ncheck(f)"
SETUP = "x = [1, 2]\nassert f(x) == 3\nassert abs(f([0.1]) - 0.1) < 1e-3"


def read(text: str, expected: str | None = None) -> list[tuple[str, str, str | None]]:
    tests = read_tests([{"id": "t0", "input": text, "expected": expected}], "f")
    return [(test["id"], test["input"], test["expected"]) for test in tests]


def test_asserts_that_are_data_become_calls_and_others_keep_what_stands_before_them() -> None:
    assert read("assert f(1) == 2\nassert f(2) == 3") == [("t0.0", "f(1)", "2"), ("t0.1", "f(2)", "3")]
    assert read(CHECK) == [
        ("t0.0", "METADATA = {}\nassert candidate(1) == 2", PASSED),
        ("t0.1", "METADATA = {}\nassert candidate(2) == 3", PASSED),
    ]
    assert [text for _, text, _ in read(SETUP)] == [
        "x = [1, 2]\nassert f(x) == 3",
        "x = [1, 2]\nassert abs(f([0.1]) - 0.1) < 0.001",
    ]


@pytest.mark.parametrize(
    "program",
    [
        "for x in range(3):\n    assert f(x) == x\nassert f(9) == 9",
        "assert f(1) == 1\nx = f(2)\nassert x == 2",
        "def helper(x):\n    assert f(x)\n\nhelper(1)\nassert f(2)",
        "assert (",
    ],
)
def test_asserts_that_depend_on_more_stay_one_program(program: str) -> None:
    assert split_asserts(program) == []
    assert read(program) == [("t0", program, PASSED)]


def test_calls_and_texts_stay_as_they_are() -> None:
    assert read("f(1)", "2") == [("t0", "f(1)", "2")]
    assert read("[1, 2]", "2") == [("t0", "[1, 2]", "2")]
    [test] = read_tests([{"input": "1\n", "expected": "2"}, {"input": None, "expected": "3"}], None)
    assert (test["id"], test["origin"]) == ("t0", "source")


def test_a_wrapped_call_demands_its_value() -> None:
    assert read("set(f(1))", "{1}") == [("t0", "assert (set(f(1))) == ({1})", PASSED)]


def test_test_programs_are_written_without_an_expected_output() -> None:
    assert restore_expected({"input": "assert f(1)", "expected": PASSED}, "f") is None
    assert restore_expected({"input": "f(1)", "expected": "''"}, "f") == "''"
    assert restore_expected({"input": "1\n", "expected": ""}, None) == ""


def test_only_calls_that_can_change_something_and_return_nothing_are_asked_for_changes() -> None:
    def ask(*pairs: tuple[str, str | None]) -> list[tuple[str, str | None]]:
        tests = [{"id": "t", "input": text, "expected": expected} for text, expected in pairs]
        return [(test["input"], test["expected"]) for test in ask_for_changes(tests, "f")]

    assert ask(("f([2, 1], k=1)", "None")) == [("arguments_after(f([2, 1], k=1))", None)]
    assert ask(("[[2, 1]]", "null")) == [("arguments_after(f([2, 1]))", None)]
    assert ask(("f(1)", "None")) == []
    assert ask(("f([1])", "None"), ("f([2])", "2")) == []
    assert ask(("f([1])", None)) == []
    assert ask() == []
