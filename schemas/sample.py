"""A sample: one completion of one problem, what produced it and what the verifier said. Evidence is made of these."""

import dataframely as dy
import polars as pl

from schemas.reasons import Verdict


class Sample(dy.Schema):
    """One stored sample. Its key is (`problem_id`, `prompt`, `model`, `revision`, `params`, `index`).

    `prompt` is the hash of the text that the model saw, `params` that of the sampling parameters, `verifier` that of
    label and verifier: when only the latter changes the completion is verified again and nothing is sampled again.
    `answer_key` names the class of equivalent answers within the problem; majorities are counted over it.
    `seconds` is the time from request to completion.
    """

    problem_id = dy.String(nullable=False)
    prompt = dy.String(nullable=False)
    model = dy.String(nullable=False)
    revision = dy.String(nullable=False)
    params = dy.String(nullable=False)
    index = dy.Int32(nullable=False, min=0)
    completion = dy.String(nullable=False)
    tokens = dy.Int32(nullable=True, min=0)
    finish_reason = dy.String(nullable=True)
    answer = dy.String(nullable=True)
    answer_key = dy.String(nullable=True)
    verdict = dy.String(nullable=False, check=lambda c: c.is_in([v.value for v in Verdict]))
    verdict_detail = dy.String(nullable=True)
    verifier = dy.String(nullable=False)
    seconds = dy.Float64(nullable=True)


IMPORTED = "imported"
"""`prompt`, `revision` and `params` of a sample that was not taken here; such a problem planned what samples it has."""
SAMPLE_ROWS = "samples"
"""The stage of rejected sample rows; they are no problems and count in no funnel."""
SAMPLE_KEY = ("problem_id", "prompt", "model", "revision", "params", "index")
SAMPLE_DTYPES: dict[str, pl.DataType] = dict(Sample.create_empty().schema)
