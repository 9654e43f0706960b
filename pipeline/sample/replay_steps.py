"""What sampling in two steps takes of samples whose lengths are known, for a plan.

A problem is replayed as it is sampled (`pipeline.sample.steps`): new samples in the order of their indices, those that
the first step cuts left open, and continued by the same choice. The whole length of one that was never continued is not
known; it is taken for the mean of those that went on, and for `sampling.max_tokens` where none did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from pipeline.decide.rule import Rules
from pipeline.decide.trail import Outcome, Trail, follow_outcomes
from pipeline.sample.steps import Row, Steps
from pipeline.sample.stop import samples_needed
from schemas.config import SamplingConfig


class Known(NamedTuple):
    """A stored sample: how long it is as a whole, and what it says; None where it was cut and never continued."""

    length: float
    outcome: Outcome | None


@dataclass(frozen=True)
class Cost:
    """What a problem takes: outcomes, and the tokens of all that is generated for them."""

    samples: int
    tokens: float


def guess_lengths(whole: pl.DataFrame, begun: pl.DataFrame, sampling: SamplingConfig) -> pl.DataFrame:
    """`begun` with the `length` that each of its samples is taken to have as a whole: never less than what is there.

    Both have `problem_id` and `tokens`. One that was cut is as long as those of its problem that are longer, or those
    of all problems, or `sampling.max_tokens`.
    """
    cut = begun["tokens"].min()
    longer = whole.filter(pl.col("tokens") > (0 if cut is None else cut))
    own = longer.group_by("problem_id").agg(pl.col("tokens").mean().alias("length"))
    usual = sampling.max_tokens if longer.is_empty() else longer["tokens"].mean()
    least = pl.col("tokens").cast(pl.Float64)
    return begun.join(own, on="problem_id", how="left", maintain_order="left").with_columns(
        pl.max_horizontal(pl.col("length").fill_null(usual), least).alias("length")
    )


def list_known(whole: pl.DataFrame, begun: pl.DataFrame) -> dict[str, list[Known]]:
    """Problem -> its stored samples in the order of their indices. `whole` has what `follow_samples` reads and
    `tokens`, `begun` what `guess_lengths` gives."""
    said = ("verdict", "answer_key", "says_missing")
    absent = [pl.lit(None, pl.Boolean).alias(name) for name in said[2:] if name not in whole.columns]
    rows = [
        (*row[:3], row[3:])
        for row in whole.with_columns(absent).select("problem_id", "index", "tokens", *said).iter_rows()
    ]
    rows += [(*row, None) for row in begun.select("problem_id", "index", "length").iter_rows()]
    known: dict[str, list[Known]] = {}
    for problem, _, length, outcome in sorted(rows, key=lambda row: row[:2]):
        known.setdefault(problem, []).append(Known(length, outcome))
    return known


def replay_steps(
    trail: Trail,
    known: Sequence[Known],
    planned: int,
    rules: Rules,
    steps: Steps,
    usual: float,
    is_paired: bool = False,
) -> Cost:
    """What a problem takes in two steps: in the place of `replay_early`, which is of one.

    Where what is stored does not settle it, what is needed at the very least is added, each as long as `usual`. A
    problem that `is_paired` takes all of them.
    """
    if steps.first is None:
        raise ValueError("there is no first step to replay")
    first = steps.first.max_tokens
    waiting = list(known)
    begun: dict[int, Row] = {}
    taken: list[Outcome] = []
    tokens, lacking, at = 0.0, 0, 0
    while not lacking:
        counts = follow_outcomes(trail.problem, taken, trail.group, trail.doubt).after(len(taken), planned)
        needed = counts.missing if is_paired else samples_needed(counts, rules)
        if not needed:
            break
        new, cut = steps.choose(needed, counts.missing, counts.correct, begun)
        for row in cut:
            sample = row["sample"]
            tokens += max(sample.length - first, 0)
            if sample.outcome is None:
                lacking += 1
            else:
                taken.append(sample.outcome)
        for sample in waiting[:new]:
            if sample.outcome is not None and sample.length <= first:
                tokens += sample.length
                taken.append(sample.outcome)
            else:
                tokens += first
                begun[at] = {"sample": sample}
            at += 1
        absent = max(new - len(waiting), 0)
        lacking, tokens, waiting = lacking + absent, tokens + absent * usual, waiting[new:]
    return Cost(len(taken) + lacking, tokens)
