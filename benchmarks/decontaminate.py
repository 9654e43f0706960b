"""Decontamination: recall on edited copies of benchmark items and clean problems lost, beside plain n-gram overlap.

    python -m benchmarks.decontaminate [OUT.json]

Truth: ../shared/data/contamination-*.jsonl (skipped where absent). The baselines are what is usual: one shared run of
13 or of 8 words (GPT-3, appendix C; PaLM, section 8), lower case, over the same items. Real problems that no benchmark
has (GSM8K train) are counted too, and the time a problem takes.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.decontaminate import open_index
from pipeline.decontaminate.items import read_items, read_problem
from pipeline.decontaminate.match import find_match
from schemas.config import Benchmark, DecontaminateConfig

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
AIM_RECALL, AIM_LOST = 0.93, 0.005
EDITS = {"GSM-Plus problem understanding": "retold", "GSM-Plus distraction insertion": "stretched"}
OUT_OF_SET = ("copy", "paraphrase", "contains")
"""Ways that count as contaminated; variants and translations are told apart, by policy."""

Judge = Callable[[str, str | None], str]


def read_rows(name: str) -> list[dict[str, Any]]:
    """The rows of a truth set."""
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def overlap_judge(texts: list[str], length: int) -> Judge:
    """Whether a problem shares one run of `length` words with any of the texts."""

    def cut(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}

    known = {run for text in texts for run in cut(text)}
    return lambda text, _: "clean" if known.isdisjoint(cut(text)) else "contains"


def measure(judge: Judge) -> dict[str, Any]:
    """Recall over contaminated rows, clean rows lost, and per kind of row how they were judged."""
    truth = {row["id"]: row for row in read_rows("contamination-train.truth")}
    kinds: dict[str, Counter[str]] = {}
    for row in read_rows("contamination-train"):
        entry = truth[row["id"]]
        label = {True: "contaminated", False: "clean"}.get(entry["contaminated"], entry["contaminated"])
        edit = entry.get("edit") or entry["source"]
        kinds.setdefault(f"{label}: {EDITS.get(edit, edit)}", Counter())[judge(row["problem"], row["answer"])] += 1

    def share(label: str) -> float:
        counts = [count for kind, count in kinds.items() if kind.startswith(label)]
        out = sum(count[how] for count in counts for how in OUT_OF_SET)
        return out / max(1, sum(count.total() for count in counts))

    return {
        "recall": share("contaminated"),
        "clean lost": share("clean"),
        "kinds": {kind: dict(count) for kind, count in sorted(kinds.items())},
    }


def measure_real(judge: Judge) -> dict[str, Any]:
    """The same for GSM8K train, none of which is a benchmark's: how the problems were judged, milliseconds each."""
    rows = read_rows("gsm8k-train")
    began = time.perf_counter()
    judged = Counter(judge(row["problem"], row.get("answer")) for row in rows)
    return {"judged": dict(judged), "milliseconds": 1000 * (time.perf_counter() - began) / len(rows)}


def main(out: Path | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`; null where the data is not there."""
    if not (DATA / "contamination-train.jsonl").exists():
        print("decontaminate: ../shared/data/contamination-train.jsonl is not here; skipped")
        return None
    path = str(DATA / "contamination-benchmarks.jsonl")
    config = DecontaminateConfig(
        benchmarks=(Benchmark(name="benchmarks", files=path, text="text", id="id", bench="bench"),)
    )
    began = time.perf_counter()
    index = open_index(config)
    seconds = time.perf_counter() - began
    texts = [item.text for item in read_items(config.benchmarks)]

    def ours(text: str, answer: str | None) -> str:
        match = find_match(read_problem(text), index, config, answer)
        return match.how if match else "clean"

    judges: dict[str, Judge] = {"ours": ours, "13 words": overlap_judge(texts, 13), "8 words": overlap_judge(texts, 8)}
    report: dict[str, Any] = {"items": len(texts), "index seconds": seconds}
    report |= {name: measure(judge) | {"gsm8k-train": measure_real(judge)} for name, judge in judges.items()}
    print(f"{len(texts):,} items indexed in {seconds:.1f} s")
    print(f"{'':<12}{'recall':>8}{'clean lost':>12}   GSM8K train")
    for name in judges:
        row = report[name]
        real = row["gsm8k-train"]
        took = f"{real['milliseconds']:.2f} ms each"
        print(f"{name:<12}{row['recall']:>8.1%}{row['clean lost']:>12.1%}   {real['judged']} {took}")
    print(f"{'aim':<12}{AIM_RECALL:>8.0%}{AIM_LOST:>12.1%}")
    for kind, count in report["ours"]["kinds"].items():
        print(f"  {kind:<50}{count}")
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
