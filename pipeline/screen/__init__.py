"""Screen: format filtering (Magistral paper, section 4.1). Keeps complete problems with one verifiable answer.

    kept, rejected = screen(problems, ScreenConfig())

Rules are small and each has a file; `rules.py` has their order. A rule rejects what it knows; what it only suspects
goes on, marked in the row's history (`schemas/suspects.py`), and its samples settle it. Nothing here calls a model:
`judge.py` has the prompts and parser of the optional second look, which the flow runs through the sampling engine.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from pipeline.progress import advance
from pipeline.screen.outcome import Reject, Suspicion, reject
from pipeline.screen.rules import Screened, screen_problem
from schemas.config import ScreenConfig
from schemas.problem import REJECT_DTYPES, add_history
from schemas.reasons import Reason
from schemas.suspects import mark_suspects

if TYPE_CHECKING:
    from pipeline.verify.pool import MathPool

__all__ = ["STAGE", "screen", "screen_problem"]

STAGE = "screen"
READ = ("statement", "answer", "domain", "extra")
NO_LABEL = frozenset({"empty", "no answer", "a proof", "several parts"})
"""Details of a label check that say that there is no label for the one answer; all others say that it was not read."""


def screen(
    problems: pl.DataFrame, config: ScreenConfig, pool: "MathPool | None" = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split problems into kept and rejected; every row is in exactly one of them, in its old order.

    Kept rows have the input's columns. Suspects among them say so in their `history`; with `config.suspects: reject`
    they are rejected instead, with a detail that begins with `suspected`. Multiple choice that became an open problem
    has a new `statement` and `answer`, the same `id`, and a `history` entry whose detail is a JSON object of what both
    were. Rejected rows have the input's columns and `stage`, `reason`, `detail`. Labels that need a parser go through
    `pool`, or without one through that of the default `verify` section (`share_pool`). Only `statement` is needed.
    Raises `ColumnNotFoundError` without it, and VerifierLost where labels need a parser and none starts.
    """
    if "statement" not in problems.columns:
        raise pl.exceptions.ColumnNotFoundError("screen needs the column 'statement'; map it in the source's `columns`")
    columns = [name for name in READ if name in problems.columns]
    outcomes: list[Screened | Reject] = []
    for row in problems.select(columns).iter_rows(named=True):
        outcomes.append(screen_problem(row, config))
        advance()
    outcomes = [
        reject_suspect(outcome) if config.suspects == "reject" else outcome
        for outcome in refuse_labels(problems, outcomes, pool)
    ]
    passed = pl.Series([isinstance(outcome, Screened) for outcome in outcomes], dtype=pl.Boolean)
    kept = rewrite(problems.filter(passed), [outcome for outcome in outcomes if isinstance(outcome, Screened)])
    rejections = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    rejected = problems.filter(~passed).with_columns(
        pl.lit(STAGE, dtype=REJECT_DTYPES["stage"]).alias("stage"),
        pl.Series("reason", [str(reason) for _, reason, _ in rejections], dtype=REJECT_DTYPES["reason"]),
        pl.Series("detail", [detail for _, _, detail in rejections], dtype=REJECT_DTYPES["detail"]),
    )
    return kept, rejected


def refuse_labels(
    problems: pl.DataFrame, outcomes: list[Screened | Reject], pool: "MathPool | None"
) -> list[Screened | Reject]:
    """The outcomes after the label check of the math problems that passed every other rule.

    A label that is none, a proof or an answer to several parts is rejected; one that nothing can read is suspected, as
    an answer written the same way is still right.
    """
    from pipeline.verify.label import check_labels

    domains = problems["domain"].to_list() if "domain" in problems.columns else ["math"] * len(outcomes)
    asked = [
        (index, outcome)
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, Screened) and domains[index] != "code"
    ]
    checks = check_labels([outcome.answer or "" for _, outcome in asked], pool)
    checked = list(outcomes)
    for (index, outcome), check in zip(asked, checks, strict=True):
        if check is not True:
            detail = f"{check[1]}: {(outcome.answer or '')[:80]!r}"
            suspicion = Suspicion(Reason.UNVERIFIABLE_ANSWER, detail)
            checked[index] = (
                reject(Reason.UNVERIFIABLE_ANSWER, detail)
                if check[1] in NO_LABEL
                else replace(outcome, suspicions=(*outcome.suspicions, suspicion))
            )
    return checked


def reject_suspect(outcome: Screened | Reject) -> Screened | Reject:
    """The outcome where suspicion is enough: the first one gives the reason."""
    if isinstance(outcome, tuple) or not outcome.suspicions:
        return outcome
    first = outcome.suspicions[0]
    return reject(first.reason, f"suspected: {first.detail}")


def rewrite(kept: pl.DataFrame, screened: list[Screened]) -> pl.DataFrame:
    """Put the new statement and answer of rewritten rows in place, and what they were into their history; mark
    suspects.
    """
    suspicions = [[(row.reason, row.detail) for row in outcome.suspicions] for outcome in screened]
    if not any(row.rewritten for row in screened):
        return mark_suspects(kept, STAGE, suspicions)
    columns = [pl.Series("statement", [row.statement for row in screened], dtype=pl.String)]
    if "answer" in kept.columns:
        columns.append(pl.Series("answer", [row.answer for row in screened], dtype=pl.String))
    rewritten = kept.with_columns(columns)
    if "history" not in kept.columns:
        return rewritten
    before = kept.select(name for name in ("statement", "answer") if name in kept.columns)
    written = [json.dumps(row, ensure_ascii=False) for row in before.iter_rows(named=True)]
    notes = [("rewritten", was) if row.rewritten else None for row, was in zip(screened, written, strict=True)]
    return mark_suspects(add_history(rewritten, STAGE, notes), STAGE, suspicions)
