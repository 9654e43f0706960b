"""The witnesses of a run heard: coins learned over all of it, then an outcome for every label, a shard at a time.

Pure functions of the evidence and the config; no model takes part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from pipeline.labels.calibration import Calibration, measure_calibration
from pipeline.labels.gather import (
    CLASHING,
    DOUBTED,
    DUPLICATE,
    GRADER,
    LABEL,
    PERSON,
    SOLUTION,
    SOLVED,
    STANDING,
    STRENGTH,
)
from pipeline.labels.reliability import (
    SHARED,
    SHARED_IN_CLASH,
    Coins,
    Floats,
    Votes,
    learn_coins,
    start_coins,
    weigh_votes,
)
from pipeline.labels.twins import Apart
from schemas.config import LabelsConfig
from schemas.label import LABEL_DTYPES, LabelOutcome

PRIORS: dict[str, tuple[float, float]] = {
    LABEL: (18.0, 2.0),
    SOLVED: (19.0, 1.0),
    DOUBTED: (12.0, 8.0),
    CLASHING: (4.0, 6.0),
    DUPLICATE: (4.0, 6.0),
    SOLUTION: (8.0, 12.0),
    PERSON: (9990.0, 10.0),
}
"""Right and wrong answers that a witness starts from, by its name or else its kind. Labels: nine of ten are right in
sets that people have audited. In a clash at most one is: of 105 clashing pairs that were worked out, a label was right
in 0.36, and none of the two in 34. A person is asked
about what the others could not settle, and outweighs a label and a grader."""
BACKING = 0.5
"""The share of its votes that a witness gives an answer which it stands behind."""
REACHED = 0.03
"""The share of votes from which on a grader has reached an answer, rather than stumbled on it. In clashes that were
worked out and where a model reaches two labels, the better rated one is right in 5 of 10."""
PERCENT = 100


@dataclass(frozen=True)
class Witnesses:
    """What a run taught of its witnesses: their names, in the order of the coins."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    coins: Coins
    calibration: Calibration
    problems: int
    """How many problems it was learned from."""
    apart: Apart = frozenset()
    """Clashing copies that are two problems."""

    def to_json(self) -> dict[str, Any]:
        overall = self.coins.overall()
        return {
            "problems": self.problems,
            "levels": self.coins.levels.tolist(),
            "witnesses": [
                {
                    "name": name,
                    "kind": kind,
                    "graded": bool(self.coins.graded[at]),
                    "ability": float(self.coins.ability[at]),
                    "right": float(self.coins.right[at]),
                    "reliability": float(overall[at]),
                }
                for at, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True))
            ],
            "calibration": self.calibration.to_json(),
            "apart": sorted(self.apart),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Witnesses":
        rows = data["witnesses"]
        names, kinds = tuple(row["name"] for row in rows), tuple(row["kind"] for row in rows)
        coins = Coins(
            np.array([row["graded"] for row in rows], dtype=np.bool_),
            np.array([row["ability"] for row in rows], dtype=np.float64),
            np.array([row["right"] for row in rows], dtype=np.float64),
            np.array(data["levels"], dtype=np.float64),
            _describe(kinds, names)[2],
        )
        return cls(
            names,
            kinds,
            coins,
            Calibration.from_json(data["calibration"]),
            data["problems"],
            frozenset((problem, twin) for problem, twin in data.get("apart", ())),
        )


def learn_witnesses(votes: pl.DataFrame) -> Witnesses:
    """Learn every witness's coin from the votes of `gather_votes`, of any number of shards."""
    named = votes.group_by("witness").agg(pl.col("kind").first()).sort("witness")
    names, kinds = tuple(named["witness"]), tuple(named["kind"])
    table = _arrange(votes, names)
    graded, prior, shared = _describe(kinds, names)
    coins = learn_coins(table, graded, prior, shared)
    muted = coins.muted
    if muted.any():
        # Heard no more: what they said made problems look harder than they are.
        again = learn_coins(table.without(muted), graded, prior, shared)
        coins = replace(again, ability=np.where(muted, coins.ability, again.ability))
    label = np.array([kind == LABEL for kind in kinds], dtype=np.bool_)
    ours = votes.select(pl.col("class") == "").to_series().to_numpy()
    is_label = np.zeros(len(table.problem), dtype=np.bool_)
    is_label[table.candidate[ours]] = True
    calibration = measure_calibration(table.without(coins.muted | label), coins, is_label)
    return Witnesses(names, kinds, coins, calibration, votes["problem_id"].n_unique())


def _describe(kinds: tuple[str, ...], names: tuple[str, ...]) -> tuple[Any, Floats, Floats]:
    """Whether each witness is a grader, the prior of its coin, and the share of its mistakes that graders make too."""
    graded = np.array([kind.startswith(GRADER) for kind in kinds], dtype=np.bool_)
    flat = [PRIORS.get(name, PRIORS.get(kind, (1.0, 1.0))) for name, kind in zip(names, kinds, strict=True)]
    clashing = [kind == DUPLICATE or name == CLASHING for name, kind in zip(names, kinds, strict=True)]
    return graded, np.array(flat, dtype=np.float64).reshape(-1, 2), np.where(clashing, SHARED_IN_CLASH, SHARED)


def _arrange(votes: pl.DataFrame, names: tuple[str, ...]) -> Votes:
    """Votes as arrays; candidates in the order in which `_list_candidates` has them."""
    candidates = _list_candidates(votes).with_row_index("candidate")
    placed = votes.join(candidates, on=("problem_id", "class"), how="left", maintain_order="left")
    index = {name: at for at, name in enumerate(names)}
    strength = pl.col("share") * pl.when(pl.col("kind").str.starts_with(GRADER)).then(
        pl.min_horizontal(pl.col("n").cast(pl.Float64), pl.lit(STRENGTH))
    ).otherwise(1.0)
    return Votes(
        candidates["problem_id"].rle_id().to_numpy().astype(np.int64),
        placed["candidate"].to_numpy().astype(np.int64),
        placed["witness"].replace_strict(index, return_dtype=pl.Int64).to_numpy().astype(np.int64),
        placed.select(strength).to_series().to_numpy(),
    )


def _list_candidates(votes: pl.DataFrame) -> pl.DataFrame:
    """Every answer that was given, problem by problem in the order of `votes`, the label first."""
    return votes.select("problem_id", "class").unique(maintain_order=True)


def judge_labels(votes: pl.DataFrame, witnesses: Witnesses, config: LabelsConfig) -> pl.DataFrame:
    """The outcome of every problem in `votes`, in their order, in the columns of the label contract.

    A witness that is not among `witnesses` counts by its prior. Where the label and one kind of witness are all there
    is, the outcome is `kept`: two that differ cannot tell which of them is wrong, and the samples' counts decide.
    """
    known = dict(zip(witnesses.names, range(len(witnesses.names)), strict=True))
    new = votes.filter(~pl.col("witness").is_in(list(known))).select("witness", "kind").unique(maintain_order=True)
    names = (*witnesses.names, *new["witness"])
    coins = _extend(witnesses.coins, tuple(new["kind"]), tuple(new["witness"]))
    posterior = weigh_votes(_arrange(votes, names).without(coins.muted), coins).answer
    overall = pl.DataFrame(
        {"witness": names, "reliability": coins.overall(), "muted": coins.muted},
        schema_overrides={"witness": pl.String},
    )
    # A posterior of 1 - 1e-17 is as good as 1.
    answers = _list_candidates(votes).with_columns(posterior=pl.Series(posterior, dtype=pl.Float64).clip(0, 1))
    known_votes = votes.join(overall, on="witness", how="left", maintain_order="left")
    beside = (pl.col("kind") != LABEL) & ~pl.col("muted")
    counted_grader = pl.col("kind").str.starts_with(GRADER) & ~pl.col("muted")
    each = known_votes.group_by("problem_id", "class", maintain_order=True).agg(
        answer=pl.col("answer").sort_by("kind", descending=True).first(),
        of_a_copy=pl.col("witness").str.starts_with(STANDING).any(),
        rival=(pl.col("kind") == DUPLICATE).any() & (pl.col("share").filter(counted_grader).max() >= REACHED),
        backing=pl.col("kind").filter(beside & (pl.col("share") >= BACKING)).unique(maintain_order=True),
    )
    ranked = answers.join(each, on=("problem_id", "class"), how="left", maintain_order="left")
    labels = ranked.filter(pl.col("class") == "").select(
        "problem_id", label="answer", label_posterior="posterior", upheld="backing"
    )
    contested = ranked.filter(pl.col("rival").fill_null(False) & (pl.col("class") != ""))["problem_id"]
    best = (
        ranked.sort("posterior", descending=True, maintain_order=True)
        .group_by("problem_id", maintain_order=True)
        .agg(pl.all().first())
        .rename({"class": "answer_class"})
    )
    statements = known_votes.group_by("problem_id", maintain_order=True).agg(
        independent=pl.col("kind").filter(beside).n_unique(),
        clash=(pl.col("witness") == CLASHING).any(),
        witnesses=pl.struct(
            "kind",
            "witness",
            "answer",
            for_label=pl.col("class") == "",
            share="share",
            n="n",
            reliability="reliability",
        ),
    )
    table = statements.join(labels, on="problem_id", how="left", maintain_order="left").join(
        best, on="problem_id", how="left", maintain_order="left"
    )
    return _rule(table.with_columns(contested=pl.col("problem_id").is_in(contested.implode())), config).select(
        pl.col(name).cast(dtype) for name, dtype in LABEL_DTYPES.items()
    )


def _extend(coins: Coins, kinds: tuple[str, ...], names: tuple[str, ...]) -> Coins:
    graded, prior, shared = _describe(kinds, names)
    more = start_coins(graded, prior, shared)
    return Coins(
        np.concatenate([coins.graded, more.graded]),
        np.concatenate([coins.ability, more.ability]),
        np.concatenate([coins.right, more.right]),
        coins.levels,
        np.concatenate([coins.shared, more.shared]),
    )


def _rule(table: pl.DataFrame, config: LabelsConfig) -> pl.DataFrame:
    """Outcome and detail. A label that falls with nothing to replace it must be half as likely to be right.

    A clash is never decided by default, and never repaired to what a copy in the set says, which stands for itself. Its
    label is kept as the best held answer where no grader reaches another of the labels, or with `config.kinds`
    independent kinds behind it, or a person: one model that reaches two labels gives the right one less often about as
    often as not.
    """
    other = pl.col("answer_class") != ""
    holds = other & (pl.col("posterior") >= config.sure)
    backed = pl.col("backing").list.len() >= config.kinds
    upheld = (pl.col("upheld").list.len() >= config.kinds) | pl.col("upheld").list.contains(PERSON)
    chosen = (pl.col("label_posterior") >= config.clash) & ~other & (~pl.col("contested") | upheld)
    held = pl.when("clash").then(chosen).otherwise(pl.col("label_posterior") >= config.doubt)
    outcome = (
        pl.when(pl.col("independent") < 2)
        .then(pl.lit(LabelOutcome.KEPT.value))
        .when(holds & backed & ~pl.col("of_a_copy") & config.repair)
        .then(pl.lit(LabelOutcome.REPAIRED.value))
        .when(holds | (pl.col("label_posterior") <= (1 - config.sure) / 2))
        .then(pl.lit(LabelOutcome.CONTRADICTED.value))
        .when(~held)
        .then(pl.lit(LabelOutcome.UNDETERMINED.value))
        .otherwise(pl.lit(LabelOutcome.KEPT.value))
    )

    def percent(column: str) -> pl.Expr:
        return (pl.col(column) * PERCENT).round(1)

    detail = pl.format(
        "{} witnesses: the label {} has {}%, {}",
        pl.col("witnesses").list.eval(pl.element().struct.field("witness")).list.n_unique(),
        _shorten("label"),
        percent("label_posterior"),
        pl.when(other)
        .then(pl.format("{} has {}%", _shorten("answer"), percent("posterior")))
        .otherwise(pl.lit("no other has more")),
    )
    return table.with_columns(outcome=outcome, detail=detail)


def _shorten(column: str) -> pl.Expr:
    text = pl.col(column).str.replace_all(r"\s+", " ")
    return pl.when(text.str.len_chars() > 60).then(text.str.head(57) + "...").otherwise(text)
