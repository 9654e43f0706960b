"""What the witnesses say of labels, put into decisions: repaired labels are counted again, doubtful ones rejected."""

from dataclasses import replace

import polars as pl

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from schemas.config import Config
from schemas.label import RATE_DTYPES, LabelOutcome
from schemas.reasons import KEEP, Reason, Verdict

SETTLED = (KEEP, Reason.TOO_EASY, Reason.NEVER_SOLVED, Reason.LABEL_CONTRADICTED)
"""Decisions that rest on the label; the others stand, whatever the label is."""


def decide_with_labels(
    samples: pl.DataFrame, problems: pl.DataFrame, labels: pl.DataFrame, config: Config, grading_pass: int = 1
) -> pl.DataFrame:
    """`decide_samples` under the labels that the witnesses leave (`judge_labels`).

    A repaired label's pass rate is the share of samples in its class. A label that the witnesses hold up is not
    contradicted by one grader's majority. What they contradict or cannot determine is rejected as that.
    """

    def decide(counted: pl.DataFrame, chosen: pl.DataFrame, alone: bool = True) -> pl.DataFrame:
        decide = config.decide if alone else config.decide.model_copy(update={"contradiction_share": 1.0})
        rules = replace(Rules.of(config), decide=decide)
        return decide_samples(counted, chosen, config.sampling.planned, rules, grading_pass)

    decisions = decide(swap_labels(samples, labels), problems)
    held = labels.filter((pl.col("outcome") == LabelOutcome.KEPT) & (pl.col("independent") > 1)).select("problem_id")
    upheld = decisions.filter(pl.col("decision") == Reason.LABEL_CONTRADICTED).join(held, on="problem_id", how="semi")
    if upheld.height:
        # The rates of a run are learned from all of its problems.
        everyone = config.sampling.stop == "confident"
        again = problems if everyone else problems.join(upheld, left_on="id", right_on="problem_id", how="semi")
        alone = decide(samples, again, alone=False).join(upheld, on="problem_id", how="semi")
        decisions = decisions.update(alone, on="problem_id", how="left")
    reasons = {
        LabelOutcome.CONTRADICTED.value: Reason.LABEL_CONTRADICTED.value,
        LabelOutcome.UNDETERMINED.value: Reason.UNDETERMINED.value,
    }
    ruled = labels.select(
        "problem_id",
        reason=pl.col("outcome").replace_strict(reasons, default=None, return_dtype=pl.String),
        said="detail",
        repaired_label=pl.when(pl.col("outcome") == LabelOutcome.REPAIRED).then("answer"),
    )
    joined = decisions.drop("repaired_label").join(ruled, on="problem_id", how="left", maintain_order="left")
    overruled = pl.col("reason").is_not_null() & pl.col("decision").is_in([str(word) for word in SETTLED])
    return joined.with_columns(
        pl.when(overruled).then("reason").otherwise("decision").alias("decision"),
        pl.when(overruled).then(pl.format("{}; {}", "said", "detail")).otherwise("detail").alias("detail"),
    ).select(decisions.columns)


def settle_outcomes(labels: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The outcomes with those labels as contradicted that one grader's samples contradict by their counts."""
    counted = decisions.filter(pl.col("decision") == Reason.LABEL_CONTRADICTED)["problem_id"].implode()
    contradicted = (pl.col("outcome") == LabelOutcome.KEPT) & pl.col("problem_id").is_in(counted)
    outcome = pl.when(contradicted).then(pl.lit(LabelOutcome.CONTRADICTED.value)).otherwise("outcome")
    return labels.with_columns(outcome.alias("outcome"))


def swap_labels(samples: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The samples with verdicts by the repaired labels: correct where the answer is in the class that holds now."""
    repaired = labels.filter(pl.col("outcome") == LabelOutcome.REPAIRED).select("problem_id", "answer_class")
    if repaired.is_empty():
        return samples
    known = pl.col("answer_class").is_not_null() & (pl.col("verdict") != Verdict.UNKNOWN)
    holds = (pl.col("answer_key") == pl.col("answer_class")) & (pl.col("verdict") == Verdict.WRONG)
    verdict = pl.when(holds).then(pl.lit(Verdict.CORRECT.value)).otherwise(pl.lit(Verdict.WRONG.value))
    return (
        samples.join(repaired, on="problem_id", how="left", maintain_order="left")
        .with_columns(pl.when(known).then(verdict).otherwise("verdict").alias("verdict"))
        .drop("answer_class")
    )


def count_rates(samples: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The pass rate of every grader that was ever asked, by problem: what is published as rates/.

    A grader is a model in a revision, under its prompt and sampling parameters. `samples` has the columns of the key
    and `answer_key`, `verdict`. Rates are by the label that the witnesses leave.
    """
    grader = ("problem_id", "model", "revision", "prompt", "params")
    correct, known = pl.col("verdict") == Verdict.CORRECT, pl.col("verdict") != Verdict.UNKNOWN
    return (
        swap_labels(samples, labels)
        .group_by(grader)
        .agg(
            pl.len().cast(pl.Int32).alias("n"),
            correct.sum().cast(pl.Int32).alias("correct"),
            (known & ~correct).sum().cast(pl.Int32).alias("wrong"),
            (~known).sum().cast(pl.Int32).alias("unknown"),
        )
        .with_columns(pass_rate=pl.col("correct") / (pl.col("correct") + pl.col("wrong")))
        .with_columns(pl.col("pass_rate").fill_nan(None))
        .sort(grader)
        .select(pl.col(name).cast(dtype) for name, dtype in RATE_DTYPES.items())
    )
