"""How many labels of public sets no rule can verify against, and which part of them cannot be read.

Run: `python -m benchmarks.labels_read [OUT.json]`. Reads all label sets of ../shared/data that are there.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.verify.label import check_labels

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {
    "rates.parquet": "answer",
    "epochs.jsonl": "answer",
    "gsm8k-train.jsonl": "answer",
    "gsm8k-test.jsonl": "answer",
    "hard-verify.jsonl": "gold",
    "math-completions.jsonl": "answer",
    "math_format.jsonl": "answer",
    "math_labels.jsonl": "answer",
    "matharena-problems.jsonl": "answer",
    "mgsm-mgsm.jsonl": "answer",
    "polymath.jsonl": "answer",
    "suspects.jsonl": "answer",
}
"""File -> the column with its labels. GSM8K's stand behind `####`."""
SHOWN = 3
"""Labels shown for each reason."""


def read_set(path: Path, column: str) -> list[str]:
    """The labels of a file, each once, in order."""
    if path.suffix == ".parquet":
        given: Iterable[Any] = pl.read_parquet(path, columns=[column])[column].to_list()
    else:
        with path.open(encoding="utf-8") as lines:
            given = [json.loads(line).get(column) for line in lines]
    labels = (str(label).rpartition("####")[2].strip() for label in given if label is not None)
    return list(dict.fromkeys(labels))


def measure(labels: list[str]) -> tuple[Counter[str], dict[str, list[str]]]:
    """How often each reason stands against a label, and the first labels of each."""
    reasons: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for label, check in zip(labels, check_labels(labels), strict=True):
        if check is not True:
            reason = check[1].partition(":")[0].partition(" '")[0].partition(" at ")[0]
            reasons[reason] += 1
            if len(examples.setdefault(reason, [])) < SHOWN:
                examples[reason].append(label)
    return reasons, examples


def main(out: Path | None = None, data: Path = DATA) -> dict[str, Any]:
    """Measures every set that is there, prints a table, writes the figures to `out` as JSON, and returns them."""
    result: dict[str, Any] = {"benchmark": "labels_read", "sets": {}}
    print(f"{'set':<26}{'labels':>8}{'unverifiable':>14}{'share':>8}")
    total: Counter[str] = Counter()
    seen = 0
    for name, column in SETS.items():
        if not (data / name).exists():
            print(f"{name:<26}  absent")
            continue
        labels = read_set(data / name, column)
        reasons, examples = measure(labels)
        total, seen = total + reasons, seen + len(labels)
        result["sets"][name] = {"labels": len(labels), "unverifiable": reasons.total(), "reasons": dict(reasons)}
        print(f"{name:<26}{len(labels):>8}{reasons.total():>14}{reasons.total() / max(1, len(labels)):>8.2%}")
        for reason, count in reasons.most_common(4):
            print(f"    {count:>5} {reason[:60]:<60} {' | '.join(label[:40] for label in examples[reason])!r}")
    result["labels"], result["unverifiable"] = seen, total.total()
    print(f"{'all':<26}{seen:>8}{total.total():>14}{total.total() / max(1, seen):>8.2%}")
    if out is not None:
        out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
