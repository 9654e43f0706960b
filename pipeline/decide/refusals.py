"""Problems whose prompt the grader does not take: rejected as that, instead of left open for ever."""

import polars as pl

from schemas.reasons import Reason


def reject_refused(decisions: pl.DataFrame, refusals: pl.DataFrame) -> pl.DataFrame:
    """`decisions` with the undetermined ones of `refusals` (REFUSAL_DTYPES) rejected under the refusal's reason.

    What the samples of an earlier grading settle stays as it is: a prompt was taken then.
    """
    if refusals.is_empty():
        return decisions
    refused = refusals.select("problem_id", pl.col("reason").alias("refusal"), pl.col("detail").alias("refused_as"))
    joined = decisions.join(refused, on="problem_id", how="left", maintain_order="left")
    applies = pl.col("refusal").is_not_null() & (pl.col("decision") == Reason.UNDETERMINED)
    return joined.with_columns(
        pl.when(applies).then("refusal").otherwise("decision").alias("decision"),
        pl.when(applies).then("refused_as").otherwise("detail").alias("detail"),
    ).select(decisions.columns)
