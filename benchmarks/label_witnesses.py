"""Do the witnesses find wrong labels and repair them? Precision and recall, beside one pool of votes.

    python -m benchmarks.label_witnesses [OUT.json] [--samples FILE --truth FILE]

Reads ../shared/data/math_labels.jsonl (real answers of 15 models, one label in ten wrong) with its truth; any other
pair of files of that form can be named. Three measurements:

- `truth`: the labels as they are given. Problems whose true label is in doubt (`natural_label_suspect`) are left out.
- `drawn`: ten wrong labels in 115 make a coarse figure, so the GSM8K problems of both open files are labelled wrongly
at random, one in ten, by the kinds of the truth set, in `DRAWS` draws.
- `simulated`: calibration where the truth is known and the model is not ours: problems of a continuous difficulty, 14
graders of which some share their mistakes, wrong answers by a Zipf law.

The peer is `decide.contradiction_share` over all models' samples as one grader: what decided before witnesses were
heard.
"""

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.label_audit import CONFIG, DATA, Row, plant, read_rows, verify_rows
from pipeline.decide.decide import decide_samples
from pipeline.decide.labels import decide_with_labels, settle_outcomes
from pipeline.decide.rule import Rules
from pipeline.labels.gather import VOTE_DTYPES, gather_votes
from pipeline.labels.judge import judge_labels, learn_witnesses
from pipeline.verify.math import MathVerifier
from schemas.config import LabelsConfig
from schemas.label import LabelOutcome
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import Reason

DRAWS = 10
WRONG = 0.1
AIM = {"precision": 0.95, "recall": 0.70, "repaired_right": 0.97}
FLAGGED = (LabelOutcome.REPAIRED.value, LabelOutcome.CONTRADICTED.value)


def judge(rows: Sequence[Row], labels: Mapping[str, str], verifier: MathVerifier) -> tuple[pl.DataFrame, set[str]]:
    """(the outcome of every label, what the pool of votes contradicts)."""
    evidence = verify_rows(rows, labels, verifier)
    given = pl.DataFrame({"id": list(labels), "answer": list(labels.values())})
    missing = [pl.lit(None, PROBLEM_DTYPES[name]).alias(name) for name in ("label_candidates", "extra")]
    problems = given.with_columns(missing)
    votes = gather_votes(problems, evidence)
    judged = judge_labels(votes, learn_witnesses(votes), CONFIG.labels)
    decisions = decide_with_labels(evidence, problems, judged, CONFIG)
    pooled = decide_samples(evidence, problems, CONFIG.sampling.n, Rules.of(CONFIG))
    doubted = pooled.filter(pl.col("decision") == Reason.LABEL_CONTRADICTED)["problem_id"]
    return settle_outcomes(judged, decisions), set(doubted)


def score(
    outcomes: pl.DataFrame,
    pooled: set[str],
    labels: Mapping[str, str],
    truth: Mapping[str, str],
    verifier: MathVerifier,
) -> dict[str, dict[str, int]]:
    """Counts of one draw, ours and the pool's: labels that are wrong, flagged, rightly flagged, repaired, and to the
    truth.
    """
    wrong = {id_ for id_, label in labels.items() if verifier.compare(label, truth[id_]).verdict != "correct"}
    flagged = set(outcomes.filter(pl.col("outcome").is_in(FLAGGED))["problem_id"]) & labels.keys()
    repaired = [
        verifier.compare(truth[id_], answer).verdict == "correct"
        for id_, answer in outcomes.filter(pl.col("outcome") == LabelOutcome.REPAIRED)
        .select("problem_id", "answer")
        .iter_rows()
        if id_ in labels
    ]
    undetermined = outcomes.filter(pl.col("outcome") == LabelOutcome.UNDETERMINED).height
    pooled = pooled & labels.keys()
    ours = {"wrong": len(wrong), "flagged": len(flagged), "hits": len(flagged & wrong)}
    ours |= {"repaired": len(repaired), "repaired_right": sum(repaired), "undetermined": undetermined}
    return {"witnesses": ours, "pool": {"wrong": len(wrong), "flagged": len(pooled), "hits": len(pooled & wrong)}}


def add_up(draws: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, Any]]:
    """Counts over all draws, with precision, recall and the share of repairs that are right."""
    total: dict[str, dict[str, Any]] = {}
    for draw in draws:
        for name, counts in draw.items():
            sums = total.setdefault(name, dict.fromkeys(counts, 0))
            for key, value in counts.items():
                sums[key] += value
    for sums in total.values():
        sums["precision"] = sums["hits"] / sums["flagged"] if sums["flagged"] else None
        sums["recall"] = sums["hits"] / sums["wrong"] if sums["wrong"] else None
        if sums.get("repaired"):
            sums["repaired_right_share"] = sums["repaired_right"] / sums["repaired"]
    return total


def measure_truth(samples: Path, truth: Path, verifier: MathVerifier) -> dict[str, Any]:
    """The labels as given."""
    rows, truths = read_rows(samples), {row["id"]: row for row in read_rows(truth)}
    outcomes, pooled = judge(rows, {row["id"]: row["answer"] for row in rows}, verifier)
    sound = {row["id"]: row["answer"] for row in rows if not truths[row["id"]]["natural_label_suspect"]}
    return add_up([score(outcomes, pooled, sound, {id_: truths[id_]["true_answer"] for id_ in sound}, verifier)])


def measure_drawn(verifier: MathVerifier) -> dict[str, Any]:
    """Wrong labels planted at random in the open GSM8K problems."""
    truths = {row["id"]: row for row in read_rows(DATA / "math_labels.truth.jsonl")}
    problems: dict[str, Row] = {}
    for row in read_rows(DATA / "math_labels.jsonl"):
        if not truths[row["id"]]["natural_label_suspect"]:
            problems[row["id"]] = {**row, "answer": truths[row["id"]]["true_answer"]}
    for row in read_rows(DATA / "gsm8k_multi-samples.jsonl"):
        problems.setdefault(row["id"], row)
    rows = [row for row in problems.values() if row["id"].startswith("gsm8k")]
    truth, draws = {row["id"]: row["answer"] for row in rows}, []
    for seed in range(DRAWS):
        rng = random.Random(seed)
        labels = dict(truth)
        for row in rows:
            if rng.random() < WRONG:
                planted = plant(row, rng, rows)
                labels[row["id"]] = planted[rng.choice(sorted(planted))]
        draws.append(score(*judge(rows, labels, verifier), labels, truth, verifier))
    return add_up(draws)


def simulate(seed: int, problems: int = 2000, graders: int = 14, samples: int = 1) -> tuple[pl.DataFrame, list[str]]:
    """(votes, true answers) of a made-up run: a grader is right by a logistic of ability less difficulty, both normal;
    what it gets wrong follows a Zipf law over ten answers; graders come in families, which give the family's own wrong
    answer in three of ten mistakes; one label in ten is wrong, a third of them by the same law.
    """
    rng = np.random.default_rng(seed)
    ability, difficulty = rng.normal(1.0, 1.2, graders), rng.normal(0.0, 1.8, problems)
    zipf = 1 / np.arange(1, 11)
    zipf /= zipf.sum()
    rows: list[tuple[str, str, str, str, str, float, int]] = []
    for problem in range(problems):
        id_ = f"{problem:016x}"
        family = rng.choice(10, 4, p=zipf)
        label = "right"
        if rng.random() < WRONG:
            label = f"wrong {rng.choice(10, p=zipf)}" if rng.random() < 1 / 3 else f"other {rng.integers(1000)}"
        rows.append((id_, "", label, "label", "label", 1.0, 1))
        for grader in range(graders):
            chance = 1 / (1 + np.exp(difficulty[problem] - ability[grader]))
            answers: dict[str, int] = {}
            for _ in range(samples):
                answer = "right"
                if rng.random() > chance:
                    own = rng.random() < 0.3
                    answer = f"wrong {family[grader % 4] if own else rng.choice(10, p=zipf)}"
                answers[answer] = answers.get(answer, 0) + 1
            for answer, count in answers.items():
                name = "" if answer == label else answer
                kind = f"grader {grader}"
                rows.append((id_, name, answer, kind, kind, count / samples, samples))
    return pl.DataFrame(rows, schema=VOTE_DTYPES, orient="row"), ["right"] * problems


def measure_simulated(graders: int, samples: int, config: LabelsConfig) -> dict[str, Any]:
    """Precision, recall and calibration over a simulated run."""
    votes, truth = simulate(0, graders=graders, samples=samples)
    judged = judge_labels(votes, learn_witnesses(votes), config)
    right = (judged["answer"] == pl.Series(truth)).to_numpy()
    wrong, flagged = (judged["label"] != pl.Series(truth)).to_numpy(), judged["outcome"].is_in(FLAGGED).to_numpy()
    repaired = (judged["outcome"] == LabelOutcome.REPAIRED.value).to_numpy()
    posterior = judged["posterior"].to_numpy()
    bins = []
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.99), (0.99, 1.01)):
        here = (posterior >= low) & (posterior < high)
        if here.any():
            means = float(posterior[here].mean()), float(right[here].mean())
            bins.append({"low": low, "problems": int(here.sum()), "predicted": means[0], "right": means[1]})
    return {
        "graders": graders,
        "samples": samples,
        "precision": float((wrong & flagged).sum() / max(flagged.sum(), 1)),
        "recall": float((wrong & flagged).sum() / wrong.sum()),
        "repaired_right_share": float((repaired & right).sum() / max(repaired.sum(), 1)),
        "calibration": bins,
    }


def main(out: Path | None = None, samples: Path | None = None, truth: Path | None = None) -> dict[str, Any] | None:
    """Print all three and write them as JSON to `out`; None where the data is not there."""
    samples, truth = samples or DATA / "math_labels.jsonl", truth or DATA / "math_labels.truth.jsonl"
    if not samples.exists():
        print(f"label_witnesses: {samples} is not here; skipped")
        return None
    with MathVerifier(CONFIG.verify.extract) as verifier:
        result: dict[str, Any] = {"truth": measure_truth(samples, truth, verifier), "drawn": measure_drawn(verifier)}
    result["simulated"] = [measure_simulated(*size, CONFIG.labels) for size in ((14, 1), (5, 1), (3, 16), (2, 16))]
    for name in ("truth", "drawn"):
        for who, counts in result[name].items():
            print(f"{name:>8} {who:>10}: " + ", ".join(f"{key} {_show(value)}" for key, value in counts.items()))
    for made in result["simulated"]:
        print(
            f"simulated, {made['graders']} graders x {made['samples']}: precision {_show(made['precision'])}, recall "
            f"{_show(made['recall'])}, repaired right {_show(made['repaired_right_share'])}"
        )
        for part in made["calibration"]:
            predicted, right = _show(part["predicted"]), _show(part["right"])
            print(f"    posterior from {part['low']}: {part['problems']} problems, mean {predicted}, right {right}")
    print(f"aim on the held-out problems: {AIM}")
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def _show(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_witnesses")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--truth", type=Path)
    chosen = parser.parse_args()
    main(chosen.out, chosen.samples, chosen.truth)
