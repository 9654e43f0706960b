"""The values that numbers in digits and in words may have, in seven languages."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.numbers import read_digits, read_words


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("1,234 apples", "en", {1234}),
        ("1.234 Äpfel", "de", {1234, Fraction("1.234")}),
        ("2,5 kg", "fr", {Fraction("2.5")}),
        ("3/4 of it", "en", {Fraction(3, 4)}),
        ("3万", "zh", {30000}),
    ],
)
def test_digits_are_every_value_that_they_may_have(text: str, language: str, values: set[Fraction]) -> None:
    assert read_digits(text, language) == [frozenset(map(Fraction, values))]


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("two hundred and five", "en", 205),
        ("dreiundzwanzig", "de", 23),
        ("ventuno", "it", 21),
        ("quatre-vingt-dix", "fr", 90),
        ("二百零五", "zh", 205),
        ("四分之三", "zh", Fraction(3, 4)),
    ],
)
def test_words_may_mean_their_value(text: str, language: str, value: Fraction) -> None:
    assert read_words(text, language)[Fraction(value)] > 0


@given(st.integers(0, 10**9))
def test_grouped_digits_are_the_same_number_in_english(value: int) -> None:
    assert read_digits(f"{value:,}", "en") == read_digits(str(value), "en") == [frozenset((Fraction(value),))]
