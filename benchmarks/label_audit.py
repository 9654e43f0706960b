"""Does `label_contradicted` find wrong labels? Precision and recall over `decide.contradiction_share`.

    python -m benchmarks.label_audit [OUT.json]

Reads ../shared/data/math_labels.jsonl (real answers of many models, 8 to 16 a problem, one label in ten wrong) with its
truth, and skips where they are absent. Two curves:

- `truth`: the labels as they are given. Problems whose own label is in doubt (`natural_label_suspect`) are left out.
- `in_turn`: ten wrong labels in 115 make a coarse curve, so every problem (those of gsm8k_multi-samples.jsonl too) is
  graded with its true label and with wrong ones of each kind in turn; precision is at one wrong label in ten.

The peer is the plain vote that others use: a label is doubted when the largest class of answers is not its own.
"""

import json
import random
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from pipeline.sample.offline import SPILLED, assign_indices, verify_samples
from pipeline.verify.math import MathVerifier
from schemas.config import Config, DecideConfig, KeepConfig
from schemas.reasons import Reason

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARES = tuple(round(0.3 + 0.05 * step, 2) for step in range(13))
PRIOR = 0.1
VOTE = "plain vote"
CONFIG = Config.model_validate(
    {"run": "none", "sources": [{"name": "labels", "files": "none"}], "verify": {"extract": "last"}}
)
Row = Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def verify_rows(rows: Iterable[Row], labels: Mapping[str, str], verifier: MathVerifier) -> pl.DataFrame:
    """The samples of `rows`, verified against `labels` (problem -> label)."""
    samples = [
        {"problem_id": row["id"], "model": sample["model"], "completion": sample["text"]}
        for row in rows
        for sample in row["samples"]
    ]
    table = assign_indices(pl.DataFrame(samples, schema=SPILLED))
    return verify_samples(table, labels, verifier, CONFIG)


def grade(rows: Iterable[Row], labels: Mapping[str, str], verifier: MathVerifier) -> dict[str, set[str]]:
    """Which problems have their label contradicted, for each share (as text) and for the plain vote."""
    evidence = verify_rows(rows, labels, verifier)
    problems = pl.DataFrame({"id": list(labels)}, schema={"id": pl.String})
    suspected = {}
    for share in SHARES:
        rules = DecideConfig(contradiction_share=share)
        decided = decide_samples(evidence, problems, CONFIG.sampling.n, Rules(KeepConfig(), rules))
        contradicted = decided.filter(pl.col("decision") == Reason.LABEL_CONTRADICTED)
        suspected[f"{share:.2f}"] = set(contradicted["problem_id"])
    pooled = Rules(KeepConfig(), DecideConfig(contradiction_share=0.01))
    votes = decide_samples(evidence, problems, CONFIG.sampling.n, pooled)
    outvoted = votes.filter(pl.col("majority_share") * pl.col("n") > pl.col("correct"))
    suspected[VOTE] = set(outvoted["problem_id"])
    return suspected


def plant(row: Row, rng: random.Random, others: list[Row]) -> dict[str, str]:
    """A wrong label of each kind in the truth set: near, typo, scale, an answer some model gave, another's label."""
    label = row["answer"]
    planted = {"other_problem": rng.choice([other["answer"] for other in others if other["answer"] != label])}
    wrong_answers = sorted({sample["answer"] for sample in row["samples"] if sample["answer"] not in (None, "", label)})
    if wrong_answers:
        planted["model_wrong"] = rng.choice(wrong_answers)
    if label.isdecimal():
        digits = list(label)
        at = rng.randrange(len(digits))
        digits[at] = rng.choice([digit for digit in "123456789" if digit != digits[at]])
        near = int(label) + rng.choice([-2, -1, 1, 2])
        planted |= {"near": str(abs(near)), "typo": "".join(digits), "scale": str(int(label) * rng.choice([2, 10]))}
    return {kind: wrong for kind, wrong in planted.items() if wrong.strip() != label.strip()}


def measure_truth(verifier: MathVerifier) -> list[dict[str, Any]]:
    """Precision and recall on the labels as given."""
    rows = read_rows(DATA / "math_labels.jsonl")
    truth = {row["id"]: row for row in read_rows(DATA / "math_labels.truth.jsonl")}
    doubtful = {id_ for id_, row in truth.items() if row["natural_label_suspect"]}
    wrong = {id_ for id_, row in truth.items() if row["corrupted"]} - doubtful
    suspected = grade(rows, {row["id"]: row["answer"] for row in rows}, verifier)
    curve = []
    for share, got in suspected.items():
        hits, false = len(got & wrong), len(got - wrong - doubtful)
        precision = hits / (hits + false) if hits + false else None
        curve.append(
            {"share": share, "found": hits, "false": false, "precision": precision, "recall": hits / len(wrong)}
        )
    return curve


def measure_in_turn(verifier: MathVerifier) -> list[dict[str, Any]]:
    """Rates over every problem with its true label and with each wrong one, and the precision at `PRIOR`."""
    truth = {row["id"]: row for row in read_rows(DATA / "math_labels.truth.jsonl")}
    problems: dict[str, Row] = {}
    for row in read_rows(DATA / "math_labels.jsonl"):
        if not truth[row["id"]]["natural_label_suspect"]:
            problems[row["id"]] = {**row, "answer": truth[row["id"]]["true_answer"]}
    for row in read_rows(DATA / "gsm8k_multi-samples.jsonl"):
        problems.setdefault(row["id"], row)
    rows, rng = list(problems.values()), random.Random(0)
    clean = grade(rows, {row["id"]: row["answer"] for row in rows}, verifier)
    planted = {row["id"]: plant(row, rng, rows) for row in rows}
    caught: dict[str, list[float]] = {share: [] for share in clean}
    for kind in ("near", "typo", "scale", "model_wrong", "other_problem"):
        those = [row for row in rows if kind in planted[row["id"]]]
        suspected = grade(those, {row["id"]: planted[row["id"]][kind] for row in those}, verifier)
        for share, got in suspected.items():
            caught[share].append(len(got) / len(those))
    curve = []
    for share in clean:
        recall = sum(caught[share]) / len(caught[share])
        false = len(clean[share]) / len(rows)
        flagged = PRIOR * recall + (1 - PRIOR) * false
        curve.append(
            {
                "share": share,
                "problems": len(rows),
                "false": len(clean[share]),
                "precision": PRIOR * recall / flagged if flagged else None,
                "recall": recall,
            }
        )
    return curve


def choose_share(curve: list[dict[str, Any]]) -> float:
    """The share with the best F0.5 of precision and recall: a good problem lost costs more than a bad label kept."""

    def worth(point: dict[str, Any]) -> float:
        p, r = point["precision"] or 0.0, point["recall"]
        return 1.25 * p * r / (0.25 * p + r) if p + r else 0.0

    shares = [point for point in curve if point["share"] != VOTE]
    return float(max(shares, key=worth)["share"])


def main(out: Path | None = None) -> dict[str, Any] | None:
    """Print both curves and write them as JSON to `out`; None where the data is not there."""
    if not (DATA / "math_labels.truth.jsonl").exists():
        print("label_audit: ../shared/data/math_labels.jsonl is not here; skipped")
        return None
    with MathVerifier(CONFIG.verify.extract) as verifier:
        result: dict[str, Any] = {"truth": measure_truth(verifier), "in_turn": measure_in_turn(verifier)}
    result["best_share"] = {name: choose_share(result[name]) for name in ("truth", "in_turn")}
    for name in ("truth", "in_turn"):
        print(f"\n{name}\n{'share':>12} {'precision':>10} {'recall':>8} {'false':>6}")
        for point in result[name]:
            precision = "-" if point["precision"] is None else f"{point['precision']:.1%}"
            print(f"{point['share']:>12} {precision:>10} {point['recall']:>8.1%} {point['false']:>6}")
    print(f"\nbest by F0.5: {result['best_share']}")
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
