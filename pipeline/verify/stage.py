"""Labels alone, where no screen has looked at them: problems whose label the verifier can compare, and the others."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from pipeline.verify.code import read_code_label
from pipeline.verify.label import check_label
from pipeline.verify.math import MathVerifier
from pipeline.verify.problem import LABEL_COLUMNS
from schemas.reasons import Reason

STAGE = "verify"
NO_TEST = "no test says what is right"


def check_labels(problems: pl.DataFrame, verifier: MathVerifier) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split problems into those with a label that the verifier can compare (code: a test at least), and rejects."""
    outcomes = [
        check_label(row["answer"], verifier.pool) if row["domain"] == "math" else check_code_label(row)
        for row in problems.select(LABEL_COLUMNS).iter_rows(named=True)
    ]
    good = pl.Series([outcome is True for outcome in outcomes], dtype=pl.Boolean)
    details = [outcome[1] for outcome in outcomes if isinstance(outcome, tuple)]
    missing = ("empty", "no answer")
    reasons = [
        Reason.TOO_FEW_TESTS
        if detail == NO_TEST
        else Reason.NO_ANSWER
        if detail in missing
        else Reason.UNVERIFIABLE_ANSWER
        for detail in details
    ]
    rejected = problems.filter(~good).with_columns(
        pl.lit(STAGE).alias("stage"),
        pl.Series("reason", [reason.value for reason in reasons], dtype=pl.String),
        pl.Series("detail", details, dtype=pl.String),
    )
    return problems.filter(good), rejected


def check_code_label(problem: Mapping[str, Any]) -> Literal[True] | tuple[Literal[False], str]:
    """Whether a code problem has a test that says what is right, or (False, why not)."""
    return True if read_code_label(problem, 1).tests else (False, NO_TEST)
