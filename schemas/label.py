"""What the witnesses said of a problem's label, and what follows: kept, repaired, contradicted or undetermined."""

from enum import StrEnum

import polars as pl

from schemas.table import Column, TableContract, between, texts


class LabelOutcome(StrEnum):
    """What becomes of a label once every witness is heard."""

    KEPT = "kept"
    REPAIRED = "repaired"
    CONTRADICTED = "contradicted"
    UNDETERMINED = "undetermined"


_TEXT = pl.String()
_SHARE = Column(pl.Float64(), True, between(0, 1))
WITNESS = pl.Struct(
    {
        "kind": _TEXT,
        "witness": _TEXT,
        "answer": _TEXT,
        "for_label": pl.Boolean(),
        "share": pl.Float64(),
        "n": pl.Int32(),
        "reliability": pl.Float64(),
    }
)
"""One answer of one witness. `share`: of its samples, where it is a grader, which gave `n` with an answer.
`reliability`: how often this witness is right in the run, as learned from all witnesses.
"""
LABEL = TableContract(
    "label",
    {
        "problem_id": Column(_TEXT, False),
        "outcome": Column(_TEXT, False, texts(*(outcome.value for outcome in LabelOutcome))),
        "label": Column(_TEXT),
        "label_posterior": _SHARE,
        "answer": Column(_TEXT),
        "answer_class": Column(_TEXT),
        "posterior": _SHARE,
        "backing": Column(pl.List(_TEXT), False),
        "independent": Column(pl.Int32(), False, between(0)),
        "clash": Column(pl.Boolean(), False),
        "witnesses": Column(pl.List(WITNESS), False),
        "detail": Column(_TEXT),
    },
)
"""One math problem a row. `answer` is the answer that is held best, `posterior` its probability, `backing` the
independent kinds of witnesses that gave it. `answer_class` is its `answer_key` among the samples; empty where it is the
label's. `independent` counts the kinds of witnesses beside the label, `clash` says that copies of the problem carry
other labels.
"""
LABEL_DTYPES: dict[str, pl.DataType] = LABEL.dtypes

RATE = TableContract(
    "rate",
    {
        "problem_id": Column(_TEXT, False),
        "model": Column(_TEXT, False),
        "revision": Column(_TEXT, False),
        "prompt": Column(_TEXT, False),
        "params": Column(_TEXT, False),
        "n": Column(pl.Int32(), False, between(0)),
        "correct": Column(pl.Int32(), False, between(0)),
        "wrong": Column(pl.Int32(), False, between(0)),
        "unknown": Column(pl.Int32(), False, between(0)),
        "pass_rate": _SHARE,
    },
)
"""The pass rate of one grader on one problem, by the label that holds: one model in one revision, under one prompt and
one set of sampling parameters. Null where no sample has a verdict.
"""
RATE_DTYPES: dict[str, pl.DataType] = RATE.dtypes
