"""Bands, order, quotas and weights."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.publish.curriculum.plan import find_bounds, name_band, plan_curriculum
from schemas.config import CurriculumConfig
from schemas.config.curriculum import RETIRED

RATES = st.lists(
    st.tuples(st.sampled_from(["math", "code"]), st.none() | st.integers(0, 16).map(lambda k: k / 16)), max_size=60
)


def make(rows: list[tuple[str, float | None]]) -> pl.DataFrame:
    named = [(f"{k:016x}", domain, rate) for k, (domain, rate) in enumerate(rows)]
    return pl.DataFrame(named, schema={"id": pl.String, "domain": pl.String, "rate": pl.Float64}, orient="row")


def order(problems: pl.DataFrame, **settings: object) -> pl.DataFrame:
    plan = plan_curriculum(problems, CurriculumConfig.model_validate(settings))
    return problems.join(plan, on="id").filter(pl.col("position").is_not_null()).sort("position")


@given(st.lists(st.floats(0, 1), min_size=1))
def test_every_rate_is_in_the_one_band_whose_bounds_hold_it(rates: list[float]) -> None:
    bands = CurriculumConfig().bands
    table = pl.DataFrame({"rate": rates}).with_columns(band=name_band(pl.col("rate"), bands))
    for rate, band in table.iter_rows():
        low, high = find_bounds(bands)[band]
        assert low < rate <= high or rate == low == 0


@given(RATES, st.sampled_from(["easy_to_hard", "hard_to_easy", "target", "random"]))
def test_every_rated_problem_has_one_place(rows: list[tuple[str, float | None]], kind: str) -> None:
    problems = make(rows)
    plan = plan_curriculum(problems, CurriculumConfig.model_validate({"order": kind}))
    assert plan["id"].to_list() == problems["id"].to_list()
    rated = [rate is not None for _, rate in rows]
    assert plan["position"].is_not_null().to_list() == rated
    assert sorted(plan["position"].drop_nulls()) == list(range(sum(rated)))
    assert [weight > 0 for weight in plan["weight"]] == rated


@given(RATES)
def test_the_order_is_by_difficulty(rows: list[tuple[str, float | None]]) -> None:
    problems = make(rows)
    easy = order(problems, order="easy_to_hard")["rate"].to_list()
    assert easy == sorted(easy, reverse=True)
    hard = order(problems, order="hard_to_easy")["rate"].to_list()
    assert hard == sorted(hard)
    away = [abs(rate - 0.3) for rate in order(problems, order="target", target=0.3)["rate"]]
    assert away == sorted(away)


@given(RATES, st.sampled_from([0.2, 0.5, 0.75]), st.sampled_from(["easy_to_hard", "target"]))
def test_quotas_hold_in_every_stretch(rows: list[tuple[str, float | None]], quota: float, kind: str) -> None:
    ordered = order(make(rows), order=kind, quotas={"math": quota, "code": 1 - quota})
    domains = ordered["domain"].to_list()
    for end in range(1, len(domains) + 1):
        assert abs(domains[:end].count("math") - quota * end) <= 2
    counts = {domain: sum(1 for d, rate in rows if d == domain and rate is not None) for domain in ("math", "code")}
    scarce = min(counts["math"] / quota, counts["code"] / (1 - quota))
    assert abs(len(domains) - scarce) <= 1


def test_a_quota_takes_from_the_whole_range_of_rates() -> None:
    rows: list[tuple[str, float | None]] = [("math", k / 16) for k in range(1, 13)] + [("code", 0.5)] * 3
    taken = order(make(rows), quotas={"math": 0.5, "code": 0.5}).filter(pl.col("domain") == "math")["rate"].to_list()
    assert len(taken) == 3
    assert taken[0] > 0.5 > taken[-1]


@given(RATES)
def test_weights_follow_bands_and_quotas_with_a_mean_of_one(rows: list[tuple[str, float | None]]) -> None:
    problems = make([*rows, ("math", 0.1), ("math", 0.9), ("code", 0.2)])
    config = CurriculumConfig(weights={"hard": 3.0, "easy": 0.5}, quotas={"math": 0.8, "code": 0.2})
    table = problems.join(plan_curriculum(problems, config), on="id").filter(pl.col("rate").is_not_null())
    assert table["weight"].mean() == pytest.approx(1)
    first = {key: part["weight"][0] for key, part in table.group_by("domain", "band")}
    assert first["math", "hard"] / first["math", "easy"] == pytest.approx(6)
    math, code = (table.filter(pl.col("domain") == domain).height for domain in ("math", "code"))
    assert first["math", "hard"] / first["code", "hard"] == pytest.approx(0.8 / math / (0.2 / code))


def test_what_is_retired_is_out_of_the_order() -> None:
    problems = make([("math", 0.5), ("math", 0.5)]).with_columns(band=pl.Series(["medium", RETIRED]))
    plan = plan_curriculum(problems, CurriculumConfig())
    assert plan["position"].to_list() == [0, None]
    assert plan["weight"].to_list() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bands": {"hard": 0.5, "easy": 0.25}}, "ascending"),
        ({"bands": {"hard": 0.5}}, "up to 1"),
        ({"bands": {"retired": 1.0}}, "retired"),
        ({"weights": {"hrad": 2}}, "hrad"),
        ({"quotas": {"math": 0.5, "code": 0.4}}, "0.9, not 1"),
    ],
)
def test_a_curriculum_that_cannot_be_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CurriculumConfig.model_validate(settings)
