"""English numbers, in digits or in words, as one token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.number_tokens import join_numbers, read_digits


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("nineteen", "19"),
        ("twenty one", "21"),
        ("one hundred", "100"),
        ("three thousand five hundred", "3500"),
        ("twice", "2"),
        ("two thirds", "2/3"),
        ("a quarter", "a 1/4"),
        ("the third day", "the 3rd day"),
        ("a third of", "a 1/3 of"),
        ("one of them", "one of them"),
        ("five six", "5 6"),
        ("dozen", "12"),
    ],
)
def test_numbers_in_words(words: str, number: str) -> None:
    assert " ".join(join_numbers(words.split())) == number


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 99))
def test_digits_have_one_form(whole: int, part: int) -> None:
    plain = read_digits(f"{whole}.{part:02d}")
    assert float(plain) == float(f"{whole}.{part:02d}")
    assert plain == read_digits(f"{whole:,}.{part:02d}0")
