r"""Answers that were judged wrongly once, each standing for its kind, with the right verdict."""

from collections.abc import Iterator

import pytest

from pipeline.verify.math import MathVerifier
from schemas.reasons import Verdict

DIFFERENT = [
    ("1", "1/s"),
    (r"\pi r^2", r"\pi r^2 h"),
    ("3", r"3\text{ hours }20\text{ minutes}"),
    ("3", r"5\text{ dozen}"),
    ("5", r"5\text{ or fewer}"),
    ("2x", r"2x\mathrm e^{x}"),
    ("x^2-5x+10=0", "x^2-2x+10=0"),
    ("P(3)=7", "P(3)=5"),
    (r"\sin 2", r"\sin 2t"),
    ("0", "ax^2+bx+c=0"),
    ("204_5", "204_6"),
    ("204", "204_5"),
    ("0.5", r"0.5\%"),
    ("10:30", "1/3"),
    ("2", r"8 \text{ at } x=2"),
    ("ABC", "CBA"),
]
SAME = [
    ("3 m", "3m"),
    ("8", r"8 \text{ at } x=2"),
    ("13-8i", "13-8 i"),
    ("3+2i", r"3+2\cdot i"),
    ("2i", "(1+i)^2"),
    (r"1000\sqrt3", r"1,000\sqrt3"),
    (r"\frac{1000}{3}", r"\frac{1,000}{3}"),
    ("0<x<12.5", "(0,12.5)"),
    ("y=2x", "x=y/2"),
    ("f(x)=2x", "y=2x"),
    ("x<2", "2>x"),
    (r"x\ne 3", r"3\ne x"),
    (r"\mathbb{R}", r"\mathbb R"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\[4pt]2\end{pmatrix}"),
    (r"-\sqrt[3]{5}", r"\sqrt[3]{-5}"),
    (r"2\ln a+\ln b", r"\ln(a^2 b)"),
    ("$0.75", "75 cents"),
    ("120", "C_{10}^3"),
    ("3:00", "3:00"),
    ("12:00", "12:00"),
]


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier() as opened:
        yield opened


def judge(verifier: MathVerifier, label: str, answer: str) -> Verdict:
    return verifier.submit(label, rf"\boxed{{{answer}}}").result().verdict


@pytest.mark.parametrize(("label", "answer"), DIFFERENT, ids=str)
def test_another_value_is_wrong(verifier: MathVerifier, label: str, answer: str) -> None:
    assert judge(verifier, label, answer) == Verdict.WRONG


@pytest.mark.parametrize(("label", "answer"), SAME, ids=str)
def test_another_writing_is_right(verifier: MathVerifier, label: str, answer: str) -> None:
    assert judge(verifier, label, answer) == Verdict.CORRECT
