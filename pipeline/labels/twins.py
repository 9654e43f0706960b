"""Whether two copies under different labels are two problems after all, by the samples of both.

One model that is shown one problem in two wordings gives the same answers to both. So where it gives the first label to
the first statement, the second label to the second, and hardly ever the other one's, the statements ask for different
things, and neither label says anything of the other problem.
"""

import polars as pl

from pipeline.labels.gather import DUPLICATE, GRADER
from schemas.problem import CLASH

TWIN_DTYPES: dict[str, pl.DataType] = {
    "problem_id": pl.String(),
    "twin": pl.String(),
    "grader": pl.String(),
    "own": pl.Float64(),
    "other": pl.Float64(),
}
"""A problem, a copy of it that stays in the set under another label, and how many samples of a grader give the
problem's own label (`own`) and the copy's (`other`)."""
CHANCE = 0.01
"""Two statements are told apart when samples of one problem would part so clearly by chance in fewer than this: five
samples of each, or sixteen of the one and two of the other."""

Apart = frozenset[tuple[str, str]]
"""Pairs (problem, copy) that are two problems, each in both orders."""


def list_twins(problems: pl.DataFrame) -> pl.DataFrame:
    """`problem_id`, `twin` and the twin's `answer`, for every copy that stays in the set under another label."""
    candidate = pl.col("label_candidates").struct
    return (
        problems.select(pl.col("id").alias("problem_id"), "label_candidates")
        .explode("label_candidates")
        .filter(candidate.field("origin") == CLASH)
        .select("problem_id", twin=candidate.field("problem_id"), answer=candidate.field("answer"))
    )


def count_twins(problems: pl.DataFrame, votes: pl.DataFrame) -> pl.DataFrame:
    """The counts of a shard (`TWIN_DTYPES`), of its problems and the votes about them (`gather_votes`)."""
    copies = votes.filter((pl.col("kind") == DUPLICATE) & (pl.col("class") != "")).select(
        "problem_id", "answer", "class"
    )
    pairs = list_twins(problems).join(copies.unique(), on=("problem_id", "answer"))
    given = votes.filter(pl.col("kind").str.starts_with(GRADER)).select(
        "problem_id", "class", grader="witness", samples=pl.col("share") * pl.col("n")
    )
    own = given.filter(pl.col("class") == "").select("problem_id", "grader", own="samples")
    return (
        pairs.join(given.select("problem_id", "grader").unique(), on="problem_id")
        .join(own, on=("problem_id", "grader"), how="left")
        .join(given.rename({"samples": "other"}), on=("problem_id", "grader", "class"), how="left")
        .with_columns(pl.col("own", "other").fill_null(0.0))
        .select(pl.col(name).cast(dtype) for name, dtype in TWIN_DTYPES.items())
    )


def find_apart(counts: pl.DataFrame) -> Apart:
    """The pairs that one grader tells apart: Fisher's exact test on the samples that give either label."""
    turned = counts.rename({"problem_id": "twin", "twin": "problem_id", "own": "twin_own", "other": "twin_other"})
    pairs = counts.join(turned, on=("problem_id", "twin", "grader")).filter(
        (pl.col("own") > pl.col("other")) & (pl.col("twin_own") > pl.col("twin_other"))
    )
    own, other, twin_own, twin_other = (
        pairs[name].round().to_numpy() for name in ("own", "other", "twin_own", "twin_other")
    )
    if pairs.is_empty():
        return frozenset()
    # Loading it takes a second, and few runs have such pairs.
    from scipy.stats import hypergeom

    chance = hypergeom.sf(own - 1, own + other + twin_own + twin_other, own + twin_other, own + other)
    return frozenset(
        pairs.filter(pl.Series(chance <= CHANCE, dtype=pl.Boolean)).select("problem_id", "twin").iter_rows()
    )
