"""Estimate what grading a set will take (samples, tokens, engine hours, money, storage) from a few of its problems.

A pilot is a random part of the set, graded as the whole will be; its evidence is the run's, so nothing of it is lost.
What each of its problems took is drawn again and again with replacement (Efron's bootstrap, 1979), which gives every
total an interval. The intervals speak of which problems were drawn, and of nothing else: not of a server that is
faster or slower than the pilot's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import polars as pl

from pipeline.decide.decide import NEEDED, decide_samples
from pipeline.decide.likeness import Likeness
from pipeline.decide.rule import Rules
from pipeline.decide.trail import Trail, follow_samples, replay_confident
from pipeline.decide.translations import find_paired
from pipeline.sample.replay_steps import guess_lengths, list_known, replay_steps
from pipeline.sample.steps import Steps
from pipeline.sample.stop import replay_early
from schemas.config import Config
from schemas.errors import InputError
from schemas.reasons import KEEP

ROUNDS = 2000
"""Draws of the bootstrap: the ends of a 90% interval are then good to about a twentieth of its width."""
SHARE = 0.9
READ = (*NEEDED, "tokens", "completion")
"""Columns of the samples that a plan reads."""
WAYS = ("full", "early", "confident")
"""How sampling can stop."""
HOUR = 3600.0


@dataclass(frozen=True)
class Range:
    """A figure and the ends of its 90% interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Range":
        return Range(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Whole:
    """The set that is planned for. `stored` are bytes that the run takes beside its samples, `packed` the bytes on disk
    for a byte of completion.
    """

    problems: int
    shards: int
    stored: float
    packed: float


@dataclass(frozen=True)
class Speed:
    """Tokens a second of one engine, and who says so; None where nobody does."""

    tokens_per_second: float | None = None
    source: str = ""


UNTIMED = Speed()


@dataclass(frozen=True)
class Plan:
    """What the whole will take. Storage in bytes; `hours` are of one engine, of which any number may share them.

    `tokens_per_second` is one engine's, by `speed_from`; `saved` is the share of the samples that stopping early does
    not take. None where nothing says: no speed, no price. The tokens of each way to stop are None in the plans of
    versions that did not say.
    """

    pilot: int
    problems: int
    shards: int
    n: int
    stop: str
    samples: Range
    saved: Range
    tokens: Range
    kept: Range
    storage: Range
    tokens_per_second: float | None
    speed_from: str
    hours: Range | None
    price: float | None
    cost: Range | None
    full_tokens: Range | None = None
    early_tokens: Range | None = None
    confident_tokens: Range | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Plan":
        """Raises InputError where it is no plan of this version."""
        try:
            ranges = {name: Range(**value) for name, value in fields.items() if isinstance(value, dict)}
            return cls(**{**fields, **ranges})
        except TypeError as error:
            raise InputError(f"plan.json is no plan of this version ({error}); remove it and plan again") from None


NONE_BEGUN = pl.DataFrame(
    schema={"problem_id": pl.String, "index": pl.Int32, "tokens": pl.Int32, "completion": pl.String}
)


def measure_problems(
    samples: pl.DataFrame,
    problems: pl.DataFrame,
    config: Config,
    begun: pl.DataFrame = NONE_BEGUN,
    paired: Collection[str] | None = None,
) -> pl.DataFrame:
    """A row a problem that has samples, or an earlier grader by which it needs none: how many it takes under `config`,
    its `tokens`, the `bytes` of its completions, whether it is `kept`, and how many samples and tokens each way to stop
    takes: `early`, `early_tokens` and so on.

    `samples` has `READ`, `problems` has `id` and what `decide_samples` reads. `begun` are the first steps that were not
    continued (`sampling.first_tokens`), and `paired` the problems that take all samples, where `problems` alone do not
    say so. What a problem takes more than is stored is reckoned like what is stored of it, and where nothing is, like
    the mean of all. Raises InputError where no sample says how many tokens it has.
    """
    counted = samples.drop_nulls("tokens")
    if counted.is_empty():
        raise InputError("no sample says how many tokens it has: the server gives no usage; plan with vLLM's")
    sampling = config.sampling
    begun = guess_lengths(counted, begun, sampling)
    columns = ["problem_id", "length", "bytes"]
    sizes = pl.concat(
        [
            samples.select("problem_id", pl.col("tokens").cast(pl.Float64).alias("length"), _size().alias("bytes")),
            begun.with_columns(bytes=_size() * pl.col("length") / pl.col("tokens").clip(1)).select(columns),
        ]
    )
    stored = sizes.group_by("problem_id").agg(pl.col("length").mean().alias("tokens"), pl.col("bytes").mean())
    evidence = samples.drop("tokens", "completion")
    if paired is None:
        paired = find_paired(problems, config.decide)
    ways, trails = count_ways(evidence, problems, config, paired)
    ours = problems.filter(pl.col("id").is_in(ways["problem_id"].implode()))
    decisions = decide_samples(evidence, ours, sampling.planned, Rules.of(config))
    means = [
        pl.col("tokens").fill_null(sizes["length"].mean()),
        pl.col("bytes").fill_null(sizes["bytes"].mean()),
    ]
    measured = (
        ways.join(stored, on="problem_id", how="left")
        .with_columns(means)
        .join(decisions.select("problem_id", (pl.col("decision") == KEEP).alias("kept")), on="problem_id")
        .with_columns((pl.col("tokens") * pl.col(way)).alias(f"{way}_tokens") for way in WAYS)
    )
    if sampling.first_tokens is not None:
        measured = measured.update(_count_steps(trails, measured, samples, begun, config, paired), on="problem_id")
    # Bytes go with tokens: a first step has its part of them.
    taken = pl.col(f"{sampling.stop}_tokens")
    share = pl.when(pl.col("tokens") > 0).then(taken / pl.col("tokens")).otherwise(pl.col(sampling.stop))
    return measured.with_columns(
        taken.alias("tokens"), pl.col("bytes") * share, pl.col(sampling.stop).alias("samples")
    ).sort("problem_id")


def _size() -> pl.Expr:
    return pl.col("completion").str.len_bytes().cast(pl.Float64)


def _count_steps(
    trails: Sequence[Trail],
    measured: pl.DataFrame,
    samples: pl.DataFrame,
    begun: pl.DataFrame,
    config: Config,
    paired: Collection[str],
) -> pl.DataFrame:
    """What `early` takes of each problem in two steps, in the columns of `measured`."""
    steps, rules = Steps.of(config.sampling.model_copy(update={"stop": "early"})), Rules(config.keep, config.decide)
    usual = dict(measured.select("problem_id", "tokens").iter_rows())
    known = list_known(samples.with_columns(pl.col("tokens").fill_null(pl.col("tokens").mean())), begun)
    rows = []
    for trail in trails:
        id_ = trail.problem
        cost = replay_steps(
            trail, known.get(id_, ()), config.sampling.n, rules, steps, usual[id_], is_paired=id_ in paired
        )
        rows.append((id_, float(cost.samples), cost.tokens))
    schema = {"problem_id": pl.String, "early": pl.Float64, "early_tokens": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_ways(
    samples: pl.DataFrame, problems: pl.DataFrame, config: Config, paired: Collection[str] = frozenset()
) -> tuple[pl.DataFrame, list[Trail]]:
    """How many samples of each problem every way to stop takes, in the columns `WAYS`, where it is asked in order and
    in one step; and the trails that say so. Those that are `paired` take all of them before they are decided early.
    """
    sampling, rules = config.sampling, Rules(config.keep, config.decide)
    trails = follow_samples(samples, problems)
    taken = replay_confident(trails, sampling, replace(rules, confident=sampling), Likeness.read(problems)).taken
    early = [sampling.n if trail.problem in paired else replay_early(trail, sampling.n, rules) for trail in trails]
    rows = zip((trail.problem for trail in trails), repeat(sampling.n), early, taken, strict=False)
    table = pl.DataFrame(rows, schema={"problem_id": pl.String} | dict.fromkeys(WAYS, pl.Float64), orient="row")
    return table, trails


def make_plan(
    measured: pl.DataFrame,
    whole: Whole,
    config: Config,
    speed: Speed = UNTIMED,
    price: float | None = None,
    seed: int = 0,
) -> Plan:
    """The plan for the `whole` from the rows of `measure_problems`; `price` is an engine hour's.

    What was measured is known; only the rest of the set is reckoned.
    """
    count, rest = measured.height, max(whole.problems - measured.height, 0)
    n = config.sampling.n
    draws = np.random.default_rng(seed).integers(0, count, (ROUNDS, count))

    def total(values: pl.Series) -> Range:
        numbers = values.cast(pl.Float64).to_numpy()
        known, mean = float(numbers.sum()), float(numbers.mean())
        means = numbers[draws].mean(axis=1)
        low, high = np.quantile(means, [(1 - SHARE) / 2, (1 + SHARE) / 2])
        return Range(known + rest * mean, known + rest * float(low), known + rest * float(high))

    tokens, early = total(measured["tokens"]), total(measured["early"])
    samples = total(measured["samples"])
    planned = n * max(whole.problems, 1)
    disk = total(measured["bytes"]).times(whole.packed)
    hours = tokens.times(1 / speed.tokens_per_second / HOUR) if speed.tokens_per_second else None
    return Plan(
        pilot=count,
        problems=whole.problems,
        shards=whole.shards,
        n=n,
        stop=config.sampling.stop,
        samples=samples,
        saved=Range(1 - early.value / planned, 1 - early.high / planned, 1 - early.low / planned),
        tokens=tokens,
        kept=total(measured["kept"]),
        storage=Range(disk.value + whole.stored, disk.low + whole.stored, disk.high + whole.stored),
        tokens_per_second=speed.tokens_per_second,
        speed_from=speed.source,
        hours=hours,
        price=price,
        cost=hours.times(price) if hours is not None and price is not None else None,
        full_tokens=total(measured["full_tokens"]),
        early_tokens=total(measured["early_tokens"]),
        confident_tokens=total(measured["confident_tokens"]),
    )


def choose_pilot(ids: Mapping[str, pl.Series], size: int) -> dict[str, list[str]]:
    """Shard -> ids of the `size` problems with the smallest ids: hashes of content, so a random part of the set that is
    the same every time, and that a larger pilot contains.
    """
    tables = [pl.DataFrame({"id": column, "shard": [shard] * len(column)}) for shard, column in ids.items()]
    empty = pl.DataFrame(schema={"id": pl.String, "shard": pl.String})
    smallest = pl.concat([empty, *tables]).unique("id").sort("id").head(size)
    return {str(key[0]): part["id"].to_list() for key, part in smallest.group_by("shard", maintain_order=True)}
