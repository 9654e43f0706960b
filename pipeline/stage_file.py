"""One stage alone: a file of problems in, `kept.parquet` and `rejected.parquet` out, and nothing else done."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.inference.ask import Asker as EngineAsker
from pipeline.inference.engine import Engine
from pipeline.run.storage import RunFolder
from pipeline.stages import find_stage
from schemas.config import Config
from schemas.conform import READER_KEYS, conform_rows
from schemas.problem import PROBLEM_DTYPES

LOG = logging.getLogger(__name__)


def run_stage(name: str, source: str, out: str, config: Config) -> dict[str, int]:
    """Run one stage over a Parquet or JSONL file with the contract's columns; unknown columns come through.

    A stage that asks a model opens the one that `config.model` names. Returns {"in", "kept", "rejected", "added",
    "pending"}, where in + added = kept + rejected, and `pending` counts what failed requests left undone. Rows that do
    not fit the contract are rejected as `invalid_row`. Raises InputError.
    """
    from pipeline.ingest.files import read_rows

    stage = find_stage(name)
    if stage.name != name:
        LOG.warning("stage %s is now called %s", name, stage.name)
    kept_parts: list[pl.DataFrame] = []
    rejected_parts: list[pl.DataFrame] = []
    unknown: dict[str, None] = {}
    count = pending = added = 0
    size = sys.maxsize if stage.over_set else config.flow.shard_rows
    with ExitStack() as stack:
        params = stage.sampling(config)
        engine = None if params is None else stack.enter_context(_open_engine(config))
        for rows in _batches(read_rows(source, reading=config.reading), size):
            count += len(rows)
            for row in rows:
                unknown.update(dict.fromkeys(k for k in row if k not in PROBLEM_DTYPES and k not in READER_KEYS))
            problems, invalid = conform_rows(rows, source=Path(source).stem, stage=stage.name)
            asker = None if engine is None or params is None else EngineAsker(engine, params)
            result = stage.apply(problems, config, asker)
            kept_parts.append(result.kept)
            rejected_parts += [invalid, result.rejected]
            pending += result.pending
            added += stage.count_added(result.kept)
    empty = conform_rows([], source="", stage=stage.name)
    kept = pl.concat(kept_parts or [empty[0]], how="diagonal_relaxed")
    rejected = pl.concat(rejected_parts or [empty[1]], how="diagonal_relaxed")
    folder = RunFolder(out)
    folder.write_table("kept.parquet", bring_back(kept, list(unknown)))
    folder.write_table("rejected.parquet", bring_back(rejected, list(unknown)))
    return {"in": count, "kept": kept.height, "rejected": rejected.height, "added": added, "pending": pending}


def _open_engine(config: Config) -> AbstractContextManager[Engine]:
    from pipeline.inference.open import open_engine

    return open_engine(config.model)


def bring_back(table: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Turn what `conform_rows` put into `extra` under `names` into columns of their own again."""
    if not names:
        return table
    objects = [json.loads(text) if text else {} for text in table["extra"]]
    columns = [pl.Series(name, [o.pop(name, None) for o in objects], strict=False) for name in names]
    rest = pl.Series("extra", [json.dumps(o, ensure_ascii=False) if o else None for o in objects], dtype=pl.String)
    return table.with_columns(rest, *columns)


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
