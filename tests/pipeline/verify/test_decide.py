"""What equals what: the reader and the comparison of values together, on smallest examples of each kind."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.decide import decide, read
from pipeline.verify.reader.values import Quantity

SAME = [
    ("3 m", "3m"),
    ("8", "8 \\text{ at } x=2"),
    ("13-8i", "13-8 i"),
    ("3+2i", "3+2\\cdot i"),
    ("2i", "(1+i)^2"),
    ("1000\\sqrt3", "1,000\\sqrt3"),
    ("1000/3", "\\frac{1,000}{3}"),
    ("\\frac{1000}{3}", "\\frac{1,000}{3}"),
    ("0<x<12.5", "(0,12.5)"),
    ("(0,12.5)", "0<x<12.5"),
    ("y=2x", "x=y/2"),
    ("f(x)=2x", "y=2x"),
    ("3:00", "3:00"),
    ("12:00", "12:00"),
    ("x<2", "2>x"),
    ("x \\ne 3", "3\\ne x"),
    ("\\mathbb{R}", "\\mathbb R"),
    ("\\begin{pmatrix} 1 \\\\[4pt] 2\\end{pmatrix}", "\\begin{pmatrix} 1 \\\\ 2\\end{pmatrix}"),
    ("\\sqrt[3]{-5}", "-\\sqrt[3]{5}"),
    ("\\ln(a^2 b)", "2\\ln a+\\ln b"),
    ("75 cents", "$0.75"),
    ("$0.75", "75 cents"),
    ("C_{10}^3", "120"),
    ("(2, 3)(2, 7)", "(2,3),(2,7)"),
    ("(0,0)； (1,2)", "(1,2),(0,0)"),
    ("\\frac{1}{21,000}", "1/21000"),
    ("2008!-1", "2008!-1"),
    ("15(2013!)", "15 \\cdot 2013!"),
    ("(2n-1)!!", "(2n-1)!!"),
    ("12° 30'", "12.5°"),
    ("x=1 or x=2", "x=2 or x=1"),
    ("x=1, y=2", "(x,y)=(1,2)"),
    ("3 h 20 min", "200 min"),
    ("\\{x: x>2\\}", "(2,\\infty)"),
    ("6\\text{ способов}", "6"),
    ("0.\\overline{3}", "1/3"),
    ("\\text{i}", "i"),
    ("sin(pi x/5)", "\\sin\\frac{\\pi x}{5}"),
    ("ln 2", "\\ln 2"),
    ("sqrt 3", "\\sqrt{3}"),
    ("exp(2)", "e^2"),
    ("1/2x", "x/2"),
    ("3\\%", "0.03"),
    ("v=3 m/s", "3 m/s"),
    ("9.8\\text{ m/s}^2", "9.8\\ \\mathrm{m\\,s^{-2}}"),
    ("3\\times 10^8\\text{ m/s}", "3e8 m/s"),
]
DIFFERENT = [
    ("1", "1/s"),
    ("\\pi r^2", "\\pi r^2 h"),
    ("5 ft 9 in", "5 ft 4 in"),
    ("3", "3\\text{ hours }20\\text{ minutes}"),
    ("3", "3\\text{ dozen}"),
    ("2x", "2x\\mathrm e^{x}"),
    ("x^2-2x+10=0", "x^2-5x+10=0"),
    ("P(3)=5", "P(3)=7"),
    ("\\sin 2", "\\sin 2t"),
    ("0", "ax^2+bx+c=0"),
    ("204_6", "204_5"),
    ("204", "204_5"),
    ("0.5", "0.5\\%"),
    ("1/3", "10:30"),
    ("2", "8 \\text{ at } x=2"),
    ("ABC", "CBA"),
    ("\\sin 30^\\circ", "\\sin 30"),
    ("2008!-1", "2008!"),
    ("x=1 or x=2", "x=1"),
    ("x=10, y=1000", "1000, 10"),
    ("A", "B"),
    ("5", "5\\text{ or fewer}"),
    ("f(x)=|x|", "f(x)=x"),
    ("\\text{no}", "\\text{yes}"),
    ("2", "x=2 \\text{ or } 3"),
    ("(1,2)", "\\{1,2\\}"),
    ("[1,2]", "(1,2)"),
    ("x>2", "2"),
    ("5", "-5"),
    ("a=2, b=3", "a=3, b=2"),
    ("2\\sqrt{2}", "2.828"),
    ("2\\frac{1}{2}", "1"),
    ("20 m", "20 s"),
    ("3", "5\\text{ dozen}"),
]
UNREADABLE = [
    ("3, 5, ...", "open-ended"),
    ("(0, -\\infty)", "an infinite end that is closed or has the other sign"),
    ("[1, 2, 3)", "brackets [) that do not pair"),
    ("5 6", "numbers side by side at '6'"),
    ("10\\text{ or fewer}", "cannot read the unit 'or fewer'"),
    ("\\frac{1}{0}", "division by zero"),
]
SPACES = st.sampled_from(["", " ", "\\,", "\\ "])


@pytest.mark.parametrize(("left", "right"), SAME)
def test_equal_values_are_the_same_both_ways(left: str, right: str) -> None:
    assert decide(left, right) == "same"
    assert decide(right, left) == "same"


@pytest.mark.parametrize(("label", "answer"), DIFFERENT)
def test_other_values_differ(label: str, answer: str) -> None:
    assert decide(label, answer) == "differ"


@pytest.mark.parametrize(("label", "answer"), [pair for pair in DIFFERENT if "%" not in pair[1] and pair[1] != "2.828"])
def test_values_that_differ_are_not_the_same_the_other_way(label: str, answer: str) -> None:
    """But for percent signs, which an answer may leave out, and decimals, which a label may round to."""
    assert decide(answer, label) != "same"


@pytest.mark.parametrize(("text", "problem"), UNREADABLE)
def test_what_cannot_be_read_is_named(text: str, problem: str) -> None:
    assert read(text).value is None
    assert problem in read(text).problem


def test_a_difference_below_the_precision_is_unknown_and_never_equal() -> None:
    assert decide("10^{10^{10}}", "10^{10^{10}}+1") == "unknown"


def test_a_bound_letter_may_be_renamed_only_where_it_binds() -> None:
    assert decide(r"\sum_{i=1}^{6} a_i", r"\sum_{k=1}^{6} a_k") == "same"
    assert decide(r"\sum_{i=1}^{6} a_i", r"\sum_{k=1}^{6} a_i") != "same"
    assert decide("f(x)=2x", "f(t)=2t") == "same"
    assert decide("f(x)=2x", "f(t)=2x") == "differ"


@given(st.fractions(max_denominator=10**6), SPACES)
def test_a_fraction_is_read_exactly_however_it_is_written(value: Fraction, space: str) -> None:
    sign = "-" if value < 0 else ""
    latex = rf"{sign}{space}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    assert read(latex).value == Quantity(read(str(value)).value.node)  # type: ignore[union-attr]


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40))
def test_integers_are_equal_only_to_themselves(a: int, b: int) -> None:
    assert decide(str(a), str(b)) == ("same" if a == b else "differ")


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=5))
def test_a_set_has_no_order_and_a_tuple_has(items: list[int]) -> None:
    turned = items[::-1]
    assert decide(rf"\{{{', '.join(map(str, items))}\}}", rf"\{{{', '.join(map(str, turned))}\}}") == "same"
    expected = "same" if turned == items else "differ"
    assert decide(f"({', '.join(map(str, items))})", f"({', '.join(map(str, turned))})") == expected


@given(st.text(alphabet=r"0123456789xyie+-*/^_{}()[]|,;:=<>!.%$ \\fracsqtpnldo", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = read(text)
    assert (reading.value is None) == bool(reading.problem)
    assert decide(text, text) != "differ"
