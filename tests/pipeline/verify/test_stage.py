"""The verify stage: what it rejects, and that a failure of our own processes rejects nothing."""

import sys
from collections.abc import Callable

import polars as pl
import pytest

from pipeline.screen import screen
from pipeline.verify.label import check_labels
from pipeline.verify.pool import MathPool, VerifierLost
from pipeline.verify.stage import split_verifiable
from schemas.config import ScreenConfig
from schemas.conform import conform_rows

PARSED = "\\int_0^x t \\sin t \\, dt"
"""A label that only a parser in a process of its own can read."""


def conform(*rows: dict[str, str]) -> pl.DataFrame:
    return conform_rows([{"domain": "math", "statement": "Find it.", **row} for row in rows], "tests")[0]


def test_each_reject_has_its_reason_and_nothing_else_is_rejected() -> None:
    problems = conform(
        {"answer": "42"},
        {"answer": "n/a"},
        {"answer": "We prove it by induction."},
        {"answer": PARSED},
        {"domain": "code", "statement": "Write f.", "answer": ""},
    )
    with MathPool(workers=1) as pool:
        kept, rejected = split_verifiable(problems, pool)
    assert kept["answer"].to_list() == ["42", PARSED]
    assert rejected["reason"].to_list() == ["no_answer", "unverifiable_answer", "too_few_tests"]
    assert rejected["detail"].to_list() == ["no answer", "a proof", "no test says what is right"]


def test_equal_labels_have_equal_checks_in_their_order() -> None:
    with MathPool(workers=1) as pool:
        assert check_labels([PARSED, None, "42", PARSED, ""], pool) == [
            True,
            (False, "empty"),
            True,
            True,
            (False, "empty"),
        ]


@pytest.mark.parametrize(
    "check",
    [
        lambda problems, pool: split_verifiable(problems, pool),
        lambda problems, pool: screen(problems, ScreenConfig(), pool),
    ],
    ids=["verify stage", "screen"],
)
def test_processes_that_do_not_start_reject_no_label(
    check: Callable[[pl.DataFrame, MathPool], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = conform({"statement": "Find the vector from $(0,0)$ to $(1,2)$.", "answer": PARSED})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with MathPool(workers=1) as pool, pytest.raises(VerifierLost):
        check(problems, pool)
