"""Suspects and how they were settled, for the page: what was suspected, how many were cleared, and some of each."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.run.evidence import find_decisions, find_graded
from pipeline.run.storage import RunFolder
from schemas.reasons import KEEP, Reason

LISTED = 12
"""Suspects that the page lists, those with the smallest ids first."""


@dataclass(frozen=True)
class SuspectSummary:
    """`rows`: of each suspicion how many problems were `suspected`, how many of these are now `kept`, `too_easy`,
    rejected for what was suspected (`confirmed`), or left for another reason (`other`).
    """

    rows: tuple[dict[str, Any], ...]
    listed: tuple[dict[str, Any], ...]

    @property
    def suspected(self) -> int:
        return sum(row["suspected"] for row in self.rows)


def gather_suspects(folder: RunFolder, grading_pass: int) -> SuspectSummary | None:
    """Read a pass's decisions shard by shard; None of a run that was decided before suspects were settled."""
    graded = find_graded(folder)
    tables: list[pl.DataFrame] = []
    listed: list[dict[str, Any]] = []
    for shard, name in sorted(find_decisions(folder, grading_pass).items()):
        table = folder.read_table(name, ["problem_id", "decision", "detail", "suspicion"], ("suspicion",))
        if "suspicion" not in table.columns:
            continue
        suspects = table.drop_nulls("suspicion")
        tables.append(suspects)
        picked = suspects.sort("problem_id").head(LISTED - len(listed))
        if picked.height and shard in graded:
            texts = folder.read_table(graded[shard], ["id", "statement"]).unique("id", keep="first")
            listed += picked.join(texts, left_on="problem_id", right_on="id", how="left").to_dicts()
    if not tables:
        return None
    decision = pl.col("decision")
    rows = (
        pl.concat(tables)
        .group_by("suspicion")
        .agg(
            pl.len().alias("suspected"),
            (decision == KEEP).sum().alias("kept"),
            (decision == Reason.TOO_EASY.value).sum().alias("too_easy"),
            (decision == pl.col("suspicion")).sum().alias("confirmed"),
        )
        .with_columns(other=pl.col("suspected") - pl.col("kept") - pl.col("too_easy") - pl.col("confirmed"))
        .sort("suspected", "suspicion", descending=[True, False])
    )
    return SuspectSummary(tuple(rows.to_dicts()), tuple(listed))
