"""One stage alone: a file of problems in, `kept.parquet` and `rejected.parquet` out, and nothing else done."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.inference.ask import Asker as EngineAsker
from pipeline.inference.engine import Engine
from pipeline.run.storage import RunFolder
from pipeline.stages import find_stage
from schemas.config import Config, Source
from schemas.conform import READER_KEYS, conform_rows
from schemas.problem import PROBLEM_DTYPES

if TYPE_CHECKING:
    from pipeline.ingest.source import Opened

LOG = logging.getLogger(__name__)


def run_stage(
    name: str, source: str | Source, out: str, config: Config, show: "Callable[[Opened], None] | None" = None
) -> dict[str, int]:
    """Run one stage over a file or a source; unknown columns come through.

    Rows of the contract are taken as they are, others as `open_source` recognises them, which `show` is given. A stage
    that asks a model opens the one that `config.model` names. Returns {"in", "kept", "rejected", "added", "pending"},
    where in + added = kept + rejected, and `pending` counts what failed requests left undone. Rows that do not fit the
    contract are rejected as `invalid_row`. Raises InputError, also where over half of the rows are such.
    """
    from pipeline.ingest.source import open_source
    from pipeline.ingest.unreadable import Tally

    stage = find_stage(name)
    if isinstance(source, str):
        source = Source(name=name_source(source), files=source)
    if stage.name != name:
        LOG.warning("stage %s is now called %s", name, stage.name)
    kept_parts: list[pl.DataFrame] = []
    rejected_parts: list[pl.DataFrame] = []
    unknown: dict[str, None] = {}
    count = pending = added = 0
    size = sys.maxsize if stage.over_set else config.flow.shard_rows
    opened = open_source(source, config.sandbox, config.reading, as_they_are=True)
    if show is not None:
        show(opened)
    tally = Tally(source.name, opened.likely, source.preset)
    with ExitStack() as stack:
        params = stage.sampling(config)
        engine = None if params is None else stack.enter_context(_open_engine(config))
        for rows in _batches(opened.rows, size):
            count += len(rows)
            for row in rows:
                unknown.update(dict.fromkeys(k for k in row if k not in PROBLEM_DTYPES and k not in READER_KEYS))
            problems, invalid = conform_rows(rows, source=source.name, stage=stage.name)
            tally.add(len(rows), invalid)
            if len(rows) < size:
                tally.close()
            asker = None if engine is None or params is None else EngineAsker(engine, params)
            result = stage.apply(problems, config, asker)
            kept_parts.append(result.kept)
            rejected_parts += [invalid, result.rejected]
            pending += result.pending
            added += stage.count_added(result.kept)
    tally.close()
    empty = conform_rows([], source="", stage=stage.name)
    kept = pl.concat(kept_parts or [empty[0]], how="diagonal_relaxed")
    rejected = pl.concat(rejected_parts or [empty[1]], how="diagonal_relaxed")
    folder = RunFolder(out)
    folder.write_table("kept.parquet", bring_back(kept, list(unknown)))
    folder.write_table("rejected.parquet", bring_back(rejected, list(unknown)))
    return {"in": count, "kept": kept.height, "rejected": rejected.height, "added": added, "pending": pending}


def name_source(place: str) -> str:
    """What the problems of a file or folder are called: its name without its ending."""
    return Path(place).stem or Path(place).absolute().stem or "input"


def _open_engine(config: Config) -> AbstractContextManager[Engine]:
    from pipeline.inference.open import open_engine

    return open_engine(config.model)


def bring_back(table: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Turn what `conform_rows` put into `extra` under `names` into columns of their own again.

    A column whose values are of several kinds, such as a list in one row and a boolean in another, stays in `extra`:
    no table column holds both as they are.
    """
    if not names:
        return table
    objects = [json.loads(text) if text else {} for text in table["extra"]]
    uniform = [name for name in names if len({_kind(o.get(name)) for o in objects} - {None}) <= 1]
    columns = [pl.Series(name, [o.pop(name, None) for o in objects], strict=False) for name in uniform]
    rest = pl.Series("extra", [json.dumps(o, ensure_ascii=False) if o else None for o in objects], dtype=pl.String)
    return table.with_columns(rest, *columns)


def _kind(value: Any) -> Any:
    """What a table column needs to hold the value: equal for values that one column can hold, None for no value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list", frozenset(_kind(item) for item in value) - {None}
    if isinstance(value, dict):
        return "object", frozenset((key, _kind(item)) for key, item in value.items() if item is not None)
    return None if value is None else type(value).__name__


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
