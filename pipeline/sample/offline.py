"""Samples that someone already has: each to its problem, in the contract's columns, and judged like our own."""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.ingest.files import read_rows
from pipeline.run.layout import problems_name, rejected_name, shard_name, stage_name
from pipeline.run.storage import RunFolder
from pipeline.sample.abstention import says_missing
from pipeline.sample.shard import Verifier
from pipeline.sample.store import verifier_hash
from pipeline.text.thoughts import closes_unopened, open_thoughts
from pipeline.verify.code import CodeLabel
from pipeline.verify.math import Judgement, MathVerifier
from pipeline.verify.problem import Label
from pipeline.verify.stage import STAGE, split_verifiable
from schemas.config import Config, ReadingConfig
from schemas.conform import READER_KEYS, REJECT_SCHEMA, WHERE, InvalidRow, conform_rows
from schemas.errors import InputError
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import Reason, Verdict
from schemas.sample import IMPORTED, SAMPLE_DTYPES, SAMPLE_ROWS

READING = ReadingConfig()
UNNAMED = "unnamed model"
SPILL_ROWS = 100_000
SPILL_CHARS = 256_000_000
"""What is held of the samples before it goes to disk, shard by shard: a few hundred MB at most."""
SPILLED: dict[str, pl.DataType] = {
    name: SAMPLE_DTYPES[name] for name in ("problem_id", "model", "index", "completion", "tokens", "finish_reason")
}


@dataclass
class Places:
    """Which shard holds a problem, by all that a sample may call it."""

    shards: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """id -> the shards with that problem."""
    ids: dict[str, str] = field(default_factory=dict)
    """source_id -> id, or "" where several problems have it."""
    turned: dict[str, str] = field(default_factory=dict)
    """id or source_id of a rejected problem -> its reason."""
    opened: set[str] = field(default_factory=set)
    """Models whose prompts open the thoughts: some completion of theirs closes what it never opened."""

    def add(self, problems: pl.DataFrame, rejected: pl.DataFrame, shard: int) -> None:
        here = (shard,)
        for id_, source_id in problems.select("id", "source_id").iter_rows():
            held = self.shards.get(id_)
            self.shards[id_] = here if held is None or held == here else (*held, shard)
            if source_id is not None:
                self.ids[source_id] = id_ if self.ids.get(source_id, id_) == id_ else ""
        for id_, source_id, reason in rejected.select("id", "source_id", "reason").iter_rows():
            self.turned.update({name: reason for name in (id_, source_id) if name is not None})

    def find(self, row: Mapping[str, Any]) -> str:
        """The id of the problem that a sample belongs to; raises ValueError with what is wrong."""
        names = [_name(row.get(column)) for column in ("problem_id", "source_id")]
        given = [name for name in names if name is not None]
        if not given:
            raise ValueError("neither `problem_id` nor `source_id` is there; one of them names the problem")
        for name in given:
            if name in self.shards:
                return name
            problem = self.ids.get(name)
            if problem == "":
                raise ValueError(f"source_id {name!r} names several problems; give `problem_id` instead")
            if problem is not None:
                return problem
        for name in given:
            if name in self.turned:
                raise ValueError(f"its problem {name!r} was rejected: {self.turned[name]}")
        raise ValueError(f"no problem is called {given[0]!r}")


def read_problems(folder: RunFolder, problems: str, config: Config, verifier: MathVerifier) -> Places:
    """Write the problems in shards, with the rejects of ingest and of the label check; returns where each one is."""
    places = Places()
    source = config.sources[0]
    rows = (
        {**row, "domain": row.get("domain") or source.domain or "math"}
        for row in read_rows(problems, reading=config.reading)
    )
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
    if not places.shards and not places.turned:
        raise InputError(f"{problems}: there is no problem in it; give Parquet or JSONL with `statement` and `answer`")
    return places


def spill_samples(
    folder: RunFolder, samples: str, places: Places, spill: Path, reading: ReadingConfig = READING
) -> None:
    """One pass over the samples: each goes to a file of its shard in `spill`, or to the rejects."""
    held: dict[int, list[dict[str, Any]]] = {}
    bad: list[dict[str, Any]] = []
    rows = chars = used = flushed = refused = 0
    first = ""

    def flush() -> None:
        nonlocal flushed, rows, chars
        for shard, part in held.items():
            pl.DataFrame(part, schema=SPILLED).write_parquet(spill / f"{shard:05d}-{flushed:06d}.parquet")
        if bad:
            folder.write_table(rejected_name(SAMPLE_ROWS, shard_name(flushed)), pl.DataFrame(bad, schema=REJECT_SCHEMA))
        flushed, rows, chars = flushed + 1, 0, 0
        held.clear()
        bad.clear()

    for row in read_rows(samples, reading=reading):
        try:
            sample = shape_sample(row, places)
        except ValueError as error:
            refused += 1
            first = first or f"{row.get(WHERE)}: {error}"
            bad.append(_reject(row, str(error)))
        else:
            used += 1
            if closes_unopened(sample["completion"]):
                places.opened.add(sample["model"])
            chars += len(sample["completion"])
            for shard in places.shards[sample["problem_id"]]:
                held.setdefault(shard, []).append(sample)
        rows += 1
        if rows >= SPILL_ROWS or chars >= SPILL_CHARS:
            flush()
    flush()
    if refused and not used:
        raise InputError(f"{samples}: none of its {refused} rows can be used; the first: {first}")


def shape_sample(row: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """A sample row in the columns of `SPILLED`; raises ValueError with what is wrong with it."""
    if isinstance(row, InvalidRow):
        raise ValueError(row.detail)
    id_ = places.find(row)
    completion = row.get("completion")
    if not isinstance(completion, str):
        raise ValueError(f"`completion` is {'missing' if completion is None else type(completion).__name__}, not text")
    return {
        "problem_id": id_,
        "model": _name(row.get("model")) or UNNAMED,
        "index": _whole(row.get("index")),
        "completion": completion.encode("utf-8", "replace").decode("utf-8"),
        "tokens": _whole(row.get("tokens")),
        "finish_reason": _name(row.get("finish_reason")),
    }


def _name(value: Any) -> str | None:
    if value is None or isinstance(value, bool) or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or not 0 <= value < 2**31:
        return None
    return int(value) if value == int(value) else None


def _reject(row: Mapping[str, Any], detail: str) -> dict[str, Any]:
    """A sample row among the rejects: its own columns stand in `extra`."""
    given_columns = {name: value for name, value in row.items() if name not in READER_KEYS or name == "raw"}
    where = f"{row[WHERE]}: " if row.get(WHERE) and not detail.startswith(str(row[WHERE])) else ""
    return {name: [] if isinstance(dtype, pl.List) else None for name, dtype in PROBLEM_DTYPES.items()} | {
        "source": SAMPLE_ROWS,
        "source_id": _name(row.get("source_id")) or _name(row.get("problem_id")),
        "extra": json.dumps(given_columns, ensure_ascii=False, default=str),
        "stage": SAMPLE_ROWS,
        "reason": Reason.INVALID_ROW.value,
        "detail": where + detail,
    }


def assign_indices(samples: pl.DataFrame) -> pl.DataFrame:
    """Give each sample of a problem and model its own index: the one it has, unless another came first with it."""
    taken: dict[tuple[str, str], set[int]] = {}
    keys = list(samples.select("problem_id", "model").iter_rows())
    indices = samples["index"].to_list()
    for at, (key, index) in enumerate(zip(keys, indices, strict=True)):
        there = taken.setdefault(key, set())
        if index in there:
            indices[at] = None
        elif index is not None:
            there.add(index)
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
    """Judge samples against their problems' labels; returns them in the sample contract's columns, sorted by key.
    A completion of a model in `opened` begins within its thoughts.

    The samples of one problem are judged one after the other, as each may begin a class of answers that the next ones
    join; those of different problems run beside each other.
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
    for places in by_round.values():
        futures = [
            (at, verifier.submit(labels[ids[at]], completions[at], tuple(known.get(ids[at], ())), reasons[at]))
            for at in places
        ]
        for at, future in futures:
            judgement = future.result()
            judged[at] = judgement
            classes = known.setdefault(ids[at], [])
            if judgement.verdict is Verdict.WRONG and judgement.answer_key and judgement.answer_key not in classes:
                classes.append(judgement.answer_key)
    names = {id_: verifier_hash(config.verify, label, config.sandbox) for id_, label in labels.items()}
    done = [judgement for judgement in judged if judgement is not None]
    return samples.with_columns(
        *(pl.lit(IMPORTED).alias(name) for name in ("prompt", "revision", "params")),
        pl.Series("answer", [j.answer for j in done], dtype=pl.String),
        pl.Series("answer_key", [j.answer_key for j in done], dtype=pl.String),
        pl.Series("verdict", [j.verdict.value for j in done], dtype=pl.String),
        pl.Series("verdict_detail", [j.detail for j in done], dtype=pl.String),
        pl.Series("verifier", [names[id_] for id_ in ids], dtype=pl.String),
        pl.lit(None, pl.Float64).alias("seconds"),
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
    return pl.concat([pl.DataFrame(schema=SPILLED), *(pl.read_parquet(part) for part in parts)])


def _batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, size)):
        yield batch
