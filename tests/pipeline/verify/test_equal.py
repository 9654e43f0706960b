"""When a label accepts an answer, and how that compares with math-verify."""

import logging
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.verify.equal import accepts, same
from pipeline.verify.fast import Value, parse_fast


def read(text: str) -> Value:
    value = parse_fast(text)
    assert value is not None, text
    return value


ACCEPTED = [
    ("5", "x = 5"),
    ("x=5", "5"),
    ("5", "5 cm"),
    ("5 cm", "5"),
    ("$1,234.50", "1234.5"),
    ("18", "$18"),
    ("25000", "$25,000/year"),
    ("$5 per hour", "$5"),
    ("22", "22 times"),
    ("50%", "0.5"),
    ("50%", "50"),
    ("50", "50%"),
    (r"25\%", r"\frac{1}{4}"),
    ("12.5%", "12.5"),
    ("36", r"36^\circ"),
    ("1/3", "0.333333"),
    ("1/3", "0.3333333333"),
    ("18", "17.9999999999"),
    (r"\sqrt{2}", "1.414214"),
    (r"\pi", "3.14159265"),
    ("(1,2)", "1, 2"),
    ("1, 2", "(1, 2)"),
    ("(1, 2, 3)", "[1, 2, 3]"),
    ("3/4", "3:4"),
    ("4:10", "2:5"),
    ("n", "N"),
    ("A", "a"),
    ("yes", "Yes"),
    (r"\{1, \frac12\}", "0.5, 1"),
    ("x=1, y=2", "y=2, x=1"),
    ("5, 6", "5 cm and 6 cm"),
]

REFUSED = [
    ("5", "6"),
    ("5", "5, 6"),
    ("5, 6", "5"),
    ("5", "5 or 6"),
    ("1331 and 1728", "1728"),
    ("1728", "1331 and 1728"),
    ("x=5", "y=5"),
    ("x=1, y=2", "x=2, y=1"),
    ("5 cm", "5 m"),
    ("5 cm", "5 cm^2"),
    ("$5", "5 cents"),
    ("50", "0.5"),
    ("50%", "5"),
    ("1/3", "0.333"),
    ("1/3", "0.33334"),
    ("2/3", "0.666666"),
    ("0.0000001", "0.0000002"),
    ("1e-9", "0.000000"),
    ("9007199254740993", "9007199254740992"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "2, 1"),
    ("(1,2)", r"\{1,2\}"),
    ("(1,2)", "[1,2]"),
    ("10:30", "12:36"),
    ("blue", "blue or red"),
    ("blue", "not blue"),
    ("blue", "5"),
    ("5", "blue"),
    ("yes", "no"),
    ("A", "B"),
    ("A", "A, B, C, D"),
    ("x", "y"),
    ("x", "x=y"),
    ("5", "x"),
    ("5", "x=x"),
    ("5", "-5"),
    ("5", r"\pm 5"),
    (r"\infty", r"-\infty"),
    ("2, 2, 3", "2, 3"),
    ("5", r"\emptyset"),
    (r"\emptyset", "0"),
    ("R^2-r^2", "0"),
]


@pytest.mark.parametrize(("label", "answer"), ACCEPTED)
def test_accepted(label: str, answer: str) -> None:
    assert accepts(read(label), read(answer))


@pytest.mark.parametrize(("label", "answer"), REFUSED)
def test_refused(label: str, answer: str) -> None:
    assert not accepts(read(label), read(answer))


@pytest.mark.parametrize(("left", "right"), ACCEPTED + REFUSED)
def test_being_the_same_is_symmetric_and_is_accepted(left: str, right: str) -> None:
    a, b = read(left), read(right)
    assert same(a, a)
    assert same(a, b) == same(b, a)
    assert same(a, b) <= accepts(a, b)


def peer(label: str, answer: str) -> bool:
    """math-verify's verdict, without its signals; LaTeX goes between dollars, which is how it wants it."""
    from math_verify import parse, verify

    logging.disable(logging.WARNING)
    try:
        dressed = [f"${text}$" if "\\" in text or text[0] in "([" else text for text in (label, answer)]
        gold, found = (parse(text, parsing_timeout=None) for text in dressed)
        return bool(verify(gold, found, timeout_seconds=None))
    finally:
        logging.disable(logging.NOTSET)


small = st.fractions(min_value=-60, max_value=60, max_denominator=8)
signs = st.sampled_from(["", "-"])


def decimal(value: Fraction) -> str:
    digits = f"{float(value):.3f}"
    return digits.rstrip("0").rstrip(".")


def styles(value: Fraction) -> list[str]:
    minus, top, bottom = "-" if value < 0 else "", abs(value.numerator), value.denominator
    written = [rf"{minus}\frac{{{top}}}{{{bottom}}}", f"{minus}{top}/{bottom}" if bottom > 1 else f"{minus}{top}"]
    if bottom in (1, 2, 4, 8):
        written += [decimal(value), rf"{decimal(value)} \text{{ cm}}"]
    if bottom == 1:
        written += [f"{minus}{top}.0", f"{minus}{top},000".replace("0,000", "0") if top else "0"]
    if bottom == 1 and top:
        written += [rf"{minus}{top}\sqrt{{2}}", rf"{minus}{top}\pi", rf"({minus}{top}, 7)", rf"[{minus}{top}, 99)"]
        written += [rf"\{{{minus}{top}, 99\}}", rf"\frac{{{minus}{top}\pi}}{{3}}"]
    return written


@settings(max_examples=150, deadline=None)
@given(small, small, st.booleans(), st.integers(0, 99), st.integers(0, 99))
def test_common_answers_get_the_verdict_of_math_verify(
    a: Fraction, b: Fraction, equal: bool, style_a: int, style_b: int
) -> None:
    left, right = styles(a), styles(a if equal else b)
    label, answer = left[style_a % len(left)], right[style_b % len(right)]
    assert accepts(read(label), read(answer)) == peer(label, answer), (label, answer)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**7), st.integers(-2, 2), st.sampled_from(["{}", "{:,}", "{}.0", "${:,}", "{}."]))
def test_gsm8k_answers_get_the_verdict_of_math_verify(label: int, off: int, style: str) -> None:
    answer = style.format(max(label + off, 0))
    assert accepts(read(str(label)), read(answer)) == peer(str(label), answer)


MATH_VERIFY_IS_WRONG = [
    (r"5 \text{ cm}", r"5 \text{ m}", False),
    ("$Tom$", "$Mot$", False),
    ("0.0000001", "0.0000002", False),
    ("(1,2)", r"\{1,2\}", False),
    ("$2, 2, 3$", "$2, 3$", False),
    (r"12.5\%", "12.5", True),
    ("5/4", "$1 1/4$", True),
    ("100000", "$1e5$", True),
]


@pytest.mark.parametrize(("label", "answer", "ours"), MATH_VERIFY_IS_WRONG)
def test_documented_differences(label: str, answer: str, ours: bool) -> None:
    """Each line of the list in `pipeline.verify.equal`: should math-verify mend one, this says so."""
    assert accepts(read(label), read(answer)) is ours
    assert peer(label, answer) is not ours
