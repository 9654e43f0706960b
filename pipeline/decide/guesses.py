"""Labels of math that a guess without work hits too often, within a source and a template of statements.

A reward over problems whose answers are all 0 or 1, or stand last in the statement, teaches the guess. One problem
shows nothing of that, so it is told of groups and rejects nobody.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

from pipeline.run.evidence import find_graded
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import UNNAMED_SOURCE

FEWEST = 20
"""Problems of a group at least: of fewer, a share says little."""
LISTED = 20
"""Groups that are told, those with the most hits first."""
_NUMBER = r"-?\d+(?:[.,]\d+)*"
COLUMNS = ("id", "source", "domain", "statement", "answer")


def find_guesses(folder: RunFolder, config: Config) -> list[dict[str, Any]]:
    """The guesses that hit more than `decide.guess_share` of a group's labels in a run's graded problems.

    One row a group and guess: `source`, `template` (a statement of it; None of a whole source), `guess`, `problems`,
    `hits`, `share`. A template is a statement with its numbers taken out. Of each problem a label and two numbers are
    held in memory.
    """
    tables = (folder.read_table(name, list(COLUMNS)) for name in find_graded(folder).values())
    return count_guesses(tables, config.decide.guess_share)


def count_guesses(tables: Iterable[pl.DataFrame], limit: float) -> list[dict[str, Any]]:
    """`find_guesses` over tables with `COLUMNS`."""
    numbers = pl.col("statement").str.extract_all(_NUMBER)
    label = pl.col("answer").str.strip_chars(" $.").str.to_lowercase()
    parts = [
        table.filter((pl.col("domain") == "math") & pl.col("answer").is_not_null()).select(
            pl.col("source").fill_null(UNNAMED_SOURCE),
            example=pl.col("statement").str.head(200),
            template=pl.col("statement").str.replace_all(_NUMBER, "#").str.replace_all(r"\s+", " ").hash(seed=0),
            label=label,
            first=numbers.list.first() == label,
            last=numbers.list.last() == label,
        )
        for table in tables
    ]
    if not parts:
        return []
    problems = pl.concat(parts)
    by_template = _count_groups(problems, ["source", "template"]).rename({"example": "shown"})
    by_source = _count_groups(problems, ["source"]).with_columns(shown=pl.lit(None, pl.String))
    # A source of one template is told once, as the template.
    single = by_template.join(by_source.select("source", "problems"), on=["source", "problems"], how="semi")
    by_source = by_source.join(single.select("source"), on="source", how="anti")
    names = ["source", "shown", "problems", "guess", "hits"]
    rows = pl.concat([by_template.select(names), by_source.select(names)])
    return (
        rows.with_columns(share=(pl.col("hits") / pl.col("problems")).round(4))
        .filter(pl.col("share") > limit)
        .sort("hits", "source", "guess", descending=[True, False, False])
        .head(LISTED)
        .rename({"shown": "template"})
        .to_dicts()
    )


def _count_groups(problems: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Of each group of `FEWEST` problems and more the best constant, and the numbers of the statement, as guesses."""
    labels = (
        problems.group_by(*group, "label").agg(pl.len().alias("votes")).sort("votes", "label", descending=[True, False])
    )
    commonest = labels.group_by(group, maintain_order=True).agg(
        constant=pl.format("always {}", pl.col("label").first()), always=pl.col("votes").first()
    )
    counted = (
        problems.group_by(group)
        .agg(
            pl.len().alias("problems"),
            pl.col("first").sum().alias("the first number of the statement"),
            pl.col("last").sum().alias("the last number of the statement"),
            pl.col("example").sort().first(),
        )
        .filter(pl.col("problems") >= FEWEST)
        .join(commonest, on=group, how="inner")
    )
    keys = [*group, "example", "problems"]
    numbers = counted.unpivot(
        ["the first number of the statement", "the last number of the statement"],
        index=keys,
        variable_name="guess",
        value_name="hits",
    )
    constants = counted.select(*keys, guess="constant", hits="always")
    return pl.concat([constants, numbers.select(*keys, "guess", "hits")], how="vertical_relaxed")
