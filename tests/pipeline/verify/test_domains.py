"""Expressions are compared on all sides of where they bend, decimals as what they may stand for, and a reading that
tries in vain ends."""

from math import isqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.verify.compare.evaluate import Exhausted, evaluate, set_precision
from pipeline.verify.decide import decide, is_over_limit, read
from pipeline.verify.reader.build import number, symbol
from pipeline.verify.reader.values import Node


@given(st.integers(1, 10_000), st.sampled_from(["|x{}|", r"\sqrt{{(x{})^2}}", r"\max(x{0}, -x{0})"]), st.booleans())
def test_a_bend_is_found_wherever_it_is(place: int, form: str, left: bool) -> None:
    shift = f"+{place}" if left else f"-{place}"
    bent = form.format(shift) if "max" not in form else rf"\max(x{shift}, -(x{shift}))"
    for straight in (f"x{shift}", f"-(x{shift})"):
        assert decide(bent, straight) == decide(straight, bent) == "differ"
    assert decide(bent, rf"\left|x{shift}\right|") == "same"


@given(st.integers(2, 10**12), st.integers(6, 12), st.integers(-3, 3))
def test_a_decimal_stands_for_what_rounds_to_it_whatever_its_size(radicand: int, places: int, off: int) -> None:
    assume(isqrt(radicand) ** 2 != radicand)
    scaled = isqrt(4 * radicand * 100**places)
    rounded = (scaled + 1) // 2
    written = f"{rounded + off * 1000}"
    decimal = f"{written[:-places] or '0'}.{written[-places:].zfill(places)}"
    expected = "same" if off == 0 else "differ"
    assert decide(rf"\sqrt{{{radicand}}}", decimal) == decide(decimal, rf"\sqrt{{{radicand}}}") == expected


@pytest.mark.parametrize("places", [6, 7, 8])
@given(st.integers(1, 10**6), st.integers(2, 9))
def test_the_last_place_that_is_written_counts(places: int, whole: int, digit: int) -> None:
    assert decide(str(whole), f"{whole}.{'0' * (places - 1)}{digit}") == "differ"
    assert decide(str(whole), f"{whole}.{'0' * places}") == "same"


@pytest.mark.parametrize("nested", [r"3\frac{%s}{x}", r"C^{%s}", r"C_{x}^{%s}", r"A^{%s}"])
def test_tries_do_not_double_with_each_level(nested: str) -> None:
    text = "x"
    for _ in range(30):
        text = nested % text
    assert read(text).value is None or decide("5", text) == "differ"


def test_sums_within_sums_have_one_bound_together() -> None:
    term: Node = symbol("a")
    for letter in "abcd":
        term = Node("sum", (number(1), number(2000), term), name=letter)
    set_precision(320)
    with pytest.raises(Exhausted):
        evaluate(term, {})
    answer = "".join(rf"\sum_{{{letter}=1}}^{{2000}} " for letter in "abcd") + r"\frac{1}{a+b+c+d}"
    assert decide("5", answer) == "unknown"
    assert is_over_limit("5", answer)


@pytest.mark.parametrize(
    "answer", [r"\lfloor 2^{900000000000} \rfloor", r"\sum_{k=1}^{2^{900000000000}} k", "(99999999)!", "(99999999)!!"]
)
def test_no_number_is_written_out_that_has_billions_of_digits(answer: str) -> None:
    assert decide("5", answer) in ("differ", "unknown", "fallback")


@given(st.sampled_from(["tenths", "Zehntel", "dixièmes", "décimas", "decimi", "десятых", "dozens", "douzaines"]))
def test_parts_and_scales_are_no_counted_things(word: str) -> None:
    assert decide("5", rf"5\text{{ {word}}}") == "differ"


def test_scales_multiply() -> None:
    assert decide("250000", r"2.5\text{ lakh}") == decide("12000", "1.2万") == decide("5000", "5 тыс.") == "same"
    assert decide("10000000", "1 crore") == "same"


@pytest.mark.parametrize(
    "condition",
    ["if } a>0, 6 \\text{ if } a<0", "if yes, else } 6", "for the first case or } 7 \\text{ for the second}"],
)
def test_several_values_with_conditions_are_not_the_first_of_them(condition: str) -> None:
    assert decide("5", rf"5 \text{{ {condition}") == "differ"
    assert decide("5", r"5 \text{ for all } n \text{ and } k") == "same"
