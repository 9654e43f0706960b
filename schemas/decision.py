"""A decision: what the samples of one problem say about it."""

import polars as pl

from schemas.reasons import KEEP, Reason
from schemas.table import Column, TableContract, between, texts

_TEXT = pl.String()
_SHARE = Column(pl.Float64(), True, between(0, 1))
_COUNT = Column(pl.Int32(), False, between(0))
DECISION = TableContract(
    "decision",
    {
        "problem_id": Column(_TEXT, False),
        "grading_pass": Column(pl.Int8(), False, between(1, 2)),
        "n": _COUNT,
        "correct": _COUNT,
        "wrong": _COUNT,
        "unknown": _COUNT,
        "pass_rate": _SHARE,
        "pass_rate_low": _SHARE,
        "pass_rate_high": _SHARE,
        "majority_answer": Column(_TEXT),
        "majority_share": _SHARE,
        "decision": Column(_TEXT, False, texts(KEEP, *(reason.value for reason in Reason))),
        "detail": Column(_TEXT),
        "suspicion": Column(_TEXT, True, texts(*(reason.value for reason in Reason))),
        "forecast": _SHARE,
        "forecast_low": _SHARE,
        "forecast_high": _SHARE,
        "repaired_label": Column(_TEXT),
    },
)
"""One decided problem a row. Rates are shares of the known samples (correct + wrong), the interval is Wilson's at 90%.

`majority_answer` is the answer that most samples share (null where none answered), `majority_share` its votes over `n`.
`suspicion` is the reason for which a problem was suspected, by the screen or by what its samples say: settled for it
where the decision is another, and against it where it is the same. `forecast` is the rate that is expected of more
samples, given the rates of the run and what an earlier grader said, with a 90% interval: beside the evidence, and for a
problem without samples in its place. Null where nothing was learned of the run (`sampling.stop` is not `confident`).
`repaired_label` is the label by which the samples were counted, where the witnesses put it in place of the source's.
"""

ADDED_LATER = ("repaired_label",)
"""Columns that decisions of older runs lack."""

DECISION_DTYPES: dict[str, pl.DataType] = DECISION.dtypes
