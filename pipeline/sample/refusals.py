"""Which refused prompts are their problem's own doing."""

from collections.abc import Mapping

import polars as pl

from pipeline.inference.engine import PromptRefused
from schemas.reasons import Reason
from schemas.refusal import REFUSAL_DTYPES


def name_refusals(refused: Mapping[str, PromptRefused], answers: bool) -> pl.DataFrame:
    """The refusals (REFUSAL_DTYPES) that speak of their problem, of those of an engine, by problem.

    That a prompt is too long is its own. Any other refusal is so only where the engine `answers` other prompts: a
    parameter that a server does not know, or a missing chat template, fails them all.
    """
    rows = [
        (id_, (Reason.PROMPT_TOO_LONG if refusal.too_long else Reason.PROMPT_REFUSED).value, str(refusal))
        for id_, refusal in refused.items()
        if refusal.too_long or answers
    ]
    return pl.DataFrame(rows, schema=REFUSAL_DTYPES, orient="row")
