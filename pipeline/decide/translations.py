"""Translations beside what they were translated from: one that is solved much less often has lost something."""

import polars as pl

from schemas.config import DecideConfig
from schemas.reasons import KEEP, Reason


def match_translations(decisions: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """Turn a kept translation into `translation_failed` where its pass rate is not about its original's.

    About means that their 90% intervals overlap. `problems` has id, language and parent_id, originals among them; a
    copy for another programming language has its parent's language and is none. Where one side has no pass rate
    no problem is rejected.
    """
    rates = ["pass_rate", "pass_rate_low", "pass_rate_high"]
    pairs = _pair_translations(problems)
    originals = decisions.select("problem_id", *rates).rename({name: f"{name}_of" for name in rates})
    joined = decisions.join(pairs, on="problem_id", how="left", maintain_order="left").join(
        originals, left_on="original", right_on="problem_id", how="left", maintain_order="left"
    )
    apart = (pl.col("pass_rate_low") > pl.col("pass_rate_high_of")) | (
        pl.col("pass_rate_high") < pl.col("pass_rate_low_of")
    )
    failed = apart.fill_null(False) & (pl.col("decision") == KEEP)
    rates_of_both = pl.format(
        "pass rate {}, and {} of the original {}",
        pl.col("pass_rate").round(2),
        pl.col("pass_rate_of").round(2),
        "original",
    )
    return joined.with_columns(
        pl.when(failed).then(pl.lit(Reason.TRANSLATION_FAILED.value)).otherwise("decision").alias("decision"),
        pl.when(failed).then(rates_of_both).otherwise("detail").alias("detail"),
    ).select(decisions.columns)


def find_paired(problems: pl.DataFrame, decide: DecideConfig) -> set[str]:
    """The ids of those translations and originals whose pass rates `match_translations` compares, so that each
    decision rests on all samples of both; none where translations are kept by their own.
    """
    if decide.translations != "match" or not {"language", "parent_id"} <= set(problems.columns):
        return set()
    pairs = _pair_translations(problems)
    return {*pairs["problem_id"], *pairs["original"]}


def _pair_translations(problems: pl.DataFrame) -> pl.DataFrame:
    return (
        problems.filter(pl.col("parent_id").is_not_null())
        .join(problems, left_on="parent_id", right_on="id", suffix="_of")
        .filter(pl.col("language") != pl.col("language_of"))
        .select(problem_id="id", original="parent_id")
    )
