"""All that a run knows of one problem, read from the few row groups that have it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.publish.shards import STAGE as DECIDE
from pipeline.publish.view.index import Index
from pipeline.publish.view.scan import UNREADABLE, scan_table, scan_tables
from pipeline.publish.view.search import ChangedError
from pipeline.run.evidence import drop_first_steps
from pipeline.run.layout import (
    REJECTED,
    decisions_name,
    evidence_name,
    labels_name,
    parts_folder,
    samples_name,
    shard_of,
    split_name,
)
from pipeline.run.storage import RunFolder
from schemas.decision import DECISION_DTYPES
from schemas.label import LABEL_DTYPES
from schemas.problem import PROBLEM_DTYPES, REJECT_DTYPES
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY

SHOWN = ("id", "source", "source_id", "statement", "answer", "parent_id", "detail")
"""Columns that a list shows of a problem, beside those of the index."""
HEAD = 600
"""Characters of a statement that a list needs."""


@dataclass(frozen=True)
class Graded:
    """One pass over the problem: its decision (None while it waits) and the samples that count for it."""

    grading_pass: int
    decision: dict[str, Any] | None
    samples: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Facts:
    """One problem: its row in the index, its row in the run, and what was done with it."""

    listed: dict[str, Any]
    table: str
    row: dict[str, Any]
    passes: tuple[Graded, ...] = ()
    uncounted: int = 0
    """Samples in the store that count for no pass: of another prompt, model or setting."""
    label: dict[str, Any] | None = None
    """What the witnesses said of its label (`schemas.label`); None where none were heard."""
    twins: tuple[dict[str, Any], ...] = field(default=())
    """Other rows of the index with the same id."""


def read_listed(folder: RunFolder, index: Index, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """What a list shows of the index's rows `numbers`, in that order. Raises ChangedError where the run has changed."""
    listed = index.rows[list(numbers)].to_dicts()
    dtypes = dict.fromkeys(SHOWN, pl.String)
    places = [index.locate(row["place"]) for row in listed]
    scans = [
        scan_table(folder, table, dtypes).slice(at, 1).with_columns(pl.col("statement").str.head(HEAD))
        for table, at in places
    ]
    try:
        texts = [table.to_dicts() for table in pl.collect_all(scans)]
    except UNREADABLE as error:
        raise ChangedError(str(error)) from error
    for row, rows in zip(listed, texts, strict=True):
        _check(row, rows)
    return [row | rows[0] for row, rows in zip(listed, texts, strict=True)]


def read_problem(folder: RunFolder, index: Index, id_: str, copy: int = 0) -> Facts | None:
    """The problem `id_`, or the `copy`-th row that has this id; None where there is none. Raises ChangedError."""
    rows = index.find(id_).to_dicts()
    if copy >= len(rows):
        return None
    listed = rows[copy]
    table, at = index.locate(listed["place"])
    try:
        row = scan_table(folder, table, PROBLEM_DTYPES | REJECT_DTYPES).slice(at, 1).collect().to_dicts()
        _check(listed, row)
        parts = split_name(table)
        is_graded = parts.folder != REJECTED or parts.stage == DECIDE
        passes, uncounted = read_passes(folder, shard_of(table), id_) if is_graded else ((), 0)
        label = _read_label(folder, shard_of(table), id_) if is_graded else None
    except UNREADABLE as error:
        raise ChangedError(str(error)) from error
    twins = tuple(twin for twin in rows if twin["copy"] != copy)
    return Facts(listed, table, row[0], passes, uncounted, label, twins)


def read_passes(folder: RunFolder, shard: str, id_: str) -> tuple[tuple[Graded, ...], int]:
    """(what each pass said of a problem and on which samples, number of samples that count for none)."""
    samples = _read_samples(folder, shard, id_)
    passes = []
    counted = 0
    for number in (1, 2):
        decided = decisions_name(shard, number)
        if not folder.exists(decided) and number > 1:
            continue
        rows = _pick(folder, decided, DECISION_DTYPES, id_) if folder.exists(decided) else pl.DataFrame()
        mine = _choose_evidence(folder, shard, number, samples, id_)
        counted += mine.height
        if mine.height or rows.height:
            decision = rows.row(0, named=True) if rows.height else None
            passes.append(Graded(number, decision, tuple(mine.sort("model", "index").to_dicts())))
    return tuple(passes), max(0, samples.height - counted)


def _read_label(folder: RunFolder, shard: str, id_: str) -> dict[str, Any] | None:
    name = labels_name(shard)
    rows = _pick(folder, name, LABEL_DTYPES, id_) if folder.exists(name) else pl.DataFrame()
    return rows.row(0, named=True) if rows.height else None


def _read_samples(folder: RunFolder, shard: str, id_: str) -> pl.DataFrame:
    whole = samples_name(shard)
    names = [whole] * folder.exists(whole) + folder.list(parts_folder(shard))
    taken = scan_tables(folder, names, SAMPLE_DTYPES).filter(pl.col("problem_id") == id_).collect()
    return drop_first_steps(taken.unique(list(SAMPLE_KEY), keep="last", maintain_order=True))


def _choose_evidence(folder: RunFolder, shard: str, number: int, samples: pl.DataFrame, id_: str) -> pl.DataFrame:
    name = evidence_name(shard, number)
    if not folder.exists(name):
        return samples if number == 1 else samples.clear()
    there = pl.read_parquet_schema(folder.at(name)) if folder.is_local else folder.read_table(name).schema
    evidence = _pick(folder, name, {column: SAMPLE_DTYPES[column] for column in there}, id_)
    return samples.join(evidence, on=evidence.columns, how="semi", maintain_order="left")


def _pick(folder: RunFolder, name: str, dtypes: dict[str, pl.DataType], id_: str) -> pl.DataFrame:
    return scan_table(folder, name, dtypes).filter(pl.col("problem_id") == id_).collect()


def _check(listed: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    if len(rows) != 1 or (rows[0]["id"] or "") != listed["id"]:
        raise ChangedError(f"problem {listed['id']} is not where it was indexed")
