"""What the lists are made of: one narrow row for each problem of a run, in memory.

Where a problem ended, its source, language, domain and pass rate: some 80 bytes a problem, read from a few columns of
the run's tables whenever they have changed. Texts stay in the tables. It is not written to a file: that of a run of
700k problems is made in a few seconds (benchmarks/view.py), and nothing can be out of date on disk.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count

import polars as pl

from pipeline.publish.shards import STAGE
from pipeline.publish.view.scan import read_whole
from pipeline.run.evidence import find_decisions, find_stages, last_pass
from pipeline.run.layout import (
    CURATED,
    DECISIONS,
    LABELS,
    PROBLEMS,
    REJECTED,
    STAGES,
    shard_of,
    split_name,
    stage_folder,
)
from pipeline.run.storage import RunFolder
from schemas.decision import DECISION_DTYPES
from schemas.label import LABEL_DTYPES
from schemas.reasons import KEEP
from schemas.sample import SAMPLE_ROWS

WAITING = "waiting"
"""The outcome of a problem that the run has not decided yet."""
FACETS = ("outcome", "label", "source", "language", "domain")
"""Columns that a list can be narrowed by, with their counts."""
NARROW = ("id", "source", "domain", "language", "stage", "reason")
GRADES = ("n", "correct", "pass_rate")
WIDEST = 32
"""Up to so many samples a problem, pass rates are told in samples; beyond, in sixteenths."""
SIGNED = (PROBLEMS, STAGES, REJECTED, CURATED, DECISIONS, LABELS)
CLASH = "clash"
"""The facet `label` of a problem whose copies carry other labels; of the others it is the outcome."""
_serial = count()


@dataclass(frozen=True)
class Index:
    """One row a problem in `rows`, sorted by id: chance, so that the first page of any list is a fair sample.

    Columns: `id`, `copy` (0 for the first row with that id, then 1, ...), `place` (of the row in all `tables` taken
    together), the `FACETS`, `stage` (that left it out), `n`, `correct`, `pass_rate` and `bin`: the rate in `of`-ths.
    """

    rows: pl.DataFrame
    tables: tuple[str, ...]
    ends: tuple[int, ...]
    """Where each table ends, in places."""
    of: int
    grading_pass: int
    unreadable: dict[str, str]
    """Table -> what is wrong with it; its problems are in no list."""
    serial: int = field(default_factory=lambda: next(_serial))
    """Tells one index from the next, for what is remembered of it."""

    def locate(self, place: int) -> tuple[str, int]:
        """(table, row in it) of a place."""
        at = bisect.bisect_right(self.ends, place)
        return self.tables[at], place - (self.ends[at - 1] if at else 0)

    def find(self, id_: str) -> pl.DataFrame:
        """The rows of one id: several where the same problem came more than once."""
        return self.rows.filter(pl.col("id") == id_)


def sign_run(folder: RunFolder) -> tuple[tuple[str, int, str], ...]:
    """What the tables are now: name, size and when it was written; another one means that the index is stale."""
    signed = []
    for tables in SIGNED:
        if not folder.exists(tables):
            continue
        folder.fs.invalidate_cache(folder.at(tables))
        for path, details in folder.fs.find(folder.at(tables), detail=True).items():
            if path.endswith(".parquet"):
                changed = details.get("mtime") or details.get("LastModified") or details.get("created") or ""
                signed.append((str(path), int(details.get("size") or 0), str(changed)))
    return tuple(sorted(signed))


def build_index(folder: RunFolder, of: int = 16) -> Index:
    """Read the narrow columns of every table; `of` is the number of samples that the run planned for a problem."""
    outcomes = find_outcomes(folder)
    read, unreadable = read_whole(folder, list(outcomes), dict.fromkeys(NARROW, pl.String))
    runs = read["table"].rle().struct.unnest()
    tables, ends = tuple(runs["value"]), tuple(accumulate(runs["len"]))
    grading_pass = last_pass(folder)
    of = of if of <= WIDEST else 16
    category = pl.Categorical()
    ended = pl.LazyFrame(
        {"table": outcomes.keys(), "ended": outcomes.values()}, schema={"table": pl.String, "ended": pl.String}
    )
    ours = pl.col("stage").cast(pl.String).is_in([STAGE, ""])
    rows = (
        read.lazy()
        .with_row_index("place")
        .join(ended, on="table", how="left", maintain_order="left")
        .select(
            pl.col("id").fill_null(""),
            "place",
            pl.coalesce("reason", "ended").cast(category).alias("outcome"),
            *(pl.col(name).fill_null("").cast(category) for name in ("source", "language", "domain", "stage")),
        )
        .join(read_grades(folder, grading_pass).lazy(), on="id", how="left", maintain_order="left")
        .join(read_outcomes(folder).lazy(), on="id", how="left", maintain_order="left")
        .with_columns(
            *(pl.when(ours).then(pl.col(name)).alias(name) for name in GRADES),
            pl.when(ours).then("label").otherwise(pl.lit("")).fill_null("").cast(category).alias("label"),
        )
        .with_columns((pl.col("pass_rate") * of).round().cast(pl.UInt8).alias("bin"))
        .collect()
    )
    return Index(_number_copies(_sort_by_id(rows)).rechunk(), tables, ends, of, grading_pass, unreadable)


def _sort_by_id(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by id, those of one id as they came. As numbers 16 hex digits sort five times faster than as text."""
    number = rows["id"].str.to_integer(base=16, dtype=pl.UInt64, strict=False)
    if number.null_count() or (rows["id"].str.len_bytes() != 16).any():
        return rows.sort("id", maintain_order=True)
    return rows.with_columns(number.alias("number")).sort("number", maintain_order=True).drop("number")


def _number_copies(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.with_row_index("row")
        .with_columns(pl.when(pl.col("id").ne_missing(pl.col("id").shift())).then("row").forward_fill().alias("first"))
        .with_columns((pl.col("row") - pl.col("first")).cast(pl.UInt16).alias("copy"))
        .drop("row", "first")
    )


def find_outcomes(folder: RunFolder) -> dict[str, str]:
    """Table -> the outcome of its rows: kept, waiting, or "" where each row has a reason of its own.

    A shard that is not published waits in the last folder that it has reached.
    """
    curated = folder.list(CURATED)
    published = {shard_of(name) for name in curated}
    reached: dict[str, str] = {}
    for tables in (PROBLEMS, *(stage_folder(stage) for stage in find_stages(folder))):
        reached |= {shard_of(name): name for name in folder.list(tables)}
    rejected = [name for name in folder.list(REJECTED) if split_name(name).stage != SAMPLE_ROWS]
    waiting = {name: WAITING for shard, name in sorted(reached.items()) if shard not in published}
    return dict.fromkeys(curated, KEEP) | dict.fromkeys(rejected, "") | waiting


def read_grades(folder: RunFolder, grading_pass: int, columns: Sequence[str] = GRADES) -> pl.DataFrame:
    """`id` and some columns of the decisions of one pass, each problem once."""
    names = list(find_decisions(folder, grading_pass).values())
    dtypes = {name: DECISION_DTYPES[name] for name in ("problem_id", *columns)}
    grades, _ = read_whole(folder, names, dtypes)
    return (
        grades.drop("table")
        .rename({"problem_id": "id"})
        .unique("id", keep="first")
        .with_columns(pl.col(name).cast(pl.Float32) for name in columns if DECISION_DTYPES[name] == pl.Float64)
    )


def read_outcomes(folder: RunFolder) -> pl.DataFrame:
    """`id` and the `label` facet of every problem whose label had witnesses."""
    dtypes = {name: LABEL_DTYPES[name] for name in ("problem_id", "outcome", "clash")}
    outcomes, _ = read_whole(folder, folder.list(LABELS), dtypes)
    clash = pl.when("clash").then(pl.lit(CLASH)).otherwise("outcome")
    return outcomes.select(pl.col("problem_id").alias("id"), clash.alias("label")).unique("id", keep="first")
