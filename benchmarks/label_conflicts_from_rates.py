"""Which of two clashing labels is right? Samples are drawn from published pass rates, as completions do not exist.

    python -m benchmarks.label_conflicts_from_rates [OUT.json] [--conflicts FILE] [--rates FILE]

Reads ../shared/data/label-conflicts.jsonl, pairs of copies under different labels with the truth worked out by hand,
and rates.parquet, from whose other problems the coins are learned. A pair is two problems, each with the labels of all
its copies there are in the set, as dedup hands them on. A 7B model's samples of both are drawn: every label at its rate
(scaled down where they, which were measured apart, sum to more than 1), the rest as wrong answers of a geometric law
that is a guess of ours. A pair is chosen where one of its labels is kept and the other is not.

The peer is the rate alone: the better rated label, where its rate is over 0.3.
"""

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.label_audit import DATA, Row, read_rows
from pipeline.labels.gather import CLASHING, DUPLICATE, LABEL, VOTE_DTYPES, are_same
from pipeline.labels.judge import judge_labels, learn_witnesses
from schemas.config import LabelsConfig
from schemas.label import LabelOutcome

SAMPLES = 128
"""Samples that each rate is over."""
AROUND = 4000
"""Problems without a clash that coins are learned from, chosen by chance."""
PEER = 0.3
AIM = {"right": 0.95, "chosen": 0.5}
Vote = tuple[str, str, str, str, str, float, int]


def draw_votes(id_: str, labels: Sequence[tuple[str, float]], rng: random.Random) -> list[Vote]:
    """The votes about one problem: its label, those of its copies, and a grader that gives each at its rate."""
    (label, rate), *others = labels
    votes: list[Vote] = [(id_, "", label, LABEL, CLASHING if others else LABEL, 1.0, 1)]
    votes += [(id_, other, other, DUPLICATE, "copies of rates", 1 / len(others), 1) for other, _ in others]
    total = max(1.0, sum(rate for _, rate in labels))
    shares = {"": rate / total} | {other: rate / total for other, rate in others}
    left, stick = max(0.0, 1.0 - sum(shares.values())), rng.choice((0.2, 0.4, 0.6, 0.8))
    for place in range(12):
        shares[f"wrong {place}"] = left * stick * (1 - stick) ** place
    grader = [(id_, name, name or label, "grader", "a 7B model", share, SAMPLES) for name, share in shares.items()]
    return votes + [vote for vote in grader if vote[5] > 1 / (2 * SAMPLES)]


def list_labels(row: Row, copies: Mapping[str, Sequence[tuple[str, float]]]) -> list[tuple[str, float]]:
    """The two labels of a pair with their rates, then the other labels that copies of either have in the set."""
    labels = [(row["first_answer"], row["first_rate"]), (row["second_answer"], row["second_rate"])]
    for label, rate in (*copies.get(row["first_id"], ()), *copies.get(row["second_id"], ())):
        if not any(are_same(label, other) for other, _ in labels):
            labels.append((label, rate))
    return labels


def read_copies(rates: pl.DataFrame) -> dict[str, list[tuple[str, float]]]:
    """Row -> the labels and rates of all rows that dedup calls the same problem."""
    twins = rates.filter(pl.len().over("twin") > 1).select("source_id", "twin", "answer", "rate")
    grouped: dict[str, list[tuple[str, float]]] = {}
    for twin, answer, rate in twins.sort("twin", "source_id").select("twin", "answer", "rate").iter_rows():
        grouped.setdefault(twin, []).append((answer, rate))
    return {source_id: grouped[twin] for source_id, twin in twins.select("source_id", "twin").iter_rows()}


def measure(
    conflicts: Sequence[Row],
    around: Sequence[float],
    copies: Mapping[str, Sequence[tuple[str, float]]],
    config: LabelsConfig,
) -> dict[str, Any]:
    """Counts over the pairs, at the config's threshold of clashes and at others."""
    rng = random.Random(0)
    votes = [vote for at, rate in enumerate(around) for vote in draw_votes(f"around-{at}", [("label", rate)], rng)]
    for row in conflicts:
        first, second, *others = list_labels(row, copies)
        votes += draw_votes(f"{row['id']}-first", [first, second, *others], rng)
        votes += draw_votes(f"{row['id']}-second", [second, first, *others], rng)
    table = pl.DataFrame(votes, schema=VOTE_DTYPES, orient="row")
    witnesses = learn_witnesses(table)

    def count(least: float) -> dict[str, Any]:
        judged = judge_labels(table, witnesses, config.model_copy(update={"clash": least}))
        kept = set(judged.filter(pl.col("outcome") == LabelOutcome.KEPT)["problem_id"])
        sides = [[side for side in ("first", "second") if f"{row['id']}-{side}" in kept] for row in conflicts]
        right = [bool(row[f"{side[0]}_ok"]) for row, side in zip(conflicts, sides, strict=True) if len(side) == 1]
        return {"clash": least, "chosen": len(right), "right": sum(right) / len(right) if right else None}

    peer = [max(("first", "second"), key=lambda side: row[f"{side}_rate"]) for row in conflicts]
    sure = [bool(row[f"{side}_ok"]) for row, side in zip(conflicts, peer, strict=True) if row[f"{side}_rate"] > PEER]
    ours = count(config.clash)
    return {
        "conflicts": len(conflicts),
        "solvable": sum(row["verdict"] != "both_wrong" for row in conflicts),
        "chosen": ours["chosen"],
        "right": ours["right"],
        "undetermined": len(conflicts) - ours["chosen"],
        "curve": [count(least) for least in (0.25, 0.3, 0.35, 0.4, 0.5, 0.7)],
        "rate_alone": {"chosen": len(sure), "right": sum(sure) / len(sure) if sure else None},
    }


def main(out: Path | None = None, conflicts: Path | None = None, rates: Path | None = None) -> dict[str, Any] | None:
    """Print the counts and write them as JSON to `out`; None where the data is not there."""
    conflicts, rates = conflicts or DATA / "label-conflicts.jsonl", rates or DATA / "rates.parquet"
    if not (conflicts.exists() and rates.exists()):
        print(f"label_conflicts_from_rates: {conflicts} or {rates} is not here; skipped")
        return None
    real = ("first_right", "second_right", "both_wrong")
    rows = [row for row in read_rows(conflicts) if row["verdict"] in real]
    rated = pl.read_parquet(rates)
    around = random.Random(0).sample(rated["rate"].to_list(), min(AROUND, rated.height))
    result = measure(rows, around, read_copies(rated), LabelsConfig())
    ours, alone = result, result["rate_alone"]
    print(f"{ours['conflicts']} real conflicts, {ours['solvable']} with a right label; samples drawn from rates")
    print(f"witnesses: {ours['chosen']} chosen, {_show(ours['right'])} right, {ours['undetermined']} not")
    print(f"rate alone, over {PEER}: {alone['chosen']} chosen, {_show(alone['right'])} right")
    for point in ours["curve"]:
        print(f"    labels.clash {point['clash']}: {point['chosen']} chosen, {_show(point['right'])} right")
    print(f"aim: {AIM}")
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def _show(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_conflicts_from_rates")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--conflicts", type=Path)
    parser.add_argument("--rates", type=Path)
    chosen = parser.parse_args()
    main(chosen.out, chosen.conflicts, chosen.rates)
