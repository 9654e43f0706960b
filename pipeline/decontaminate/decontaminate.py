"""The stage: problems against the benchmarks that the config names."""

import polars as pl

from pipeline.decontaminate.index import Index, build_index
from pipeline.decontaminate.items import read_items, read_problem
from pipeline.decontaminate.match import Match, find_match
from schemas.config import DecontaminateConfig
from schemas.problem import REJECT_DTYPES, add_history
from schemas.reasons import Reason

STAGE = "decontaminate"


def open_index(config: DecontaminateConfig) -> Index:
    """Read the benchmarks and index them; the index of the same items is built once in a process.

    Raises InputError for no benchmark, an unknown preset, and a set or column that is not there.
    """
    return build_index(read_items(config.benchmarks))


def decontaminate(
    problems: pl.DataFrame, config: DecontaminateConfig, index: Index | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split problems into those that share nothing with the benchmarks and those that do, in their old order.

    A rejected row's `detail` names benchmark, item and shared text. Variants and translations go where
    `config.variants` and `config.translations` say; a kept one tells it in its `history`. Over many shards, hand over
    one `index` (`open_index`). Raises `ColumnNotFoundError` without a column `statement`.
    """
    if "statement" not in problems.columns:
        raise pl.exceptions.ColumnNotFoundError("decontaminate needs the column 'statement'; map it in `columns`")
    index = open_index(config) if index is None else index
    answers = problems["answer"].to_list() if "answer" in problems.columns else [None] * problems.height
    matches = [
        find_match(read_problem(text), index, config, answer) if text else None
        for text, answer in zip(problems["statement"], answers, strict=True)
    ]
    out = pl.Series([match is not None and _is_rejected(match, config) for match in matches], dtype=pl.Boolean)
    out_matches = [match for match, is_out in zip(matches, out, strict=True) if match and is_out]
    rejected = problems.filter(out).with_columns(
        pl.lit(STAGE, dtype=REJECT_DTYPES["stage"]).alias("stage"),
        pl.lit(str(Reason.CONTAMINATED), dtype=REJECT_DTYPES["reason"]).alias("reason"),
        pl.Series("detail", [match.detail for match in out_matches], dtype=REJECT_DTYPES["detail"]),
    )
    kept = [match for match, is_out in zip(matches, out, strict=True) if not is_out]
    return _note(problems.filter(~out), kept), rejected


def _is_rejected(match: Match, config: DecontaminateConfig) -> bool:
    if match.how == "variant":
        return config.variants == "reject"
    return match.how != "translation" or config.translations == "reject"


def _note(kept: pl.DataFrame, matches: list[Match | None]) -> pl.DataFrame:
    """Write what was seen of a kept row into its history."""
    if "history" not in kept.columns:
        return kept
    return add_history(kept, STAGE, [(match.how, match.detail) if match else None for match in matches])
