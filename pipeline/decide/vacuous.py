"""Problems whose tests a program without work passes: rejected by the audit that the stage `code_tests` left."""

import polars as pl

from schemas.audit import AUDIT_PATH
from schemas.reasons import Reason


def reject_vacuous(decisions: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """`decisions` with those as `vacuous_tests` whose audit in `extra` (`schemas.audit`) names an attack that passes
    every test, whatever samples say. Problems without an audit stay as they are.
    """
    passing = (
        problems.lazy()
        .unique("id", keep="first")
        .select(
            problem_id="id",
            attack=pl.col("extra").str.json_path_match(f"{AUDIT_PATH}.strongest_attack"),
            share=pl.col("extra").str.json_path_match(f"{AUDIT_PATH}.strongest_share").cast(pl.Float64, strict=False),
        )
        .filter(pl.col("share") >= 1)
        .collect()
    )
    if passing.is_empty():
        return decisions
    joined = decisions.join(passing, on="problem_id", how="left", maintain_order="left")
    vacuous = pl.col("attack").is_not_null()
    why = pl.format("a program that {} passes every test", "attack")
    return joined.with_columns(
        pl.when(vacuous).then(pl.lit(Reason.VACUOUS_TESTS.value)).otherwise("decision").alias("decision"),
        pl.when(vacuous).then(why).otherwise("detail").alias("detail"),
    ).select(decisions.columns)
