"""Ingest: every source of the config becomes shards of problems; only what is new is taken, and nothing twice.

Done means recorded: an id counts as often as problems/ and rejected/ingest-* have it. A run walks its sources and
passes over as many rows of an id as are recorded: a killed run goes on where its files end, and a scheduled one takes
only what is new. A shard's problems are written before its rejects: a kill never leaves a duplicate without its first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.ingest.held import take
from pipeline.ingest.source import open_source
from pipeline.ingest.unreadable import Tally
from pipeline.progress import Work, track
from pipeline.run.layout import (
    DAMAGED,
    PROBLEMS,
    REJECTED,
    problems_name,
    rejected_name,
    shard_name,
    shard_of,
    split_name,
)
from pipeline.run.storage import RunFolder
from schemas.config import Config, Source
from schemas.conform import REJECT_SCHEMA, WHERE, conform_rows
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import Reason

STAGE = "ingest"
BATCH_ROWS = 1024
SHARD_BYTES = 128 << 20
"""A shard of larger rows has fewer of them: every later stage holds it whole."""
REJECT_SHARDS = 4
"""Shards of rejects that may wait for their problems' shard to fill before a smaller one is written."""
COUNTED = ("read", "seen", "problems", "duplicate", "invalid_row")


def ingest(config: Config, folder: RunFolder) -> dict[str, int]:
    """Write what is new in `config.sources` into problems/NNNNN.parquet and rejected/ingest-NNNNN.parquet.

    Returns how many rows were `read`, and of them `seen` (recorded by an earlier run), `problems` (new), `duplicate`
    and `invalid_row`: these four add up to the first. Every source is opened and its columns are checked before
    anything is written, and one that cannot be read stops the run (`Tally`); raises InputError. Memory is bounded by a
    shard and the ids (about 250 bytes each).
    """
    with track("ingest", unit="rows") as work:
        counts = _ingest(config, folder, work)
        work.note(f"{counts['problems']:,} new problems")
    return counts


def _ingest(config: Config, folder: RunFolder, work: Work) -> dict[str, int]:
    opened = []
    for source in config.sources:
        work.note(f"opening {source.name}")
        opened.append((source, open_source(source, config.sandbox, config.reading)))
    record = Record.of(folder)
    shards = _Shards(folder, config.flow.shard_rows)
    counts = dict.fromkeys(COUNTED, 0)
    for source, whole in opened:
        work.note(f"reading {source.name}")
        tally = Tally(source.name, whole.likely, source.preset)
        while batch := take(whole.rows, BATCH_ROWS):
            problems, invalid = conform_rows(_signed(batch, source), source.name, STAGE)
            tally.add(len(batch), invalid)
            new, duplicates, seen = _tell_apart(problems, record)
            invalid, seen_too = _only_new(invalid, record)
            shards.add(new, [duplicates, invalid])
            for name, number in zip(
                COUNTED,
                (len(batch), seen + seen_too, new.height, duplicates.height, invalid.height),
                strict=True,
            ):
                counts[name] += number
            work.advance(len(batch))
        tally.close()
    shards.close()
    return counts


@dataclass
class Record:
    """What the run's folder already holds: how often each id, and what its first row is called."""

    unseen: dict[int, int] = field(default_factory=dict)
    """Rows of an id that are recorded and that this run has not met yet."""
    first: dict[int, str] = field(default_factory=dict)
    """The rows in problems/. One that is not here is new even where its duplicates are recorded: its shard is gone."""

    @classmethod
    def of(cls, folder: RunFolder) -> "Record":
        record = cls()
        for _, table in folder.read_tables(PROBLEMS, ["id", "source", "source_id", "history"]):
            record._note(table)
            record.first.update(zip(_keys(table), _called(table), strict=True))
        for name in folder.list(REJECTED):
            if split_name(name).stage == STAGE:
                record._note(folder.read_table(name, ["id"]))
        return record

    def _note(self, table: pl.DataFrame) -> None:
        for key in _keys(table):
            self.unseen[key] = self.unseen.get(key, 0) + 1

    def pay(self, key: int) -> bool:
        """Whether a row of this id is one that an earlier run recorded; each call takes one of them off."""
        left = self.unseen.get(key, 0)
        if left > 1:
            self.unseen[key] = left - 1
        elif left:
            del self.unseen[key]
        return left > 0


def _signed(batch: list[dict[str, Any]], source: Source) -> Iterator[dict[str, Any]]:
    for row in batch:
        entry = {"stage": STAGE, "action": "read", "detail": f"{source.name}: {row.get(WHERE)}"}
        history = row.get("history")
        if history is None or isinstance(history, list):
            row["history"] = [*(history or ()), entry]
        yield row


def _keys(table: pl.DataFrame) -> list[int]:
    return [int(value, 16) for value in table["id"]]


def _called(table: pl.DataFrame) -> list[str]:
    where = pl.col("history").list.last().struct.field("detail")
    named = pl.format("{} {}", pl.col("source"), pl.col("source_id"))
    return table.select(pl.coalesce(named, where, pl.col("source")))["source"].to_list()


def _tell_apart(problems: pl.DataFrame, record: Record) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """(new problems, duplicates with their reject columns, number of rows recorded before)."""
    fresh: list[int] = []
    again: list[int] = []
    details: list[str] = []
    for at, (key, called) in enumerate(zip(_keys(problems), _called(problems), strict=True)):
        if key not in record.first:
            record.first[key] = called
            fresh.append(at)
        elif not record.pay(key):
            again.append(at)
            details.append(f"the same as {record.first[key]}")
    duplicates = problems[again].with_columns(
        pl.lit(STAGE).alias("stage"),
        pl.lit(Reason.DUPLICATE.value).alias("reason"),
        pl.Series("detail", details, dtype=pl.String),
    )
    return problems[fresh], duplicates, problems.height - len(fresh) - len(again)


def _only_new(invalid: pl.DataFrame, record: Record) -> tuple[pl.DataFrame, int]:
    fresh = [at for at, key in enumerate(_keys(invalid)) if not record.pay(key)]
    return invalid[fresh], invalid.height - len(fresh)


class _Shards:
    """Collects rows and writes a shard when one is full, by problems or by rejects."""

    def __init__(self, folder: RunFolder, rows: int) -> None:
        self.folder = folder
        self.rows = rows
        self.problems = pl.DataFrame(schema=PROBLEM_DTYPES)
        self.rejected = pl.DataFrame(schema=REJECT_SCHEMA)
        problems = {int(shard_of(name)) for name in folder.list(PROBLEMS)}
        rejects = {int(shard_of(name)) for name in folder.list(REJECTED) if split_name(name).stage == STAGE}
        self.next = max(problems | rejects, default=-1) + 1
        # A damaged shard comes again from its source; under its old number it finds its samples.
        damaged = {int(shard_of(name)) for name in folder.list(PROBLEMS, DAMAGED)}
        self.free = sorted(damaged - problems)

    def add(self, problems: pl.DataFrame, rejected: list[pl.DataFrame]) -> None:
        self.problems = pl.concat([self.problems, problems])
        self.rejected = pl.concat([self.rejected, *rejected])
        while self.problems.height >= self.rows:
            self._write(self.rows)
        if self.problems.estimated_size() + self.rejected.estimated_size() > SHARD_BYTES:
            self._write(self.problems.height)
        if self.rejected.height >= self.rows:
            if self.rejected.height - int(self._waiting(0).sum()) >= self.rows:
                self._write(0)
            elif self.rejected.height >= REJECT_SHARDS * self.rows:
                self._write(self.problems.height)

    def close(self) -> None:
        if self.free and self.problems.height:
            self._write(self.problems.height)
        if self.problems.height or self.rejected.height:
            self._write(self.problems.height)

    def _write(self, count: int) -> None:
        """Write `count` problems and every reject but the duplicates of problems that are still to be written."""
        if self.free and count:
            self.folder.write_table(problems_name(shard_name(self.free.pop(0))), self.problems[:count])
            self.problems = self.problems[count:]
            return
        waiting = self._waiting(count)
        now, rejected = self.problems[:count], self.rejected.filter(~waiting)
        if now.height:
            self.folder.write_table(problems_name(shard_name(self.next)), now)
        if rejected.height:
            self.folder.write_table(rejected_name(STAGE, shard_name(self.next)), rejected)
        self.next += 1
        self.problems, self.rejected = self.problems[count:], self.rejected.filter(waiting)

    def _waiting(self, count: int) -> pl.Series:
        return self.rejected["id"].is_in(self.problems[count:]["id"].implode())
