"""Two judgements of the same problems side by side: two passes, or two runs. Problems are matched by their id."""

from collections import Counter
from dataclasses import dataclass

import polars as pl

from pipeline.publish.view.index import GRADES, Index, read_grades
from pipeline.run.storage import RunFolder
from schemas.reasons import KEEP

CELLS = 16
ABSENT = "absent"
"""The outcome of a problem that one side does not have."""
MOVED = ("changed", "all", "easier", "harder")
"""Which problems a comparison lists: those of another outcome, all, those with a higher or a lower pass rate."""


@dataclass(frozen=True)
class Comparison:
    """`rows`, one for each problem of either side, by id: `outcome` and the `GRADES` of the left side, and the same
    with `_right`. The rest is counted from them.
    """

    rows: pl.DataFrame
    moves: tuple[tuple[str, str, int], ...]
    """(left outcome, right outcome, problems), most first."""
    grid: Counter[tuple[int, int]]
    """Problems by (sixteenths correct on the left, on the right), where both have a pass rate."""
    means: tuple[float, float]
    """Mean pass rates of the problems in `grid`."""

    @property
    def changed(self) -> int:
        return sum(problems for left, right, problems in self.moves if left != right)


def read_outcomes(index: Index) -> pl.DataFrame:
    """Where each problem of a run ended. Of several rows with one id the one that went furthest speaks for it."""
    kept, graded = pl.col("outcome").cast(pl.String) == KEEP, pl.col("bin").is_not_null()
    far = pl.when(kept).then(0).when(graded).then(1).otherwise(2).cast(pl.Int8)
    chosen = index.rows.lazy().sort("id", far, "place").unique("id", keep="first", maintain_order=True)
    return chosen.select("id", pl.col("outcome").cast(pl.String), *GRADES).collect()


def read_decisions(folder: RunFolder, grading_pass: int) -> pl.DataFrame:
    """What one pass decided of each problem that it graded."""
    return read_grades(folder, grading_pass, ("decision", *GRADES)).rename({"decision": "outcome"})


def compare_sides(left: pl.DataFrame, right: pl.DataFrame) -> Comparison:
    """Match the problems of two sides, each `id`, `outcome` and `GRADES` with every id once."""
    rows = (
        left.lazy()
        .join(right.lazy(), on="id", how="full", coalesce=True)
        .with_columns(pl.col("outcome", "outcome_right").fill_null(ABSENT).cast(pl.Categorical()))
        .sort("id")
        .collect()
    )
    moves = (
        rows.group_by("outcome", "outcome_right").len().with_columns(pl.col("outcome", "outcome_right").cast(pl.String))
    )
    rated = rows.drop_nulls(["pass_rate", "pass_rate_right"]).select("pass_rate", "pass_rate_right")
    cells = rated.select((pl.all() * CELLS).round().cast(pl.Int32)).group_by(pl.all()).len()
    means = rated.select(pl.all().cast(pl.Float64).mean().fill_null(0.0)).row(0)
    return Comparison(
        rows,
        tuple(sorted(moves.iter_rows(), key=lambda move: (-move[2], move[0], move[1]))),
        Counter({(before, after): problems for before, after, problems in cells.iter_rows()}),
        (float(means[0]), float(means[1])),
    )


def list_moved(comparison: Comparison, moved: str, before: str = "", after: str = "") -> pl.DataFrame:
    """The problems that moved as asked (`MOVED`), and from outcome `before` to `after` where these are given, by id."""
    rows = comparison.rows.lazy()
    gain = pl.col("pass_rate_right") - pl.col("pass_rate")
    asked = {"changed": pl.col("outcome") != pl.col("outcome_right"), "easier": gain > 0, "harder": gain < 0}
    if moved in asked:
        rows = rows.filter(asked[moved])
    if before:
        rows = rows.filter(pl.col("outcome") == before)
    if after:
        rows = rows.filter(pl.col("outcome_right") == after)
    return rows.collect()
