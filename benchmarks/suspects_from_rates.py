"""Suspects settled with samples drawn from pass rates, and missing premises with the answers of twelve models.

    python -m benchmarks.suspects_from_rates [OUT.json]

No completion was sampled for this. `../shared/data/rates.parquet` has, for real competition problems, the share of
128 samples of a 7B model that reached the label; 16 samples a problem are drawn from that share, right or without an
answer, and decided as real ones are (`DRAWS` times over). Three questions:

- `good`: of the problems with a rate over 0.25 that do not ask several questions, how many are lost to format rules?
- `read`: of problems that a person read (`suspects.jsonl`), how many complete ones with a rate over 0.25 are lost in
  the end, how many complete ones of any rate does a rule reject, and how many broken ones are kept?
- `premises`: of problems with a premise taken out (`missing-premise.jsonl`), how many are found, and how many whole
  ones are lost? The answers are real; whether a text says that something is missing was read by its words there, and
  `says_missing` is checked against the texts that the set has.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from pipeline.sample.abstention import says_missing
from pipeline.screen import screen
from pipeline.verify.math import MathVerifier
from schemas.config import DecideConfig, KeepConfig, ScreenConfig
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import KEEP, Reason, Verdict
from schemas.sample import IMPORTED

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
N, DRAWS, GOOD = 16, 5, 0.25
FORMAT = frozenset(
    {
        Reason.INCOMPLETE,
        Reason.PROOF,
        Reason.FIGURE_DEPENDENT,
        Reason.CHOICE_DEPENDENT,
        Reason.GUESSABLE,
        Reason.UNVERIFIABLE_ANSWER,
        Reason.NO_ANSWER,
        Reason.MULTI_PART,
        Reason.MISSING_PREMISE,
    }
)
AIMS = {
    "good: lost to format rules": 0.005,
    "read: complete ones over 0.25 lost": 0.03,
    "read: complete ones rejected by a rule": 0.03,
    "read: broken ones kept": 0.1,
    "premises: missing ones found": 0.8,
    "premises: whole ones lost": 0.01,
}
SAMPLE_COLUMNS = {
    "problem_id": pl.String(),
    "prompt": pl.String(),
    "index": pl.Int32(),
    "answer": pl.String(),
    "answer_key": pl.String(),
    "verdict": pl.String(),
    "says_missing": pl.Boolean(),
}


def screen_rows(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(what goes on, what a rule rejects) of rows with `statement`, `answer` and anything else."""
    history = pl.Series("history", [[]] * rows.height, dtype=PROBLEM_DTYPES["history"])
    problems = rows.with_columns(pl.format("{}", pl.int_range(pl.len())).alias("id"), pl.lit("math").alias("domain"))
    return screen(problems.with_columns(history), ScreenConfig())


def draw_samples(problems: pl.DataFrame, generator: np.random.Generator) -> pl.DataFrame:
    """N samples a problem: right with the problem's `rate`, otherwise without an answer."""
    right = generator.random((problems.height, N)) < problems["rate"].to_numpy()[:, None]
    return pl.DataFrame(
        {
            "problem_id": np.repeat(problems["id"].to_numpy(), N),
            "prompt": "drawn",
            "index": np.tile(np.arange(N, dtype=np.int32), problems.height),
            "verdict": np.where(right.ravel(), Verdict.CORRECT.value, Verdict.WRONG.value),
        }
    ).with_columns(
        pl.when(pl.col("verdict") == Verdict.CORRECT).then(pl.lit("right")).alias("answer"),
        pl.when(pl.col("verdict") == Verdict.CORRECT).then(pl.lit("right")).alias("answer_key"),
        pl.lit(False).alias("says_missing"),
    )


def settle(problems: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The problems that went on, with `decision` over samples drawn from their rates."""
    samples = draw_samples(problems, np.random.default_rng(seed))
    decided = decide_samples(samples, problems, N, Rules(KeepConfig(), DecideConfig()))
    return problems.join(decided.select("decision", "suspicion", id="problem_id"), on="id")


def measure_good(rates: pl.DataFrame) -> dict[str, Any]:
    """The good problems lost to format rules, on average over the draws, and under which reasons."""
    kept, rejected = screen_rows(rates)
    several = rejected.filter(pl.col("reason") == Reason.MULTI_PART).height
    by_rule = rejected.filter((pl.col("rate") > GOOD) & (pl.col("reason") != Reason.MULTI_PART))
    good = kept.filter(pl.col("rate") > GOOD).height + by_rule.height
    reasons: Counter[str] = Counter()
    suspects = 0
    for seed in range(DRAWS):
        decided = settle(kept, seed).filter(pl.col("rate") > GOOD)
        suspects = decided["suspicion"].drop_nulls().len()
        reasons.update(decided.filter(pl.col("decision").is_in(list(FORMAT)))["decision"])
    lost = by_rule.height + reasons.total() / DRAWS
    return {
        "problems": rates.height,
        "several questions": several,
        "good": good,
        "good suspects": suspects,
        "good rejected by a rule": by_rule.height,
        "good lost": lost,
        "lost to format rules": lost / good,
        "reasons": {reason: count / DRAWS for reason, count in reasons.most_common()},
    }


def measure_read(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What becomes of the rows that a person read; those whose truth is neither complete nor broken are left out."""
    judged = [row for row in rows if row["truth"] in ("complete", "broken")]
    table = pl.DataFrame([{name: row[name] for name in ("statement", "answer", "rate", "truth")} for row in judged])
    kept, rejected = screen_rows(table)
    complete, broken = table.filter(truth="complete"), table.filter(truth="broken")
    solved = complete.filter(pl.col("rate") > GOOD)
    lost = let_through = still_kept = 0
    for seed in range(4 * DRAWS):
        decided = settle(kept, seed)
        out = pl.col("decision").is_in(list(FORMAT))
        lost += decided.filter((pl.col("truth") == "complete") & (pl.col("rate") > GOOD) & out).height
        still_kept += decided.filter((pl.col("truth") == "broken") & (pl.col("decision") == KEEP)).height
        solvable = pl.col("decision").is_in([KEEP, Reason.TOO_EASY.value])
        let_through += decided.filter((pl.col("truth") == "broken") & solvable).height
    by_rule = rejected.filter(truth="complete")
    lost_by_rule = by_rule.filter(pl.col("rate") > GOOD).height
    return {
        "complete": complete.height,
        "complete over 0.25": solved.height,
        "broken": broken.height,
        "complete over 0.25 lost": (lost / (4 * DRAWS) + lost_by_rule) / max(solved.height, 1),
        "complete rejected by a rule": by_rule.height / max(complete.height, 1),
        "rejected by a rule": [f"{row['reason']}: {row['detail'][:100]}" for row in by_rule.iter_rows(named=True)],
        "broken kept": still_kept / (4 * DRAWS) / max(broken.height, 1),
        "broken kept or too easy": let_through / (4 * DRAWS) / max(broken.height, 1),
    }


def judge_answers(row: Mapping[str, Any], verifier: MathVerifier) -> Iterable[dict[str, Any]]:
    """One sample for each model that answered."""
    known: list[str] = []
    for index, reply in enumerate(model for model in row["models"] if model["stance"] != "error"):
        answer = None if reply["stance"] == "abstains" else reply["answer"]
        verdict, key = Verdict.WRONG, None
        if answer:
            judgement = verifier.compare(row["answer_of_full"] or "none that is known", answer, known)
            key = judgement.answer_key
            verdict = Verdict.CORRECT if judgement.verdict is Verdict.CORRECT else Verdict.WRONG
            if key is not None and verdict is Verdict.WRONG and key not in known:
                known.append(key)
        yield {
            "problem_id": row["id"],
            "prompt": IMPORTED,
            "index": index,
            "answer": answer,
            "answer_key": key,
            "verdict": verdict.value,
            "says_missing": reply["stance"] in ("abstains", "hedges"),
        }


def measure_premises(rows: list[Mapping[str, Any]], texts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """How many problems with a premise taken out are found, how many whole ones are lost; and the texts read right."""
    with MathVerifier() as verifier:
        samples = [sample for row in rows for sample in judge_answers(row, verifier)]
    problems = pl.DataFrame({"id": [row["id"] for row in rows]})
    table = pl.DataFrame(samples, schema=SAMPLE_COLUMNS)
    decided = decide_samples(table, problems, N, Rules(KeepConfig(), DecideConfig()))
    decisions = dict(decided.select("problem_id", "decision").iter_rows())
    suspected_by_set: Counter[str] = Counter()
    count: Counter[str] = Counter()
    lost = whole = 0
    for row in rows:
        suspected = decisions[row["id"]] == Reason.MISSING_PREMISE
        if row["premise_missing"]:
            count[row["set"]] += 1
            suspected_by_set[row["set"]] += suspected
        else:
            whole += 1
            lost += suspected
    read_right = [says_missing(text["response"]) == (text["stance"] in ("abstains", "hedges")) for text in texts]
    return {
        "missing": count.total(),
        "missing found": suspected_by_set.total() / max(count.total(), 1),
        "whole": whole,
        "whole lost": lost / max(whole, 1),
        "by set": {name: [count[name], suspected_by_set[name]] for name in sorted(count)},
        "texts": len(read_right),
        "texts read as their stance": sum(read_right) / max(len(read_right), 1),
    }


def read_rows(name: str) -> list[Mapping[str, Any]]:
    with (DATA / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main(out: Path | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`; null where the data is not there."""
    if not (DATA / "rates.parquet").exists():
        print("suspects_from_rates: ../shared/data/rates.parquet is not here; skipped")
        return None
    good = measure_good(pl.read_parquet(DATA / "rates.parquet", columns=["statement", "answer", "rate"]))
    read = measure_read(read_rows("suspects.jsonl"))
    premises = measure_premises(read_rows("missing-premise.jsonl"), read_rows("missing-premise-responses.jsonl"))
    figures = {
        "good: lost to format rules": good["lost to format rules"],
        "read: complete ones over 0.25 lost": read["complete over 0.25 lost"],
        "read: complete ones rejected by a rule": read["complete rejected by a rule"],
        "read: broken ones kept": read["broken kept"],
        "premises: missing ones found": premises["missing found"],
        "premises: whole ones lost": premises["whole lost"],
    }
    for name, figure in figures.items():
        print(f"{name:<42}{figure:>9.2%}   aim {AIMS[name]:.1%}")
    report = {"figures": figures, "aims": AIMS, "good": good, "read": read, "premises": premises}
    for section in ("good", "read", "premises"):
        print(section, json.dumps(report[section], ensure_ascii=False))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
