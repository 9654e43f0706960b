"""Suspects: problems that a rule doubts without knowing, marked in their history until their samples settle them."""

from collections.abc import Sequence

import polars as pl

from schemas.problem import add_history
from schemas.reasons import Reason

SUSPECTED = "suspected"
"""The action of a history entry that marks a suspect; its detail is `REASON: what was seen`."""
SUSPICION_DTYPES: dict[str, pl.DataType] = {
    "problem_id": pl.String(),
    "suspicion": pl.String(),
    "seen": pl.String(),
    "unreadable": pl.Boolean(),
}
"""A suspect: its first suspicion's reason, what was seen, and whether nothing can read its label."""


def mark_suspects(
    problems: pl.DataFrame, stage: str, suspicions: Sequence[Sequence[tuple[Reason, str]]]
) -> pl.DataFrame:
    """The problems with an entry in `history` for each suspicion (reason, detail); tables without history stay."""
    if "history" not in problems.columns:
        return problems
    for at in range(max(map(len, suspicions), default=0)):
        notes = [(SUSPECTED, f"{rows[at][0].value}: {rows[at][1]}") if at < len(rows) else None for rows in suspicions]
        problems = add_history(problems, stage, notes)
    return problems


def find_suspects(problems: pl.DataFrame) -> pl.DataFrame:
    """The suspects among `problems` (`id`, `history`), a row each (`SUSPICION_DTYPES`); none where history is absent,
    as in tables of runs that were made before there were suspects.
    """
    if "history" not in problems.columns:
        return pl.DataFrame(schema=SUSPICION_DTYPES)
    entry = pl.col("history").struct
    marks = (
        problems.lazy()
        .select(pl.col("id").alias("problem_id"), "history")
        .explode("history", empty_as_null=True, keep_nulls=True)
        .filter(entry.field("action") == SUSPECTED)
        .select("problem_id", detail=entry.field("detail"))
        .with_columns(
            suspicion=pl.col("detail").str.extract(r"^(\w+): ", 1),
            seen=pl.col("detail").str.replace(r"^\w+: ", ""),
        )
        .filter(pl.col("suspicion").is_in([reason.value for reason in Reason]))
    )
    return (
        marks.group_by("problem_id", maintain_order=True)
        .agg(
            pl.col("suspicion").first(),
            pl.col("seen").first(),
            (pl.col("suspicion") == Reason.UNVERIFIABLE_ANSWER.value).any().alias("unreadable"),
        )
        .collect()
        .select(pl.col(name).cast(dtype) for name, dtype in SUSPICION_DTYPES.items())
    )
