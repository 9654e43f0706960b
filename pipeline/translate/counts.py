"""What came of translating, counted; read without the check and its libraries."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

STAGE = "translate"


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of it. `tried` = `passed` + `left` (in English) + `unknown` (every request failed: pending)."""

    tried: int = 0
    passed: int = 0
    left: int = 0
    unknown: int = 0
    languages: Mapping[str, int] = field(default_factory=dict)
    """Language -> how many passed."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """What the check found wrong (language, formula, number, ...) -> in how many replies, retries among them."""
    by: Mapping[str, int] = field(default_factory=dict)
    """Who was to translate -> how many; empty for a run that was made before this was written down."""
    advice: str = ""
    """What to do so that those that are unknown are translated; empty where running again is all."""


def count_translations(problems: pl.DataFrame) -> int:
    """How many of the rows are translations made here. Reads `history` and `parent_id`."""
    step = pl.element().struct
    made = (step.field("stage") == STAGE) & step.field("detail").str.starts_with("from ")
    mine = problems.filter(pl.col("parent_id").is_not_null())
    return int(
        mine.select(pl.col("history").list.eval(made & (step.field("action") == "translated")).list.any()).sum().item()
        or 0
    )


def add_counts(parts: Iterable[Counts]) -> Counts:
    """The counts of shards together."""
    parts = list(parts)
    languages: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    by: Counter[str] = Counter()
    for part in parts:
        languages.update(part.languages)
        refused.update(part.refused)
        by.update(part.by)
    return Counts(
        tried=sum(part.tried for part in parts),
        passed=sum(part.passed for part in parts),
        left=sum(part.left for part in parts),
        unknown=sum(part.unknown for part in parts),
        languages=dict(sorted(languages.items())),
        refused=dict(refused.most_common()),
        by=dict(by.most_common()),
        advice=next((part.advice for part in parts if part.advice), ""),
    )
