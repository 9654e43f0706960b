"""A date is one day in all of its writings, and an amount of something else in none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.decide import decide, read
from pipeline.verify.reader.values import Clock, Word

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def write(day: date) -> list[str]:
    name = MONTHS[day.month - 1]
    return [
        f"{day:%Y-%m-%d}".rjust(10, "0"),
        f"{name} {day.day}, {day.year:04}",
        f"{day.day} {name} {day.year:04}",
        f"{day.year:04}年{day.month}月{day.day}日",
    ]


DAYS = st.dates(date(1000, 1, 1))


@given(st.lists(DAYS, min_size=2, max_size=2, unique=True))
def test_writings_of_a_day_are_one_and_those_of_two_days_are_not(days: list[date]) -> None:
    first, second = days
    for one in write(first):
        assert all(decide(one, other) == "same" for other in write(first))
        assert all(decide(one, other) == "differ" for other in write(second))


@pytest.mark.parametrize("text", ["2024-13-05", "February 30, 2024", "2024-3", "5 men"])
def test_what_is_no_day_is_no_date(text: str) -> None:
    value = read(text).value
    assert not (isinstance(value, Word) and value.text.startswith("date"))


def test_hours_of_the_day_are_times() -> None:
    assert read("8.15 Uhr").value == Clock(495)
    assert decide("15:05", "3:05 pm") == "same"
    assert decide("24 Uhr", "0") != "same"
