"""What a published row says of its label: repaired or the source's, every witness, and every grader's pass rate."""

from collections import Counter
from typing import Any

import polars as pl

from pipeline.decide.decide import rate_interval
from pipeline.run.evidence import find_graded
from pipeline.run.layout import LABELS, WITNESSES, labels_name, rates_name, shard_of
from pipeline.run.storage import RunFolder
from schemas.label import LABEL_DTYPES, RATE_DTYPES, WITNESS, LabelOutcome

STAGE = "labels"
_TEXT = pl.String()
_INTERVAL = ("pass_rate", "pass_rate_low", "pass_rate_high")
_GRADER = {name: RATE_DTYPES[name] for name in ("model", "revision", "n", "correct")} | dict.fromkeys(
    _INTERVAL, pl.Float64()
)
EVIDENCE_DTYPES: dict[str, pl.DataType] = {
    "answer_origin": _TEXT,
    "previous_answer": _TEXT,
    "label_posterior": pl.Float64(),
    "witnesses": pl.List(WITNESS),
    "graders": pl.List(pl.Struct(_GRADER)),
}
"""`answer_origin` is `source` or `repaired`, with the source's label in `previous_answer`. `label_posterior` is the
probability of `answer` by the witnesses, `graders` the pass rate by every grader that was ever asked, with its Wilson
interval at 90%.
"""


def read_labels(folder: RunFolder, shard: str) -> pl.DataFrame:
    """What the witnesses said in a shard; empty where it was decided by a version that heard none."""
    return _read(folder, labels_name(shard), LABEL_DTYPES)


def read_rates(folder: RunFolder, shard: str) -> pl.DataFrame:
    """Every grader's rates in a shard; empty where it was decided by a version that kept none."""
    return _read(folder, rates_name(shard), RATE_DTYPES)


def count_outcomes(folder: RunFolder) -> dict[str, Any] | None:
    """What became of the labels of a run, for its manifest; None where it was decided by a version without witnesses.

    `outcomes`: outcome -> labels. `clashes`: labels whose copies have other ones. `apart`: clashing copies that are two
    problems.
    """
    if not folder.exists(WITNESSES):
        return None
    graded = find_graded(folder)
    outcomes: Counter[str] = Counter()
    clashes = 0
    for name in folder.list(LABELS):
        if shard_of(name) in graded:
            table = folder.read_table(name, ["outcome", "clash"])
            outcomes.update(dict(table["outcome"].value_counts().iter_rows()))
            clashes += int(table["clash"].sum())
    apart = {frozenset(pair) for pair in folder.read_json(WITNESSES).get("apart", ())}
    return {
        "outcomes": {outcome.value: outcomes[outcome.value] for outcome in LabelOutcome},
        "clashes": clashes,
        "apart": len(apart),
    }


def _read(folder: RunFolder, name: str, dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
    return folder.read_table(name) if folder.exists(name) else pl.DataFrame(schema=dtypes)


def add_evidence(problems: pl.DataFrame, labels: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """The problems under the labels that hold, with `EVIDENCE_DTYPES` and `repair`: what was repaired and why, or
    null.
    """
    repaired = pl.col("outcome") == LabelOutcome.REPAIRED
    evidence = labels.select(
        "problem_id",
        "outcome",
        "detail",
        "witnesses",
        repaired=pl.when(repaired).then("answer"),
        label_posterior=pl.when(repaired).then("posterior").otherwise("label_posterior"),
    )
    known = pl.col("correct") + pl.col("wrong")
    rates = rates.with_columns(rate_interval(pl.col("correct"), known))
    graders = rates.group_by("problem_id", maintain_order=True).agg(graders=pl.struct(*_GRADER))
    joined = problems.join(evidence, left_on="id", right_on="problem_id", how="left", maintain_order="left").join(
        graders, left_on="id", right_on="problem_id", how="left", maintain_order="left"
    )
    was_repaired = pl.col("repaired").is_not_null()
    origin = pl.when(was_repaired).then(pl.lit(LabelOutcome.REPAIRED.value)).otherwise(pl.lit("source"))
    return joined.with_columns(
        answer_origin=pl.when(pl.col("answer").is_not_null()).then(origin),
        previous_answer=pl.when(was_repaired).then("answer"),
        answer=pl.coalesce("repaired", "answer"),
        repair=pl.when(was_repaired).then("detail"),
    ).select(*problems.columns, "repair", *(pl.col(name).cast(dtype) for name, dtype in EVIDENCE_DTYPES.items()))
