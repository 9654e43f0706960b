"""Decide over tables: counts and majorities in Polars, and the one rule for every distinct count.

No model takes part. The same evidence under new thresholds is new decisions, in seconds.
"""

from collections.abc import Iterable
from functools import cache
from statistics import NormalDist

import polars as pl

from pipeline.decide.confident import Group, find_groups, learn_rule
from pipeline.decide.likeness import Likeness
from pipeline.decide.rule import AGREE, CONFIRMED, Counts, Rules, decide_counts
from pipeline.decide.suspects import BY_SAMPLES, says_too_often
from schemas.decision import DECISION_DTYPES
from schemas.reasons import Reason, Verdict
from schemas.sample import IMPORTED
from schemas.suspects import find_suspects

Z = NormalDist().inv_cdf(0.95)
"""Two-sided 90%."""
NEEDED = ("problem_id", "prompt", "index", "answer", "answer_key", "verdict", "says_missing")
COUNTS = ("correct", "votes", "unknown", "n", "planned", "doubt", "answers", "lacking")
"""The columns that make a `Counts`, in its order."""
FORECAST = ("forecast", "forecast_low", "forecast_high")
READ = ("answer", "domain")
"""Columns of problems that are read where they are there."""
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
    contradicted label shows it; with `history` the screen's suspects are known, with `domain` the code, and with
    `statement` what `sampling.stop: confident` expects of problems that are alike. Samples without the column
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
            pl.col("says_missing").sum().alias("lacking"),
            pl.col("says_missing").is_not_null().any().alias("is_read"),
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
        pl.col("lacking").sum(),
        pl.col("is_read").any(),
        pl.col("answer").filter(named).first().alias("majority_answer"),
        pl.col("imported").any(),
    )
    absent = [pl.lit(None, pl.String).alias(name) for name in READ if name not in problems.columns]
    wanted = problems.lazy().with_columns(absent).select("id", *READ).unique("id", keep="first", maintain_order=True)
    table = (
        wanted.rename({"id": "problem_id"})
        .join(counts, on="problem_id", how="left", maintain_order="left")
        .join(find_suspects(problems).lazy(), on="problem_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("n", "votes", "answers", "lacking", *(v.value for v in Verdict)).fill_null(0),
            pl.when("imported").then("n").otherwise(pl.lit(planned)).cast(pl.Int32).alias("planned"),
            pl.lit(grading_pass, pl.Int8).alias("grading_pass"),
            (pl.col("most") / pl.col("n")).alias("majority_share"),
            *rate_interval(pl.col("correct"), pl.col("correct") + pl.col("wrong")),
            _doubt().alias("doubt"),
        )
        .collect()
    )
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


def _doubt() -> pl.Expr:
    """What `pipeline.decide.suspects.doubt_problem` says of each problem."""
    screened = pl.when(pl.col("unreadable")).then(pl.lit("unreadable")).otherwise(pl.lit("suspect"))
    by_samples = pl.when("is_read").then(pl.lit("open")).otherwise(pl.lit("unread"))
    return (
        pl.when(pl.col("suspicion").is_not_null())
        .then(screened)
        .when(pl.col("domain") == "code")
        .then(pl.lit("none"))
        .otherwise(by_samples)
    )


def _see_premise(counts: Counts, rules: Rules) -> str | None:
    """How the samples show that a premise is missing; None where they do not, or the screen suspected it before."""
    if counts.doubt not in BY_SAMPLES or rules.see_doubt(counts) == "none":
        return None
    if says_too_often(counts.lacking, counts.taken, rules.missing_share):
        return f"{counts.lacking} of {counts.taken} say that something is missing"
    return "no two answers agree"


def _name_suspicions() -> list[pl.Expr]:
    """The decision, the detail and the suspicion of a suspect: what it was suspected of, and what its samples say of
    that."""
    confirmed = pl.col("decision") == CONFIRMED
    by_samples = pl.when(pl.col("premise").is_not_null()).then(pl.lit(Reason.MISSING_PREMISE.value))
    suspicion, seen = pl.coalesce(by_samples, "suspicion"), pl.coalesce("premise", "seen")
    noted = pl.format("{}; suspected of {}: {}", "detail", suspicion, seen)
    return [
        pl.when(confirmed).then(suspicion).otherwise("decision").alias("decision"),
        pl.when(suspicion.is_not_null()).then(noted).otherwise("detail").alias("detail"),
        suspicion.alias("suspicion"),
    ]


def _rule_table(table: pl.DataFrame, problems: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add `decision`, `detail`, `FORECAST` and `premise`, by the scalar rule over the distinct counts: hundreds."""
    counted = [Counts(*counts) for counts in table.select(COUNTS).iter_rows()]
    seen = [_see_premise(counts, rules) for counts in counted]
    table = table.with_columns(premise=pl.Series(seen, dtype=pl.String))
    schema = {"decision": pl.String, "detail": pl.String} | dict.fromkeys(FORECAST, pl.Float64)
    if rules.confident is None:
        count = cache(decide_counts)
        decided = [(*count(counts, rules), None, None, None) for counts in counted]
        return table.hstack(pl.DataFrame(decided, schema=schema, orient="row"))
    counts = dict(zip(table["problem_id"], counted, strict=True))
    rule, known = learn_rule(rules, rules.confident, find_groups(problems), counts, Likeness.read(problems))
    groups = [known[id_] for id_ in table["problem_id"]]

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
