"""The optional second look: a model reads what the rules kept and names what they missed.

Only prompts and parsing are here; `generate` is whatever turns prompts into completions (the flow hands in the
sampling engine). The judge can only reject by saying so clearly: a missing, empty or unreadable reply keeps the row,
so a judge that fails rejects nothing. It is off by default, since a small model loses more good problems than it
finds bad ones.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import polars as pl

from pipeline.screen.outcome import Reject, reject
from schemas.problem import REJECT_DTYPES
from schemas.reasons import Reason

Generate = Callable[[list[str]], Sequence[str | None]]

PROMPT = Path(__file__).parent / "prompts" / "judge.txt"
NAMED = {
    "INCOMPLETE": Reason.INCOMPLETE,
    "PROOF": Reason.PROOF,
    "MULTI_PART": Reason.MULTI_PART,
    "FIGURE": Reason.FIGURE_DEPENDENT,
    "CHOICE": Reason.CHOICE_DEPENDENT,
    "GUESSABLE": Reason.GUESSABLE,
    "UNVERIFIABLE": Reason.UNVERIFIABLE_ANSWER,
}
VERDICT = re.compile(r"^[\s*_`>#\-]*VERDICT[\s*_`]*:[\s*_`]*([A-Z_]+)[\s*_`]*(?:[:\-–—.,(]+\s*(.*))?$", re.MULTILINE)


@lru_cache(maxsize=1)
def read_prompt() -> str:
    """The prompt's text, with the places `{statement}` and `{answer}`."""
    return PROMPT.read_text(encoding="utf-8")


def build_prompts(problems: pl.DataFrame) -> list[str]:
    """One prompt a row, in order. Braces of the statement are left alone."""
    rows = problems.select("statement", "answer").iter_rows()
    parts = re.split(r"(\{statement\}|\{answer\})", read_prompt())
    return [
        "".join({"{statement}": statement, "{answer}": label}.get(part, part) or "" for part in parts)
        for statement, label in rows
    ]


def parse_reply(reply: str | None) -> Literal[True] | Reject:
    """What a reply says: `True` to keep, or a rejection. The last verdict counts; anything unreadable keeps."""
    verdicts = list(VERDICT.finditer(reply or ""))
    if not verdicts or verdicts[-1].group(1) not in NAMED:
        return True
    why = (verdicts[-1].group(2) or "").strip()[:200]
    return reject(NAMED[verdicts[-1].group(1)], f"judged by a model: {why or 'no explanation'}")


def screen_by_judge(kept: pl.DataFrame, generate: Generate) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Put kept math rows before the judge: what stays, and what it rejects (with `stage`, `reason`, `detail`).

    `generate` takes prompts and returns one completion each, null where it failed. Raises `ValueError` if it returns
    another number of them. Code problems are not asked about.
    """
    math = pl.Series(
        [domain != "code" for domain in kept["domain"]] if "domain" in kept.columns else [True] * len(kept),
        dtype=pl.Boolean,
    )
    asked = build_prompts(kept.filter(math))
    replies = list(generate(asked)) if asked else []
    if len(replies) != len(asked):
        raise ValueError(f"the judge was asked about {len(asked)} problems and gave {len(replies)} replies")
    parsed = iter([parse_reply(reply) for reply in replies])
    outcomes: list[Literal[True] | Reject] = [next(parsed) if is_math else True for is_math in math]
    stays = pl.Series([outcome is True for outcome in outcomes], dtype=pl.Boolean)
    rejections = [outcome for outcome in outcomes if outcome is not True]
    rejected = kept.filter(~stays).with_columns(
        pl.lit("screen", dtype=REJECT_DTYPES["stage"]).alias("stage"),
        pl.Series("reason", [str(reason) for _, reason, _ in rejections], dtype=REJECT_DTYPES["reason"]),
        pl.Series("detail", [detail for _, _, detail in rejections], dtype=REJECT_DTYPES["detail"]),
    )
    return kept.filter(stays), rejected
