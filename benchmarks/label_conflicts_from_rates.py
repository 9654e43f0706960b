"""Which of two clashing labels is right? Samples are drawn from published pass rates, as completions do not exist.

    python -m benchmarks.label_conflicts_from_rates [OUT.json] [--conflicts FILE] [--rates FILE]

Reads ../shared/data/label-conflicts.jsonl, pairs of copies under different labels with the truth worked out by hand,
and rates.parquet, from whose other problems the coins are learned. A pair is two problems, each with the other's label
as that of a copy; a 7B model's samples of both are drawn: the two labels at their rates, the rest as wrong answers of a
geometric law that is a guess of ours. A pair is chosen where one of its labels is kept and the other is not.

The peer is the rate alone: the better rated label, where its rate is over 0.3.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.label_audit import DATA, Row, read_rows
from pipeline.labels.gather import CLASHING, DUPLICATE, LABEL, VOTE_DTYPES
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


def draw_votes(id_: str, label: str, other: str | None, rates: Sequence[float], rng: random.Random) -> list[Vote]:
    """The votes about one problem: its label, the copy's, and a grader that gives both at their rates."""
    name = CLASHING if other is not None else LABEL
    votes: list[Vote] = [(id_, "", label, LABEL, name, 1.0, 1)]
    if other is not None:
        votes.append((id_, other, other, DUPLICATE, "copies of rates", 1.0, 1))
    shares = dict(zip(("", other or "none"), rates, strict=False))
    left, stick = 1.0 - min(1.0, sum(shares.values())), rng.choice((0.2, 0.4, 0.6, 0.8))
    for place in range(12):
        shares[f"wrong {place}"] = left * stick * (1 - stick) ** place
    answered = shares.items()
    grader = [(id_, answer, answer or label, "grader", "a 7B model", share, SAMPLES) for answer, share in answered]
    return votes + [vote for vote in grader if vote[5] > 1 / (2 * SAMPLES)]


def measure(conflicts: Sequence[Row], around: Sequence[float], config: LabelsConfig) -> dict[str, Any]:
    """Counts over the pairs, and over the better held label of each by posterior."""
    rng = random.Random(0)
    votes = [vote for at, rate in enumerate(around) for vote in draw_votes(f"around-{at}", "label", None, [rate], rng)]
    for row in conflicts:
        labels, rates = (row["first_answer"], row["second_answer"]), (row["first_rate"], row["second_rate"])
        votes += draw_votes(f"{row['id']}-first", *labels, rates, rng)
        votes += draw_votes(f"{row['id']}-second", *labels[::-1], rates[::-1], rng)
    table = pl.DataFrame(votes, schema=VOTE_DTYPES, orient="row")
    judged = judge_labels(table, learn_witnesses(table), config)
    by_id = {row["problem_id"]: row for row in judged.iter_rows(named=True)}
    chosen = right = 0
    held: list[tuple[float, bool]] = []
    for row in conflicts:
        sides = {side: by_id[f"{row['id']}-{side}"] for side in ("first", "second")}
        kept = [side for side, label in sides.items() if label["outcome"] == LabelOutcome.KEPT]
        best = max(sides, key=lambda side: sides[side]["label_posterior"])
        held.append((sides[best]["label_posterior"], bool(row[f"{best}_ok"])))
        if len(kept) == 1:
            chosen, right = chosen + 1, right + bool(row[f"{kept[0]}_ok"])
    peer = [max(("first", "second"), key=lambda side: row[f"{side}_rate"]) for row in conflicts]
    sure = [bool(row[f"{side}_ok"]) for row, side in zip(conflicts, peer, strict=True) if row[f"{side}_rate"] > PEER]
    curve = []
    for least in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9):
        picked = [ok for posterior, ok in held if posterior >= least]
        share = sum(picked) / len(picked) if picked else None
        curve.append({"posterior": least, "chosen": len(picked), "right": share})
    return {
        "conflicts": len(conflicts),
        "chosen": chosen,
        "right": right / chosen if chosen else None,
        "undetermined": len(conflicts) - chosen,
        "curve": curve,
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
    around = random.Random(0).sample(pl.read_parquet(rates)["rate"].to_list(), AROUND)
    result = measure(rows, around, LabelsConfig())
    ours, alone = result, result["rate_alone"]
    print(f"{ours['conflicts']} real conflicts; samples drawn from rates")
    print(f"witnesses: {ours['chosen']} chosen, {_show(ours['right'])} right, {ours['undetermined']} not")
    print(f"rate alone, over {PEER}: {alone['chosen']} chosen, {_show(alone['right'])} right")
    for point in ours["curve"]:
        print(f"    posterior from {point['posterior']}: {point['chosen']} chosen, {_show(point['right'])} right")
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
