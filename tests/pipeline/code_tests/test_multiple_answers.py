"""Several right answers are recognised, and what a statement says of its input is not taken for it."""

import pytest

from pipeline.code_tests.matrix import Outcome, build_matrix
from pipeline.code_tests.multiple_answers import find_several, read_hint
from pipeline.code_tests.tolerance import read_tolerance
from pipeline.code_tests.truth_discovery import weigh_solutions
from schemas.config import CodeTestsConfig
from tests.pipeline.code_tests.planted import CALLS, judge


@pytest.mark.parametrize(
    "text",
    [
        "If there are multiple solutions, print any of them.",
        "Output any valid ordering.",
        "You may print the edges in any order.",
        "If there is more than one answer, any will be accepted.",
        "You can return the answer in any order.",
        "If the curve has more than one symmetry line, any one will be accepted.",
        "If multiple such prices exist, output any. Output both numbers to two places.",
        "Sums of one probability may be printed in any relative order.",
        "If there is no path, print -1. Otherwise print its edges in any order.",
    ],
)
def test_a_statement_that_leaves_the_choice_is_read_so(text: str) -> None:
    assert read_hint(text)


@pytest.mark.parametrize(
    "text",
    [
        "The cities are given in any order.",
        "Output none if nobody has a unique outcome.",
        "If there are several different possible solutions for n and k, choose the one with the smallest n.",
        "Print -1 if there is no solution.",
        "You may do the moves in any order. Print how few there are.",
        "He visits the cities in any order that he likes.",
        "The lines come in any order.\n\nPrint the sum",
        "You may print each letter in any case.",
        "An error of at most 1e-6 will be accepted.",
        "",
    ],
)
def test_a_statement_with_one_answer_gives_no_hint(text: str) -> None:
    assert read_hint(text) is None


def find(rows: list[list[str]], expected: list[str], hint: str | None) -> str | None:
    outcomes = [[Outcome("passed", text) for text in row] for row in rows]
    matrix = build_matrix(outcomes, expected, CALLS)
    names = [f"p{s}" for s in range(len(rows))]
    weights = weigh_solutions(matrix, names)
    trusted = judge(outcomes, list(expected))[1]
    return find_several(matrix, weights, trusted, names, hint, CodeTestsConfig())


def orders(tests: int, shift: int) -> list[str]:
    return [str([(k + shift) % (4 + t) for k in range(4 + t)]) for t in range(tests)]


def test_solutions_that_each_print_another_order_need_a_checker() -> None:
    assert find([orders(8, s) for s in range(5)], orders(8, 0), None)


def test_two_schools_of_right_answers_need_a_checker() -> None:
    assert find([orders(8, s) for s in (0, 0, 1, 1, 2)], orders(8, 3), None)


def test_wrong_numbers_are_wrong_and_no_second_right_answer() -> None:
    right = [str(t) for t in range(10)]
    wrong = [str(t + (t % 3 == 0)) for t in range(10)]
    assert find([right, right, right, wrong, wrong], right, None) is None


def test_as_many_wrong_programs_as_right_ones_are_no_second_answer_where_the_tests_agree() -> None:
    right = orders(11, 0)
    wrong = [orders(11, s) for s in (1, 2, 3, 1)]
    assert find([right] * 4 + wrong, right, None) is None
    assert find([right] * 4 + wrong, [*right[:6], *orders(11, 2)[6:]], None)


def test_a_hint_and_a_dispute_are_enough_and_a_hint_alone_is_not() -> None:
    right = [str(t) for t in range(10)]
    assert find([right, right, right, [*right[:9], "77"]], right, "print any")
    assert find([right] * 4, [*right[:9], "77"], "print any") is None


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("with an absolute or relative error of at most $10^{-6}$", 1e-6),
        ("Answers within 1e-4 of the right one are accepted", 1e-4),
        ("an error of at most 0.001 is allowed", 1e-3),
        ("Print the sum.", None),
    ],
)
def test_the_tolerance_is_read_from_the_statement(text: str, tolerance: float | None) -> None:
    found = read_tolerance(text)
    assert found == (None if tolerance is None else pytest.approx(tolerance))
