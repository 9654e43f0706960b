"""The table of a curriculum, curriculum.parquet: a row a problem, with all that its place rests on."""

import polars as pl

from pipeline.publish.curriculum.plan import PLAN_DTYPES
from pipeline.publish.shards import CURATED_DTYPES

NAME = "curriculum"
FILE = f"{NAME}.parquet"
_TEXT = pl.String()
_RATE = pl.Float64()
FROM_CURATED = (
    "id",
    "source",
    "domain",
    "language",
    "topic",
    "n",
    "correct",
    "pass_rate",
    "pass_rate_low",
    "pass_rate_high",
    "graders",
)
RECENT_DTYPES: dict[str, pl.DataType] = {
    "recent_n": pl.Int64(),
    "recent_correct": pl.Int64(),
    "recent_rate": _RATE,
    "recent_low": _RATE,
    "recent_high": _RATE,
    "last_step": pl.Int64(),
}
"""What a trainer's own rollouts say of the problem; null before `goldilocks reband` has read any."""
TABLE_DTYPES: dict[str, pl.DataType] = {
    **{name: CURATED_DTYPES[name] for name in FROM_CURATED},
    "split": _TEXT,
    "rate": _RATE,
    "graded_band": _TEXT,
    **PLAN_DTYPES,
    "left_out": _TEXT,
    **RECENT_DTYPES,
    "statement": _TEXT,
    "prompt": _TEXT,
}
"""`rate` is the pass rate by `curriculum.grader`, `graded_band` its band and `band` the one of today; `left_out` says
why a problem has no position. `prompt` is what the user says in it, by which rollouts are recognised.
"""
