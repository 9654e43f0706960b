"""A sample: one completion of one problem, what produced it and what the verifier said. Evidence is made of these."""

import polars as pl

from schemas.reasons import Verdict
from schemas.table import Column, TableContract, between, texts

_TEXT = pl.String()
SAMPLE = TableContract(
    "sample",
    {
        "problem_id": Column(_TEXT, False),
        "prompt": Column(_TEXT, False),
        "model": Column(_TEXT, False),
        "revision": Column(_TEXT, False),
        "params": Column(_TEXT, False),
        "index": Column(pl.Int32(), False, between(0)),
        "completion": Column(_TEXT, False),
        "tokens": Column(pl.Int32(), True, between(0)),
        "finish_reason": Column(_TEXT),
        "answer": Column(_TEXT),
        "answer_key": Column(_TEXT),
        "verdict": Column(_TEXT, False, texts(*(verdict.value for verdict in Verdict))),
        "verdict_detail": Column(_TEXT),
        "verifier": Column(_TEXT, False),
        "seconds": Column(pl.Float64()),
        "says_missing": Column(pl.Boolean()),
        "grading_pass": Column(pl.Int8(), True, between(1, 2)),
        "token_ids": Column(pl.List(pl.Int32())),
    },
)
"""One stored sample a row. Its key is (`problem_id`, `prompt`, `model`, `revision`, `params`, `index`).

`prompt` is the hash of the text that the model saw, `params` that of the sampling parameters, `verifier` that of label
and verifier: when only the latter changes the completion is verified again and nothing is sampled again. `answer_key`
names the class of equivalent answers within the problem; majorities are counted over it. `seconds` is the time from
request to completion. `says_missing`: whether the completion says that its problem lacks something; null where nobody
looked: a program, or a sample that was judged before there was the column. `grading_pass`: the pass of the run that it
was taken for; null where it was taken elsewhere, or before there was the column. `token_ids`: the tokens of a
`FIRST_STEP`, and null otherwise.
"""

CUT = "length"
"""`finish_reason` of a completion whose tokens were used up, as vLLM and OpenAI's servers name it."""
FIRST_STEP = "first_step"
"""`finish_reason` of a sample that was cut at `sampling.first_tokens`: part of a completion, whose outcome is open. It
counts nowhere until it is continued, under the same key; its verdict is `unknown`.
"""

IMPORTED = "imported"
"""`prompt`, `revision` and `params` of a sample that was not taken here; such a problem planned what samples it has."""
SAMPLE_ROWS = "samples"
"""The stage of rejected sample rows; they are no problems and count in no funnel."""
SAMPLE_KEY = ("problem_id", "prompt", "model", "revision", "params", "index")
ADDED_LATER = ("says_missing", "grading_pass", "token_ids")
"""Columns that samples of older runs lack; they are null then."""
SAMPLE_DTYPES: dict[str, pl.DataType] = SAMPLE.dtypes
