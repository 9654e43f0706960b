"""Statements that accept answers in large and small letters alike are told from all others."""

import pytest

from pipeline.text.letter_case import allows_any_case, read_checker


@pytest.mark.parametrize(
    "statement",
    [
        "Print YES or NO. You can print each letter in any case (upper or lower).",
        "You may output every letter in any case.",
        'You can output the answer in any case (upper or lower). For example, "yEs" and "YES" are positive responses.',
        'Output "Yes" if it is possible. The output is case-insensitive.',
        "Print the word. The answer is not case-sensitive.",
        "For each test print YES or NO (the case of letters does not matter).",
        "You can print each character in uppercase or lowercase.",
        "Output the letters in any register.",
    ],
)
def test_an_open_case_is_seen(statement: str) -> None:
    assert allows_any_case(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "Print -1 in any case where no answer exists.",
        "In any case, the first line of the output has the number of moves.",
        "Print YES or NO. The output is case-sensitive.",
        "Sort the words case-insensitively and print them.",
        "Count the letters in the string, upper case or lower case, and return the total.",
        "Two strings are equal if they are equal case-insensitively. Print how many are equal.",
        "Print the answer for each case.",
        "",
    ],
)
def test_any_other_statement_keeps_the_case(statement: str) -> None:
    assert not allows_any_case(statement)


def test_a_checker_that_says_so_itself_is_left_alone() -> None:
    assert read_checker(None, "Print each letter in any case.") == {"ignore_case": True}
    assert read_checker({"ignore_case": False}, "Print each letter in any case.") == {"ignore_case": False}
    assert read_checker({"float_tolerance": 0.1, "ignore_case": None}, "Print it.") == {"float_tolerance": 0.1}
