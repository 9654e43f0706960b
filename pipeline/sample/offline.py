"""Grade samples that somebody already has: match each to its problem, bring it into the contract's columns, verify."""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.ingest.files import read_rows
from pipeline.progress import advance, track
from pipeline.run.layout import problems_name, rejected_name, shard_name, stage_name
from pipeline.run.storage import RunFolder
from pipeline.sample.abstention import says_missing
from pipeline.sample.shard import Verifier
from pipeline.sample.store import verifier_hash
from pipeline.text.thoughts import closes_unopened, open_thoughts
from pipeline.text.whole_number import read_whole
from pipeline.verify.code import CodeLabel
from pipeline.verify.math import Judgement, MathVerifier
from pipeline.verify.problem import Label
from pipeline.verify.stage import STAGE, split_verifiable
from schemas.config import Config, ReadingConfig
from schemas.conform import READER_KEYS, REJECT_SCHEMA, WHERE, InvalidRow, conform_rows
from schemas.errors import InputError
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import Reason, Verdict
from schemas.sample import FIRST_STEP, IMPORTED, SAMPLE_DTYPES, SAMPLE_ROWS

READING = ReadingConfig()
UNNAMED = "unnamed model"
SPILL_ROWS = 100_000
SPILL_CHARS = 256_000_000
"""Rows and characters of samples held in memory before they are written or judged: a few hundred MB."""
SPILLED: dict[str, pl.DataType] = {
    name: SAMPLE_DTYPES[name] for name in ("problem_id", "model", "index", "completion", "tokens", "finish_reason")
}


@dataclass
class Places:
    """The shards of each problem, by every name that a sample may use for it."""

    shards: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """id -> the shards that hold the problem."""
    ids: dict[str, str] = field(default_factory=dict)
    """source_id -> id, or "" where several problems have it."""
    rejected: dict[str, str] = field(default_factory=dict)
    """id or source_id of a rejected problem -> its reason."""
    opened: set[str] = field(default_factory=set)
    """Models whose prompts open the thoughts: some completion of theirs closes what it never opened."""

    def add(self, problems: pl.DataFrame, rejected: pl.DataFrame, shard: int) -> None:
        """Note the problems of one shard, and those that were rejected from it."""
        only = (shard,)
        for id_, source_id in problems.select("id", "source_id").iter_rows():
            shards = self.shards.get(id_)
            self.shards[id_] = only if shards is None or shards == only else (*shards, shard)
            if source_id is not None:
                self.ids[source_id] = id_ if self.ids.get(source_id, id_) == id_ else ""
        for id_, source_id, reason in rejected.select("id", "source_id", "reason").iter_rows():
            self.rejected.update({name: reason for name in (id_, source_id) if name is not None})

    def find(self, row: Mapping[str, Any]) -> str:
        """The id of the problem that a sample belongs to; raises ValueError with what is wrong."""
        columns = [_as_text(row.get(column)) for column in ("problem_id", "source_id")]
        names = [name for name in columns if name is not None]
        if not names:
            raise ValueError("neither `problem_id` nor `source_id` is there; one of them must name the problem")
        for name in names:
            if name in self.shards:
                return name
            id_ = self.ids.get(name)
            if id_ == "":
                raise ValueError(f"source_id {name!r} names several problems; give `problem_id` instead")
            if id_ is not None:
                return id_
        for name in names:
            if name in self.rejected:
                raise ValueError(f"its problem {name!r} was rejected: {self.rejected[name]}")
        raise ValueError(f"no problem is called {names[0]!r}")


def read_problems(folder: RunFolder, problems: str, config: Config, verifier: MathVerifier) -> Places:
    """Write the problems in shards, with what ingest and the label check reject; returns the shards of each problem."""
    places = Places()
    source = config.sources[0]
    rows = (
        {**row, "domain": row.get("domain") or source.domain or "math"}
        for row in read_rows(problems, reading=config.reading)
    )
    with track("ingest", unit="rows") as work:
        for number, batch in enumerate(_batches(rows, config.flow.shard_rows)):
            shard = shard_name(number)
            conformed, invalid = conform_rows(batch, source.name)
            kept, unverifiable = split_verifiable(conformed, verifier.pool, config.verify.second_opinion.enabled)
            folder.write_table(problems_name(shard), conformed)
            folder.write_table(stage_name(STAGE, shard), kept)
            for stage, table in (("ingest", invalid), (STAGE, unverifiable)):
                if table.height:
                    folder.write_table(rejected_name(stage, shard), table)
            places.add(kept, pl.concat([invalid, unverifiable]), number)
            work.advance(len(batch))
    if not places.shards and not places.rejected:
        raise InputError(f"{problems}: it holds no problem; give Parquet or JSONL with `statement` and `answer`")
    return places


def spill_samples(
    folder: RunFolder, samples: str, places: Places, spill: Path, reading: ReadingConfig = READING
) -> int:
    """Read the samples once: each is written to a file of its shard in `spill`, or rejected.

    Returns how many were written; a sample of a problem that two shards hold counts twice. Raises InputError where none
    can be used.
    """
    with track("match the samples", unit="rows"):
        return _spill(folder, read_rows(samples, reading=reading), places, spill, samples)


def _spill(folder: RunFolder, samples: Iterator[dict[str, Any]], places: Places, spill: Path, where: str) -> int:
    held: dict[int, list[dict[str, Any]]] = {}
    rejects: list[dict[str, Any]] = []
    rows = chars = written = flushed = unusable = 0
    first_error = ""

    def flush() -> None:
        nonlocal flushed, rows, chars
        for shard, part in held.items():
            pl.DataFrame(part, schema=SPILLED).write_parquet(spill / f"{shard:05d}-{flushed:06d}.parquet")
        if rejects:
            table = pl.DataFrame(rejects, schema=REJECT_SCHEMA)
            folder.write_table(rejected_name(SAMPLE_ROWS, shard_name(flushed)), table)
        advance(rows)
        flushed, rows, chars = flushed + 1, 0, 0
        held.clear()
        rejects.clear()

    for row in samples:
        try:
            sample = shape_sample(row, places)
        except ValueError as error:
            unusable += 1
            first_error = first_error or f"{row.get(WHERE)}: {error}"
            rejects.append(_reject(row, str(error)))
        else:
            chars += len(sample["completion"])
            for shard in places.shards[sample["problem_id"]]:
                held.setdefault(shard, []).append(sample)
                written += 1
        rows += 1
        if rows >= SPILL_ROWS or chars >= SPILL_CHARS:
            flush()
    flush()
    if unusable and not written:
        raise InputError(f"{where}: none of its {unusable} rows can be used; the first: {first_error}")
    return written


def shape_sample(row: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """A sample row in the columns of `SPILLED`; raises ValueError with what is wrong with it.

    Notes in `places` a model whose prompt opens the thoughts.
    """
    if isinstance(row, InvalidRow):
        raise ValueError(row.detail)
    id_ = places.find(row)
    if row.get("finish_reason") == FIRST_STEP:
        raise ValueError("it is the first step of a sample (sampling.first_tokens) and was not continued")
    completion = row.get("completion")
    if not isinstance(completion, str):
        raise ValueError(f"`completion` is {'missing' if completion is None else type(completion).__name__}, not text")
    model = _as_text(row.get("model")) or UNNAMED
    if closes_unopened(completion):
        places.opened.add(model)
    return {
        "problem_id": id_,
        "model": model,
        "index": _as_count(row.get("index")),
        "completion": completion.encode("utf-8", "replace").decode("utf-8"),
        "tokens": _as_count(row.get("tokens")),
        "finish_reason": _as_text(row.get("finish_reason")),
    }


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, bool) or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _as_count(value: Any) -> int | None:
    if isinstance(value, str):
        value = read_whole(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or not 0 <= value < 2**31:
        return None
    return int(value) if value == int(value) else None


def _reject(row: Mapping[str, Any], detail: str) -> dict[str, Any]:
    """The reject of a sample row, with its own columns as JSON in `extra`."""
    columns = {name: value for name, value in row.items() if name not in READER_KEYS or name == "raw"}
    where = f"{row[WHERE]}: " if row.get(WHERE) and not detail.startswith(str(row[WHERE])) else ""
    return {name: [] if isinstance(dtype, pl.List) else None for name, dtype in PROBLEM_DTYPES.items()} | {
        "source": SAMPLE_ROWS,
        "source_id": _as_text(row.get("source_id")) or _as_text(row.get("problem_id")),
        "extra": json.dumps(columns, ensure_ascii=False, default=str),
        "stage": SAMPLE_ROWS,
        "reason": Reason.INVALID_ROW.value,
        "detail": where + detail,
    }


def assign_indices(samples: pl.DataFrame) -> pl.DataFrame:
    """Number the samples of a problem and model: each keeps its index, unless an earlier sample has the same."""
    taken: dict[tuple[str, str], set[int]] = {}
    keys = list(samples.select("problem_id", "model").iter_rows())
    indices = samples["index"].to_list()
    for at, (key, index) in enumerate(zip(keys, indices, strict=True)):
        used = taken.setdefault(key, set())
        if index in used:
            indices[at] = None
        elif index is not None:
            used.add(index)
    free: dict[tuple[str, str], int] = {}
    for at, key in enumerate(keys):
        if indices[at] is None:
            index = free.get(key, 0)
            while index in taken[key]:
                index += 1
            indices[at], free[key] = index, index + 1
    return samples.with_columns(pl.Series("index", indices, dtype=pl.Int32))


def verify_samples(
    samples: pl.DataFrame,
    labels: Mapping[str, Label],
    verifier: Verifier,
    config: Config,
    opened: Set[str] = frozenset(),
) -> pl.DataFrame:
    """Verify samples against their problems' labels; returns them in the sample contract's columns, sorted by key.
    A completion of a model in `opened` begins within its thoughts.

    The samples of one problem are verified one after the other, since an answer is compared with the classes of wrong
    answers before it; different problems are verified at the same time. Counts into the step it runs within.
    """
    samples = samples.sort("problem_id", "model", "index")
    rounds = samples.select(pl.int_range(pl.len()).over("problem_id")).to_series().to_list()
    ids, reasons = samples["problem_id"].to_list(), samples["finish_reason"].to_list()
    completions = [
        open_thoughts(completion) if model in opened else completion
        for model, completion in samples.select("model", "completion").iter_rows()
    ]
    by_round: dict[int, list[int]] = {}
    for at, number in enumerate(rounds):
        by_round.setdefault(number, []).append(at)
    known: dict[str, list[str]] = {}
    judged: list[Judgement | None] = [None] * len(ids)
    for rows in by_round.values():
        futures = [
            (at, verifier.submit(labels[ids[at]], completions[at], tuple(known.get(ids[at], ())), reasons[at]))
            for at in rows
        ]
        for at, future in futures:
            judgement = future.result()
            advance()
            judged[at] = judgement
            classes = known.setdefault(ids[at], [])
            if judgement.verdict is Verdict.WRONG and judgement.answer_key and judgement.answer_key not in classes:
                classes.append(judgement.answer_key)
    names = {id_: verifier_hash(config.verify, label, config.sandbox) for id_, label in labels.items()}
    judgements = [judgement for judgement in judged if judgement is not None]
    return samples.with_columns(
        *(pl.lit(IMPORTED).alias(name) for name in ("prompt", "revision", "params")),
        pl.Series("answer", [j.answer for j in judgements], dtype=pl.String),
        pl.Series("answer_key", [j.answer_key for j in judgements], dtype=pl.String),
        pl.Series("verdict", [j.verdict.value for j in judgements], dtype=pl.String),
        pl.Series("verdict_detail", [j.detail for j in judgements], dtype=pl.String),
        pl.Series("verifier", [names[id_] for id_ in ids], dtype=pl.String),
        pl.lit(None, pl.Float64).alias("seconds"),
        pl.lit(None, pl.Int8).alias("grading_pass"),
        pl.lit(None, SAMPLE_DTYPES["token_ids"]).alias("token_ids"),
        pl.Series(
            "says_missing",
            [
                None if isinstance(labels[id_], CodeLabel) else says_missing(completion)
                for id_, completion in zip(ids, completions, strict=True)
            ],
            dtype=pl.Boolean,
        ),
    ).select(pl.col(name).cast(dtype) for name, dtype in SAMPLE_DTYPES.items())


def load_samples(parts: list[Path]) -> pl.DataFrame:
    """The samples of one shard from the files that `spill_samples` wrote."""
    return pl.concat([pl.DataFrame(schema=SPILLED), *(pl.read_parquet(part) for part in parts)])


def _batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, size)):
        yield batch
