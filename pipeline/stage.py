"""One stage alone: a file of problems in, `kept.parquet` and `rejected.parquet` out, and nothing else done."""

import difflib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.code_tests.languages import count_copies
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.conform import READER_KEYS, conform_rows
from schemas.errors import InputError
from schemas.problem import PROBLEM_DTYPES, REJECT_DTYPES

if TYPE_CHECKING:
    from pipeline.code_tests.authored import Generate

Stage = Callable[[pl.DataFrame, Config], tuple[pl.DataFrame, pl.DataFrame]]
"""Problems and the run config -> (kept, rejected with stage, reason, detail)."""


def _screen(problems: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    from pipeline.screen import screen
    from pipeline.verify.pool import share_pool

    return screen(problems, config.screen, share_pool(config.verify))


def _dedup(problems: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    from pipeline.dedup import dedup

    return dedup(problems, config.dedup)


def _decontaminate(problems: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    from pipeline.decontaminate import decontaminate

    return decontaminate(problems, config.decontaminate)


def _court(problems: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    return hear_problems(problems, config)


def hear_problems(
    problems: pl.DataFrame, config: Config, generate: "Generate | None" = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The court in a sandbox of its own, then a copy of each kept code problem for every language asked for.

    Without a code problem nothing is started. `generate` takes prompts to a model's completions (see `court`).
    """
    if not (problems["domain"] == "code").any():
        nothing = [pl.lit(None, dtype).alias(name) for name, dtype in REJECT_DTYPES.items()]
        return problems, problems.clear().with_columns(nothing)
    from pipeline.code_tests import ask_languages, court
    from pipeline.sandbox import open_sandbox

    with open_sandbox(config.sandbox) as sandbox:
        kept, rejected = court(problems, config.court, sandbox, generate)
    return ask_languages(kept, config.court.languages), rejected


def _verify(problems: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    from pipeline.verify.math import MathVerifier
    from pipeline.verify.stage import split_verifiable

    verify = config.verify
    with MathVerifier(timeout=verify.timeout, workers=verify.workers, memory_mb=verify.memory_mb) as verifier:
        return split_verifiable(problems, verifier.pool)


STAGES: dict[str, tuple[Stage, str]] = {
    "screen": (_screen, "format rules: complete, open, one question, an answer that a rule can verify"),
    "dedup": (_dedup, "the same problem once: copies in another dress and paraphrases go, other numbers stay"),
    "decontaminate": (_decontaminate, "nothing of the benchmarks that the config names, verbatim, edited or embedded"),
    "court": (_court, "code: solutions, tests and each other judged; tests repaired, dropped or made"),
    "verify": (_verify, "labels only: is the answer there, and can the verifier compare it"),
}
"""Name -> (the stage, what it does in one line)."""

WHOLE = frozenset({"dedup"})
"""Stages that judge a problem by all the others: they take the file as one table."""


def run_stage(name: str, source: str, out: str, config: Config) -> dict[str, int]:
    """Run one stage over a Parquet or JSONL file with the contract's columns; unknown columns come through.

    Returns {"in", "kept", "rejected"}, which add up but for the copies that court makes of problems, one a language.
    Rows that do not fit the contract are rejected as `invalid_row`.
    """
    from pipeline.ingest.files import read_rows

    if name not in STAGES:
        near = difflib.get_close_matches(name, STAGES, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise InputError(f"there is no stage {name!r}{hint} the stages are: {', '.join(STAGES)}")
    stage, _ = STAGES[name]
    kept_parts: list[pl.DataFrame] = []
    rejected_parts: list[pl.DataFrame] = []
    unknown: dict[str, None] = {}
    count = 0
    for rows in _batches(read_rows(source), sys.maxsize if name in WHOLE else config.flow.shard_rows):
        count += len(rows)
        for row in rows:
            unknown.update(dict.fromkeys(k for k in row if k not in PROBLEM_DTYPES and k not in READER_KEYS))
        problems, invalid = conform_rows(rows, source=Path(source).stem, stage=name)
        kept, rejected = stage(problems, config)
        kept_parts.append(kept)
        rejected_parts += [invalid, rejected]
    empty = conform_rows([], source="", stage=name)
    kept = pl.concat(kept_parts or [empty[0]], how="diagonal_relaxed")
    rejected = pl.concat(rejected_parts or [empty[1]], how="diagonal_relaxed")
    if kept.height + rejected.height != count + count_copies(kept):
        raise AssertionError(f"stage {name} took {count} rows and gave {kept.height} + {rejected.height}")
    folder = RunFolder(out)
    folder.write_table("kept.parquet", bring_back(kept, list(unknown)))
    folder.write_table("rejected.parquet", bring_back(rejected, list(unknown)))
    return {"in": count, "kept": kept.height, "rejected": rejected.height}


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
