"""Which stored samples become supervised traces, and which become pairs. Nothing is sampled for it.

Only samples that count towards the run's decision are taken, and of those with one text the first. One that was cut off
at its length is no example of anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import polars as pl

from pipeline.run.evidence import read_evidence
from pipeline.run.storage import RunFolder
from schemas.config import ExportConfig
from schemas.reasons import Verdict
from schemas.sample import SAMPLE_KEY

KEY = list(SAMPLE_KEY)
ROWS = 1000
"""Completions in memory at once: a sealed shard's row group."""


@dataclass(frozen=True)
class Trace:
    """A stored sample as the choice sees it: `text` is a hash, `length` tokens, or characters where those are
    unknown."""

    number: int
    text: int
    length: int
    correct: bool


def list_traces(folder: RunFolder, shard: str, files: Sequence[str], ids: pl.Series, grading_pass: int) -> pl.DataFrame:
    """The usable samples of the problems `ids` of a shard, by problem and index: key, `correct`, `length`, `text`."""
    columns = ("verdict", "tokens", "finish_reason", "answer")
    known = pl.col("verdict").is_in([Verdict.CORRECT.value, Verdict.WRONG.value])
    usable = (
        read_evidence(folder, shard, files, columns, grading_pass)
        .filter(pl.col("problem_id").is_in(ids.implode()), known)
        .filter(pl.col("finish_reason").ne_missing("length"), pl.col("answer").is_not_null())
    )
    texts = pl.concat(
        batch.select(
            *KEY, pl.col("completion").hash().alias("text"), pl.col("completion").str.len_chars().alias("chars")
        )
        for batch in read_completions(folder, files, usable)
    )
    traces = usable.join(texts.unique(KEY, keep="last"), on=KEY).sort(KEY)
    counted = pl.col("tokens").is_not_null().all().over("problem_id")
    return traces.with_columns(
        (pl.col("verdict") == Verdict.CORRECT).alias("correct"),
        pl.when(counted).then("tokens").otherwise("chars").cast(pl.Int64).alias("length"),
    ).unique(["problem_id", "text"], keep="first", maintain_order=True)


def read_completions(folder: RunFolder, files: Iterable[str], wanted: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Key and `completion` of the samples `wanted` (by `SAMPLE_KEY`), a few at a time; the first one is empty."""
    yield pl.DataFrame(schema={name: wanted.schema[name] for name in KEY} | {"completion": pl.String})
    for name in files:
        for batch in folder.read_batches(name, ROWS, [*KEY, "completion"]):
            table = pl.DataFrame(batch)
            yield table.join(wanted.select(KEY), on=KEY, how="semi", maintain_order="left")


def count_rows(correct: int, pass_rate: float, config: ExportConfig) -> tuple[int, int]:
    """(distinct traces, rows) of a problem with `correct` distinct correct traces.

    Rows are `traces` at a pass rate of one half and in proportion to how often the problem is failed: up to twice as
    many for a hard one, fewer for an easy one, at least one. No trace stands in more than `repeats` of them. The
    paper's cold start does both, a limit a problem and low pass rates upsampled (Magistral, section 5), and prints no
    number.
    """
    wanted = max(1, round(config.traces * 2 * (1 - pass_rate)))
    distinct = min(correct, config.traces, wanted)
    return distinct, min(wanted, distinct * config.repeats)


def pair_traces(traces: Sequence[Trace], config: ExportConfig) -> list[tuple[Trace, Trace]]:
    """At most `pairs` (correct, wrong) of one problem, the most alike in length first, none used twice.

    A pair whose lengths differ by more than `length_ratio` would teach a length.
    """
    right = [trace for trace in traces if trace.correct]
    wrong = [trace for trace in traces if not trace.correct]
    near = sorted(
        (
            (max(a.length, b.length, 1) / max(1, min(a.length, b.length)), a.number, b.number, a, b)
            for a, b in product(right, wrong)
        ),
        key=lambda candidate: candidate[:3],
    )
    chosen: list[tuple[Trace, Trace]] = []
    used: set[int] = set()
    for ratio, first, second, a, b in near:
        if ratio > config.length_ratio or len(chosen) == config.pairs:
            break
        if first not in used and second not in used:
            used |= {first, second}
            chosen.append((a, b))
    return chosen
