"""The audit of the reward, for the page: what the tests of kept code problems let pass, and labels that are guessed."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.run.layout import CURATED, REJECTED
from pipeline.run.storage import RunFolder
from schemas.audit import AUDIT_COLUMN
from schemas.reasons import Reason

LISTED = 12
"""Problems that the page lists: those of the strongest attacks, and those that were rejected."""


@dataclass(frozen=True)
class AuditSummary:
    """`audited` and `unaudited` kept code problems; of mutants and wrong submissions (killed, all); `weakest`: those
    whose tests an attack passes most of; `vacuous`: those rejected for it.
    """

    audited: int
    unaudited: int
    mutants: tuple[int, int]
    wrong: tuple[int, int]
    weakest: tuple[dict[str, Any], ...]
    vacuous: tuple[dict[str, Any], ...]
    rejected: int


def gather_audit(folder: RunFolder) -> AuditSummary:
    """Read curated/ and rejected/ shard by shard."""
    audited = unaudited = 0
    sums = [0, 0, 0, 0]
    weakest: list[dict[str, Any]] = []
    fields = ("mutants_killed", "mutants", "wrong_killed", "wrong")
    for _, table in folder.read_tables(CURATED):
        code = table.filter(pl.col("domain") == "code")
        if code.is_empty() or AUDIT_COLUMN not in table.columns:
            unaudited += code.height
            continue
        rows = code.select("id", "statement", AUDIT_COLUMN).drop_nulls(AUDIT_COLUMN).unnest(AUDIT_COLUMN)
        audited += rows.height
        unaudited += code.height - rows.height
        sums = [total + int(rows[name].sum() or 0) for total, name in zip(sums, fields, strict=True)]
        weakest += rows.sort("strongest_share", "id", descending=[True, False]).head(LISTED).to_dicts()
        weakest = sorted(weakest, key=lambda row: (-(row["strongest_share"] or 0), row["id"]))[:LISTED]
    vacuous: list[dict[str, Any]] = []
    rejected = 0
    for _, table in folder.read_tables(REJECTED):
        rows = table.filter(pl.col("reason") == Reason.VACUOUS_TESTS.value)
        if rows.is_empty():
            continue
        rejected += rows.height
        vacuous += rows.sort("id").head(LISTED - len(vacuous)).select("id", "statement", "detail").to_dicts()
    return AuditSummary(
        audited, unaudited, (sums[0], sums[1]), (sums[2], sums[3]), tuple(weakest), tuple(vacuous), rejected
    )
