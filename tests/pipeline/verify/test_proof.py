"""Numbers are equal where that is proven, and told apart however near they are."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.compare.expressions import compare
from pipeline.verify.compare.proof import prove_zero
from pipeline.verify.compare.separation import vanishes
from pipeline.verify.compare.series import fold_series
from pipeline.verify.decide import read
from pipeline.verify.math import MathVerifier
from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.values import Node, Quantity
from schemas.reasons import Cause, Verdict


def read_node(text: str) -> Node:
    value = read(text).value
    assert isinstance(value, Quantity)
    return value.node


def root(value: int) -> Node:
    return call("root", number(value), number(2))


@given(st.integers(2, 10**30), st.integers(2, 10**30))
def test_a_square_root_of_a_sum_of_roots_is_their_sum(a: int, b: int) -> None:
    inner = call("+", number(a + b), call("*", number(2), root(a * b)))
    assert vanishes(call("-", call("root", inner, number(2)), call("+", root(a), root(b)))) is True


@given(st.integers(2, 10**6), st.integers(1, 1500))
def test_a_number_beside_a_root_is_told_from_it(a: int, places: int) -> None:
    beside = call("+", root(a), number(Fraction(1, 10**places)))
    assert compare(root(a), beside) == "differ"
    assert compare(call("*", read_node("\\pi"), root(a)), call("*", read_node("\\pi"), beside)) == "differ"


@pytest.mark.parametrize("text", ["\\pi - \\frac{22}{7}", "e - \\pi + \\ln 2", "\\ln 3 - \\frac{11}{10}"])
def test_what_is_not_zero_is_never_proven_to_be(text: str) -> None:
    assert prove_zero(read_node(text)) is not True


@given(st.integers(-50, 50), st.integers(0, 400), st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_a_sum_of_a_polynomial_is_that_of_its_terms(low: int, count: int, coefficients: list[int]) -> None:
    index = Node("sym", name="k")
    term = number(0)
    for power, coefficient in enumerate(coefficients):
        term = call("+", term, call("*", number(coefficient), call("^", index, number(power)) if power else number(1)))
    folded = fold_series(Node("sum", (number(low), number(low + count), term), name="k"))
    wanted = sum(c * k**power for k in range(low, low + count + 1) for power, c in enumerate(coefficients))
    assert folded == number(wanted)


@pytest.mark.parametrize(
    "answer",
    ["\\sum_{k=1}^{10^7} \\frac{1}{k}", "\\prod_{k=1}^{10^8} k", "\\sum_{i=1}^{5000}\\sum_{j=1}^{5000}\\frac1{i+j}"],
)
def test_a_sum_of_too_many_terms_is_over_the_limit_at_once(answer: str) -> None:
    with MathVerifier() as verifier:
        judged = verifier.compare("14", answer)
    assert (judged.verdict, judged.cause) == (Verdict.UNKNOWN, Cause.ANSWER_LIMIT)
