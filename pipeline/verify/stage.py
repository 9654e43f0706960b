"""The verify stage: rejects problems whose label the verifier cannot compare, where no screen has run."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.verify.code import read_code_label
from pipeline.verify.label import LabelCheck, admit_prose, check_labels
from pipeline.verify.pool import MathPool
from pipeline.verify.problem import LABEL_COLUMNS
from schemas.reasons import Reason

STAGE = "verify"
NO_TEST = "no test says what is right"
REASONS = {NO_TEST: Reason.TOO_FEW_TESTS, "empty": Reason.NO_ANSWER, "no answer": Reason.NO_ANSWER}
"""Detail of a label check -> the reason of the reject; every other detail is an unverifiable answer."""


def split_verifiable(problems: pl.DataFrame, pool: MathPool, prose: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split problems into those with a label that the verifier can compare (code: a test at least), and rejects.
    With `prose` a second opinion is at hand, and labels that only it can compare are kept.

    Raises VerifierLost where the verifier's own processes fail: no label is rejected for that.
    """
    rows = list(problems.select(name for name in LABEL_COLUMNS if name in problems.columns).iter_rows(named=True))
    math = check_labels([row["answer"] for row in rows if row["domain"] == "math"], pool)
    next_math = iter([admit_prose(check) for check in math] if prose else math)
    checks = [next(next_math) if row["domain"] == "math" else check_code_label(row) for row in rows]
    good = pl.Series([check is True for check in checks], dtype=pl.Boolean)
    details = [check[1] for check in checks if isinstance(check, tuple)]
    rejected = problems.filter(~good).with_columns(
        pl.lit(STAGE).alias("stage"),
        pl.Series("reason", [REASONS.get(detail, Reason.UNVERIFIABLE_ANSWER).value for detail in details], pl.String),
        pl.Series("detail", details, dtype=pl.String),
    )
    return problems.filter(good), rejected


def check_code_label(problem: Mapping[str, Any]) -> LabelCheck:
    """Whether a code problem has a test that says what is right, or (False, why not)."""
    return True if read_code_label(problem, 1).tests else (False, NO_TEST)
