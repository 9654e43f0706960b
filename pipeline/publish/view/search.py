"""Look for words in the statements, labels and source ids of a whole run: one pass over three columns."""

from collections.abc import Sequence

import polars as pl

from pipeline.publish.view.index import Index
from pipeline.publish.view.scan import UNREADABLE, scan_tables
from pipeline.run.storage import RunFolder

SEARCHED = ("statement", "answer", "source_id", "id")


class ChangedError(RuntimeError):
    """The run's tables are not those of the index any more; index it again."""


def search_text(folder: RunFolder, index: Index, words: Sequence[str]) -> pl.Series:
    """For each place whether all `words` stand in the problem's texts, or begin its id. Case does not matter.

    Memory is bounded by the tables that are read at once, and one bit a problem.
    """
    scanned = scan_tables(folder, index.tables, dict.fromkeys(SEARCHED, pl.String))
    try:
        matches = scanned.select(contains_words(words).alias("found")).collect(engine="streaming")["found"]
    except UNREADABLE as error:
        raise ChangedError(str(error)) from error
    if len(matches) != (index.ends[-1] if index.ends else 0):
        raise ChangedError(f"{len(matches)} rows where {index.ends[-1] if index.ends else 0} were indexed")
    return matches


def contains_words(words: Sequence[str]) -> pl.Expr:
    """Whether each of `words` stands in one of the texts."""
    every = pl.lit(True)
    for word in words:
        pattern = f"(?i){pl.escape_regex(word)}"
        texts = (pl.col(name).str.contains(pattern).fill_null(False) for name in SEARCHED if name != "id")
        every = every & pl.any_horizontal(pl.col("id").str.starts_with(word.lower()), *texts)
    return every.fill_null(False)
