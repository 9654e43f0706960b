"""Keys of classes: equal keys are equal values, and a key is an answer of its own value."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pipeline.verify.decide import decide, read
from pipeline.verify.keys import write_key

KEYS = [
    ("0.5", "1/2"),
    (r"\frac{10}{2}", "5"),
    ("x = 5.0", "x = 5"),
    (r"12.5\%", r"25/2\%"),
    ("5 centimeters", r"5 \text{cm}"),
    (r"20\text{ square meters}", r"20 \text{m^2}"),
    ("60 kilometers per hour", r"60 \text{km/h}"),
    ("5 apples", "5"),
    ("Blue", r"\text{blue}"),
    ("(1, 4/2)", "(1, 2)"),
    ("2, 1", "1, 2"),
    (r"\{2, 1\}", r"\{1, 2\}"),
    (r"[0.5, \infty)", r"[1/2, \infty)"),
    ("1011_{two}", "1011_{2}"),
]
NONE = [r"\sin x", r"2\sqrt{3}", "0.333333", "3,5", "x < 5", "5 m"]


@pytest.mark.parametrize(("text", "key"), KEYS)
def test_values_of_numbers_and_words_have_a_canonical_writing(text: str, key: str) -> None:
    value = read(text).value
    assert value is not None
    assert write_key(value) == key


@pytest.mark.parametrize("text", NONE)
def test_what_is_only_comparable_has_none(text: str) -> None:
    value = read(text).value
    assert value is not None
    assert write_key(value) is None


FRAGMENTS = [
    r"\text{",
    r"}",
    r"{",
    r"(",
    r")",
    r"1",
    r"1,",
    r"000 ",
    r"a ",
    r"\frac",
    r"\sqrt",
    r"^",
    r"_",
    r"$",
    r"=",
    r" and ",
    r" or ",
    r"e",
    r"\pm",
    r"/",
    r".",
    r"-",
    r"ab ",
    r"%",
    r"\{",
    r"\}",
    r" ",
    r"x_1",
    r"\degree",
    r"cm ",
    r"per ",
    r"!",
    r":",
    r"[",
    r"]",
    r"0",
    r"\infty",
    r"\pi",
    r"\overline",
    r"\binom",
    r"\in ",
    r"million ",
    r"blue ",
    r"p.m.",
    r"apples ",
    r"/h",
    r"²",
    r"½",
    r"小时",
]


# Most texts of many fragments have no value.
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.sampled_from(FRAGMENTS), max_size=n)).map("".join))
@example(r"\text{5}")
@example("1,234")
@example("a = (1, 2)")
@example("\\text{\\}a ")
def test_a_key_is_an_answer_of_its_own_value(text: str) -> None:
    value = read(text).value
    key = None if value is None else write_key(value)
    assume(key is not None)
    again = read(str(key)).value
    assert again is not None, key
    assert write_key(again) == key
    assert decide(text, str(key)) == decide(str(key), text) == "same"


@given(st.fractions(max_denominator=10**5), st.fractions(max_denominator=10**5))
def test_equal_keys_are_equal_rationals(a: Fraction, b: Fraction) -> None:
    keys = [write_key(read(str(value)).value) for value in (a, b)]  # type: ignore[arg-type]
    assert (keys[0] == keys[1]) == (a == b)
