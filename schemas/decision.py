"""A decision: what the samples of one problem say about it."""

import dataframely as dy
import polars as pl

from schemas.reasons import KEEP, Reason


class Decision(dy.Schema):
    """One decided problem. Rates are shares of the known samples (correct + wrong); the interval is Wilson's at 90%.

    `majority_answer` is the answer that most samples share (null where none answered), `majority_share` its votes
    over `n`.
    """

    problem_id = dy.String(nullable=False)
    grading_pass = dy.Int8(nullable=False, min=1, max=2)
    n = dy.Int32(nullable=False, min=0)
    correct = dy.Int32(nullable=False, min=0)
    wrong = dy.Int32(nullable=False, min=0)
    unknown = dy.Int32(nullable=False, min=0)
    pass_rate = dy.Float64(nullable=True, min=0, max=1)
    pass_rate_low = dy.Float64(nullable=True, min=0, max=1)
    pass_rate_high = dy.Float64(nullable=True, min=0, max=1)
    majority_answer = dy.String(nullable=True)
    majority_share = dy.Float64(nullable=True, min=0, max=1)
    decision = dy.String(nullable=False, check=lambda c: c.is_in([KEEP, *(r.value for r in Reason)]))
    detail = dy.String(nullable=True)


DECISION_DTYPES: dict[str, pl.DataType] = dict(Decision.create_empty().schema)
