"""Pairs of a label and an answer, judged by hand: other countries' exams, physics, calculus, linear algebra, number
bases, plain text, and wrong answers that look right (tests/data/answer_pairs.jsonl)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.verify.decide import decide
from pipeline.verify.math import MathVerifier
from schemas.reasons import Cause, Verdict

PAIRS = Path(__file__).parents[2] / "data" / "answer_pairs.jsonl"
BY_KIND = PAIRS.with_name("answer_pairs_by_kind.jsonl")
"""Ten or more pairs of each kind of answer, written before the verifier was asked about them."""


def read_pairs(right: bool) -> list[tuple[str, str]]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    return [(row["label"], row["answer"]) for row in rows if row["right"] is right]


@pytest.mark.parametrize(("label", "answer"), read_pairs(True))
def test_right_answers_in_other_writings(label: str, answer: str) -> None:
    assert decide(label, answer) == "same"


@pytest.mark.parametrize(("label", "answer"), read_pairs(False))
def test_wrong_answers_that_look_right(label: str, answer: str) -> None:
    assert decide(label, answer) == "differ"


def read_kinds() -> list[tuple[str, str, bool, bool]]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in BY_KIND.read_text(encoding="utf-8").splitlines()]
    return [(row["label"], row["answer"], row["right"], row.get("undecided", False)) for row in rows]


@pytest.mark.parametrize(("label", "answer", "right", "undecided"), read_kinds())
def test_pairs_of_each_kind(label: str, answer: str, right: bool, undecided: bool) -> None:
    """`undecided`: above a limit, and never accepted for that."""
    verdict = decide(label, answer)
    assert verdict == ("same" if right else "differ") or (undecided and verdict in ("unknown", "fallback"))


DIVERGENT = [
    ("1", r"\sum_{n=1}^{\infty}\frac1n"),
    (r"-\frac1{12}", r"\sum_{n=1}^{\infty} n"),
    ("-1", r"\sum_{n=0}^{\infty} 2^n"),
    (r"\frac12", r"\sum_{n=0}^\infty(-1)^n"),
    ("0", r"\lim_{x\to\infty}\sin x"),
    ("-2", r"\int_{-1}^{1}\frac{1}{x^2}dx"),
]


@pytest.mark.slow
def test_what_diverges_equals_nothing_and_is_no_way_out() -> None:
    with MathVerifier(workers=1, timeout=20) as verifier:
        for label, answer in DIVERGENT:
            judged = verifier.compare(label, answer)
            assert judged.verdict is Verdict.WRONG or judged.cause is Cause.ANSWER_LIMIT
        assert verifier.compare(r"\lim_{x\to\infty}x", r"\lim_{x\to\infty}x^2").verdict is not Verdict.CORRECT
        assert verifier.compare("1/3", r"\int_0^1 x^2\,dx").verdict is Verdict.CORRECT
