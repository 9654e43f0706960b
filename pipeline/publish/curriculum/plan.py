"""Bands, order and weights of problems, from their pass rates alone: pure functions over tables.

What was left out: difficulty that is learned from the text, and an order within a band that looks at topics. A pass
rate of the model that is trained says more than either.
"""

from collections.abc import Mapping

import polars as pl

from schemas.config import CurriculumConfig
from schemas.config.curriculum import RETIRED

PLAN_DTYPES: dict[str, pl.DataType] = {
    "band": pl.String(),
    "weight": pl.Float64(),
    "position": pl.Int64(),
}
"""`position` is the place in the order, from 0; null for what is left out. Weights have a mean of 1."""


def name_band(rate: pl.Expr, bands: Mapping[str, float]) -> pl.Expr:
    """The band of a pass rate: the first whose highest rate is not below it; null without a rate."""
    return pl.coalesce(pl.when(rate <= highest).then(pl.lit(name)) for name, highest in bands.items())


def find_bounds(bands: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Band -> the rates between which it lies; the lower one is the next band's, but for 0."""
    names = list(bands)
    return {name: (bands[names[k - 1]] if k else 0.0, bands[name]) for k, name in enumerate(names)}


def plan_curriculum(problems: pl.DataFrame, config: CurriculumConfig) -> pl.DataFrame:
    """`id` and `PLAN_DTYPES` of each problem, in the order of `problems` (`id`, `domain`, `rate`, and `band`, which is
    set where there is no such column).

    A problem without a rate, one that is retired and one beyond its domain's quota has no position; the first two weigh
    nothing.
    """
    if "band" not in problems.columns:
        problems = problems.with_columns(name_band(pl.col("rate"), config.bands).alias("band"))
    planned = problems.filter(pl.col("band").is_not_null() & (pl.col("band") != RETIRED))
    weights = _weigh(planned, config)
    ordered = _order(planned, config).select("id", position=pl.int_range(pl.len(), dtype=pl.Int64))
    joined = problems.select("id", "band")
    for table in (weights, ordered):
        joined = joined.join(table, on="id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("weight").fill_null(0.0)).select(
        "id", *(pl.col(name).cast(dtype) for name, dtype in PLAN_DTYPES.items())
    )


def _weigh(planned: pl.DataFrame, config: CurriculumConfig) -> pl.DataFrame:
    """`id`, `weight`: that of the band times quota over share of the domain, with a mean of 1."""
    weight = pl.col("band").replace_strict(config.weights, default=1.0, return_dtype=pl.Float64)
    if config.quotas:
        quota = pl.col("domain").replace_strict(config.quotas, default=0.0, return_dtype=pl.Float64)
        weight = weight * quota / (pl.len().over("domain") / pl.len())
    table = planned.select("id", weight=weight)
    mean = table["weight"].mean()
    return table.with_columns(pl.col("weight") / mean) if mean else table


def _order(planned: pl.DataFrame, config: CurriculumConfig) -> pl.DataFrame:
    """The problems in order, without those beyond the quotas."""
    rate = pl.col("rate")
    keys = {
        "easy_to_hard": [-rate],
        "hard_to_easy": [rate],
        "target": [(rate - config.target).abs()],
        "random": [],
    }
    ordered = planned.sort(*keys[config.order], "id")
    if not config.quotas:
        return ordered
    counts = dict(ordered["domain"].value_counts().iter_rows())
    whole = min(counts.get(domain, 0) / quota for domain, quota in config.quotas.items())
    parts = []
    for domain, quota in config.quotas.items():
        part = ordered.filter(pl.col("domain") == domain)
        number = min(round(quota * whole), part.height)
        # Under `target` the nearest are taken; else evenly many from everywhere, so that the range of rates stays.
        places = [k if config.order == "target" else (2 * k + 1) * part.height // (2 * number) for k in range(number)]
        taken = part[places]
        parts.append(taken.with_columns(at=(pl.int_range(pl.len()) + 0.5) / max(number, 1)))
    return pl.concat(parts).sort("at", "id")
