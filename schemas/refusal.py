"""A refusal: a problem whose prompt the grader does not take, however often it is asked."""

import polars as pl

REFUSAL_DTYPES: dict[str, pl.DataType] = {
    "problem_id": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
}
"""One problem a row. `reason` is `prompt_too_long` or `prompt_refused`, `detail` what the engine or the servers say."""
