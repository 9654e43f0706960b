"""Decide over tables: counts and majorities in Polars, and the one rule for every distinct count.

No model takes part. The same evidence under new thresholds is new decisions, in seconds.
"""

from collections.abc import Iterable
from functools import cache
from statistics import NormalDist

import polars as pl

from pipeline.decide.confident import Confident, Group, Observed, find_groups, learn_rates
from pipeline.decide.rule import AGREE, CONFIRMED, Counts, Rules, decide_counts
from pipeline.decide.suspects import doubts_premise, says_too_often
from schemas.config import DecideConfig
from schemas.decision import DECISION_DTYPES
from schemas.reasons import Reason, Verdict
from schemas.sample import IMPORTED
from schemas.suspects import find_suspects

Z = NormalDist().inv_cdf(0.95)
"""Two-sided 90%."""
NEEDED = ("problem_id", "prompt", "index", "answer", "answer_key", "verdict", "says_missing")
COUNTS = ("correct", "votes", "unknown", "n", "planned", "doubt")
"""The columns that make a `Counts`, in its order."""
FORECAST = ("forecast", "forecast_low", "forecast_high")
SHOWN = 60


def decide_samples(
    samples: pl.DataFrame | pl.LazyFrame,
    problems: pl.DataFrame,
    planned: int,
    rules: Rules,
    grading_pass: int = 1,
    evidence: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row of the decision contract for each distinct `id` of `problems`, in their order.

    `samples` are the sample contract's columns in `NEEDED`, each sample once. `evidence` names which of them count, by
    any of `SAMPLE_KEY`'s columns (all where it is None). With an `answer` column in `problems` the detail of a
    contradicted label shows it; with `history` the screen's suspects are known. Samples without the column
    `says_missing` say nothing of missing premises. A problem without samples is undetermined. Unknown samples count in
    `n` and nowhere else: majorities are over samples with a verdict, those that are correct being one class. Without
    answer keys, as of programs, there is no majority.
    """
    taken = samples.lazy()
    if "says_missing" not in taken.collect_schema():
        taken = taken.with_columns(pl.lit(None, pl.Boolean).alias("says_missing"))
    if evidence is not None:
        taken = taken.join(evidence.lazy(), on=evidence.columns, how="semi")
    verdict = pl.col("verdict")
    right = (verdict == Verdict.CORRECT) & pl.col("answer_key").is_not_null()
    answer_class = pl.when(right).then(pl.lit("")).when(verdict == Verdict.WRONG).then("answer_key")
    classes = (
        taken.sort("index")
        .group_by("problem_id", "verdict", answer_class.alias("class"))
        .agg(
            pl.len().cast(pl.Int32).alias("votes"),
            pl.coalesce("answer", "answer_key").first().alias("answer"),
            (pl.col("prompt") == IMPORTED).any().alias("imported"),
            pl.col("says_missing").sum(),
        )
        .sort("votes", verdict == Verdict.CORRECT, "class", descending=[True, True, False])
    )
    named = pl.col("class").is_not_null()
    counts = classes.group_by("problem_id").agg(
        pl.col("votes").sum().alias("n"),
        *(pl.col("votes").filter(verdict == v.value).sum().alias(v.value) for v in Verdict),
        pl.col("votes").filter(named & (verdict == Verdict.WRONG)).max().fill_null(0).alias("votes"),
        pl.col("votes").filter(named).max().alias("most"),
        pl.col("votes").filter(named).sum().alias("answers"),
        pl.col("says_missing").sum(),
        pl.col("answer").filter(named).first().alias("majority_answer"),
        pl.col("imported").any(),
    )
    wanted = (
        problems.lazy()
        .select("id", *(["answer"] if "answer" in problems.columns else []))
        .unique("id", keep="first", maintain_order=True)
    )
    table = (
        wanted.rename({"id": "problem_id"})
        .join(counts, on="problem_id", how="left", maintain_order="left")
        .join(find_suspects(problems).lazy(), on="problem_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("n", "votes", *(v.value for v in Verdict)).fill_null(0),
            pl.when("imported").then("n").otherwise(pl.lit(planned)).cast(pl.Int32).alias("planned"),
            pl.lit(grading_pass, pl.Int8).alias("grading_pass"),
            (pl.col("most") / pl.col("n")).alias("majority_share"),
            *rate_interval(pl.col("correct"), pl.col("correct") + pl.col("wrong")),
            *_doubt(rules.decide),
        )
        .collect()
    )
    if "answer" not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias("answer"))
    return (
        _rule_table(table, problems, rules)
        .with_columns(_name_answers())
        .with_columns(_name_suspicions())
        .with_columns(repaired_label=None)
        .select(pl.col(name).cast(dtype) for name, dtype in DECISION_DTYPES.items())
    )


def rate_interval(correct: pl.Expr, known: pl.Expr) -> list[pl.Expr]:
    """`pass_rate`, `pass_rate_low` and `pass_rate_high`: Wilson's score interval at 90% (Wilson, 1927); null where
    nothing is known."""
    n = pl.when(known > 0).then(known).cast(pl.Float64)
    rate = correct / n
    middle = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * (rate * (1 - rate) / n + Z * Z / (4 * n * n)).sqrt()
    return [
        rate.alias("pass_rate"),
        (middle - half).clip(0, rate).alias("pass_rate_low"),
        (middle + half).clip(rate, 1).alias("pass_rate_high"),
    ]


def _doubt(decide: DecideConfig) -> list[pl.Expr]:
    """`doubt`, `suspicion` and `seen`: of the screen's suspects, and by what samples say of a premise."""
    screened = pl.col("suspicion").is_not_null()
    missing, answers = pl.col("says_missing").fill_null(0), pl.col("answers").fill_null(0)
    premise = pl.lit(False) | doubts_premise(missing, pl.col("n"), answers, pl.col("most"), decide)
    missing_premise = pl.when(says_too_often(missing, pl.col("n"), decide))
    seen = missing_premise.then(pl.format("{} of {} say that something is missing", missing, "n")).otherwise(
        pl.lit("no two answers agree")
    )
    by_samples = premise.fill_null(False) & ~screened
    return [
        pl.when(screened & pl.col("unreadable"))
        .then(pl.lit("unreadable"))
        .when(screened | by_samples)
        .then(pl.lit("suspect"))
        .otherwise(pl.lit("none"))
        .alias("doubt"),
        pl.when(by_samples).then(pl.lit(Reason.MISSING_PREMISE.value)).otherwise("suspicion").alias("suspicion"),
        pl.when(by_samples).then(seen).otherwise("seen").alias("seen"),
    ]


def _name_suspicions() -> list[pl.Expr]:
    """The decision and the detail of a suspect: what it was suspected of, and what its samples say of that."""
    confirmed = pl.col("decision") == CONFIRMED
    suspected = pl.col("suspicion").is_not_null()
    noted = pl.format("{}; suspected of {}: {}", "detail", "suspicion", "seen")
    return [
        pl.when(confirmed).then("suspicion").otherwise("decision").alias("decision"),
        pl.when(suspected).then(noted).otherwise("detail").alias("detail"),
    ]


def _rule_table(table: pl.DataFrame, problems: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add `decision`, `detail` and `FORECAST`, by the scalar rule over the distinct counts: a few hundred."""
    counted = [Counts(*counts) for counts in table.select(COUNTS).iter_rows()]
    schema = {"decision": pl.String, "detail": pl.String} | dict.fromkeys(FORECAST, pl.Float64)
    if rules.confident is None:
        count = cache(decide_counts)
        decided = [(*count(counts, rules), None, None, None) for counts in counted]
        return table.hstack(pl.DataFrame(decided, schema=schema, orient="row"))
    known = find_groups(problems)
    groups = [known[id_] for id_ in table["problem_id"]]
    rule = Confident(rules, rules.confident, learn_rates(map(Observed, groups, counted)))

    @cache
    def decide(counts: Counts, group: Group) -> tuple[str, str, float, float, float]:
        return *rule.decide(counts, group), *rule.forecast(counts, group)

    return table.hstack(pl.DataFrame([*map(decide, counted, groups)], schema=schema, orient="row"))


def _name_answers() -> pl.Expr:
    """The detail of a contradicted label with both answers in it."""
    answers = pl.format("say {}, the label says {}", _shorten("majority_answer"), _shorten("answer"))
    contradicted = (pl.col("decision") == Reason.LABEL_CONTRADICTED) & pl.col("answer").is_not_null()
    named = pl.col("detail").str.replace(AGREE, answers, literal=True)
    return pl.when(contradicted).then(named).otherwise("detail").alias("detail")


def _shorten(column: str) -> pl.Expr:
    text = pl.col(column).str.replace_all(r"\s+", " ")
    return pl.when(text.str.len_chars() > SHOWN).then(text.str.head(SHOWN - 3) + "...").otherwise(text)


def compare_decisions(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """How decisions moved: `old`, `new`, `problems`, most first; null for a problem that one side does not have."""
    both = old.select("problem_id", pl.col("decision").alias("old")).join(
        new.select("problem_id", pl.col("decision").alias("new")), on="problem_id", how="full", coalesce=True
    )
    return count_moves([both.group_by("old", "new").agg(pl.len().alias("problems"))])


def count_moves(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The comparison of several shards as one."""
    empty = pl.DataFrame(schema={"old": pl.String, "new": pl.String, "problems": pl.Int64})
    every = pl.concat([empty, *(part.cast({"problems": pl.Int64}) for part in parts)])
    return (
        every.group_by("old", "new")
        .agg(pl.col("problems").sum())
        .sort("problems", "old", "new", descending=[True, False, False])
    )
