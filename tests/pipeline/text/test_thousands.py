"""Thousands: every language's way to set them apart, and what looks like one and is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.thousands import has_commas, join_latex, join_points, join_spaced

NUMBERS = st.integers(1000, 10**12)


@given(NUMBERS, st.sampled_from(["{,}", r"\,", r"\!", r",\!", r",\! ", r"\ "]))
def test_latex_groups_are_one_number(number: int, mark: str) -> None:
    assert join_latex(f"{number:,}".replace(",", mark)) == str(number)


@given(NUMBERS)
def test_spaces_are_between_the_thousands_of_one_number(number: int) -> None:
    assert join_spaced(f"{number:,}".replace(",", " ")) == str(number)


@given(st.integers(10**6, 10**12), st.integers(0, 99))
def test_points_between_thousands_go_and_a_decimal_comma_becomes_a_point(number: int, part: int) -> None:
    grouped = f"{number:,}".replace(",", ".")
    assert join_points(grouped) == str(number)
    assert join_points(f"{grouped},{part}") == f"{number}.{part}"


@given(NUMBERS)
def test_english_commas_are_seen(number: int) -> None:
    assert has_commas(f"{number:,}")
    assert not has_commas(str(number))


@pytest.mark.parametrize("text", ["1 23", "x1 234", "1.5 234", "1 2345", "12 345/6"])
def test_numbers_side_by_side_stay_where_they_are_not_thousands(text: str) -> None:
    assert join_spaced(text) == text


@pytest.mark.parametrize("text", ["14.916", "1.23.4", "1.234.56"])
def test_points_that_may_be_decimal_stay(text: str) -> None:
    assert join_points(text) == text
