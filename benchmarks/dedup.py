"""Dedup: precision and recall against truth, seconds and memory at scale, beside datatrove's and text-dedup's MinHash.

    python -m benchmarks.dedup [OUT.json] [--rows 70000] [--peer-rows 20000] [--full] [--peers PYTHON]

The truth set is ../shared/data/dedup-pairs.jsonl (skipped where absent): each pair alone, as a table of two rows. Scale
is over made texts (`benchmarks/dedup_texts.py`) whose truth is known; `--full` is 700,000 rows. Each contender runs in
a process of its own and says its wall time, CPU time and peak memory. `--peers` (or `PEERS` in the environment) names
the Python of an environment with datatrove, orjson, spaCy and text-dedup; a peer that cannot be imported there is said
to be absent. Precision is the share of dropped rows whose problem is still in the set; recall the share of surplus rows
dropped.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.dedup_texts import DATA, make_texts
from pipeline.dedup import dedup, find_duplicates, split_duplicates
from schemas.config import DedupConfig

AIMS = {"precision": 0.98, "recall of copies": 0.95, "recall of paraphrases": 0.6, "changed numbers merged": 0.0}
AIM_SECONDS, AIM_GB, FULL_ROWS, SHARD = 600.0, 8.0, 700_000, 2048
PEERS = ("datatrove", "text_dedup")
SAME = ("duplicate", "near_duplicate")


def measure_truth() -> dict[str, Any] | None:
    """Per kind of pair: how many, and how many were taken for one problem; and the figures that have aims."""
    if not (DATA / "dedup-pairs.jsonl").exists():
        return None
    pairs = [json.loads(line) for line in (DATA / "dedup-pairs.jsonl").open(encoding="utf-8")]
    truth = {row["id"]: row for row in map(json.loads, (DATA / "dedup-pairs.truth.jsonl").open(encoding="utf-8"))}
    count: Counter[tuple[str, str]] = Counter()
    merged: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        table = pl.DataFrame({"id": ["a", "b"], "statement": [pair["a"], pair["b"]]})
        kind = truth[pair["id"]]["label"], truth[pair["id"]]["kind"]
        count[kind] += 1
        merged[kind] += dedup(table, DedupConfig())[1].height
    judged = [kind for kind in count if kind[0] != "translation"]
    copies = [kind for kind in judged if kind[0] == "duplicate" or kind[1].startswith("small_edit")]
    paraphrases = [kind for kind in judged if kind[1].startswith("paraphrase")]
    numbers = [kind for kind in judged if kind[0] == "distinct" and kind[1] != "unrelated"]

    def share(kinds: Iterable[tuple[str, str]]) -> float:
        chosen = list(kinds)
        return sum(merged[kind] for kind in chosen) / max(1, sum(count[kind] for kind in chosen))

    right = sum(merged[kind] for kind in judged if kind[0] in SAME)
    return {
        "pairs": len(pairs),
        "precision": right / max(1, sum(merged[kind] for kind in judged)),
        "recall of copies": share(copies),
        "recall of paraphrases": share(paraphrases),
        "changed numbers merged": share(numbers),
        "kinds": {f"{label}: {kind}": [count[label, kind], merged[label, kind]] for label, kind in sorted(count)},
    }


def write_texts(path: Path, rows: int) -> dict[str, int]:
    """Write made texts as JSONL and as shards beside it; returns id -> number of its original."""
    clusters: dict[str, int] = {}
    with path.open("w", encoding="utf-8") as out:
        for at, (original, _, text) in enumerate(make_texts(rows)):
            clusters[f"{at:016x}"] = original
            out.write(json.dumps({"id": f"{at:016x}", "text": text}) + "\n")
    table = pl.read_ndjson(path).rename({"text": "statement"})
    folder = path.with_suffix("")
    folder.mkdir()
    for number, part in enumerate(table.iter_slices(SHARD)):
        part.write_parquet(folder / f"{number:05d}.parquet")
    return clusters


def run_ours(folder: Path, kept: Path) -> None:
    """Dedup the shards of a folder as a run does: find over all, then split each; prints what it took."""
    began = time.monotonic()
    paths = sorted(folder.glob("*.parquet"))
    duplicates = find_duplicates(((path.stem, pl.read_parquet(path)) for path in paths), DedupConfig())
    ids = [id for p in paths for id in split_duplicates(pl.read_parquet(p), duplicates[p.stem])[0]["id"].to_list()]
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    kept.write_text(json.dumps(ids))
    took = {"seconds": seconds, "cpu seconds": used.ru_utime + used.ru_stime, "gb": used.ru_maxrss / 2**20}
    print(json.dumps(took))


def score_kept(kept: Iterable[str], clusters: dict[str, int]) -> dict[str, float]:
    """Precision and recall of what was dropped, and the share of problems that are wholly gone."""
    size, left = Counter(clusters.values()), Counter(clusters[id] for id in kept)
    dropped = sum(size.values()) - left.total()
    right = sum(min(count - left[cluster], count - 1) for cluster, count in size.items())
    surplus = sum(count - 1 for count in size.values())
    return {
        "dropped": dropped,
        "precision": right / max(1, dropped),
        "recall": right / max(1, surplus),
        "problems lost": sum(not left[cluster] for cluster in size) / len(size),
    }


def call(command: list[str], kept: Path, clusters: dict[str, int]) -> dict[str, Any]:
    """Run a contender in a process of its own; its figures, or why there are none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"absent": (done.stderr.strip().splitlines() or ["it failed"])[-1][:300]}
    took: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return took | score_kept(json.loads(kept.read_text()), clusters)


def measure_scale(rows: int, peers: str | None = None) -> dict[str, Any]:
    """Ours, and the peers where their Python is given, over the same texts one after the other."""
    with tempfile.TemporaryDirectory() as root:
        texts = Path(root) / "texts.jsonl"
        clusters = write_texts(texts, rows)
        folder, kept = texts.with_suffix(""), Path(root) / "kept.json"
        command = [sys.executable, "-m", "benchmarks.dedup", "--child", str(folder), str(kept)]
        figures = {"rows": rows, "ours": call(command, kept, clusters)}
        for name in PEERS if peers else ():
            own, script = Path(root) / name, str(Path(__file__).with_name("dedup_peers.py"))
            figures[name] = call([str(peers), script, name, str(texts), str(own)], own / "kept.json", clusters)
        return figures


def show(report: dict[str, Any]) -> None:
    """Print the figures."""
    truth = report["truth"]
    if truth:
        for name, aim in AIMS.items():
            print(f"{name:<26}{truth[name]:>8.1%}   aim {aim:.0%}   ({truth['pairs']} pairs)")
        for kind, (count, merged) in truth["kinds"].items():
            print(f"  {kind:<90}{merged:>4} of {count}")
    for part in ("scale", "beside peers"):
        figures = report[part]
        print(f"{part}: {figures['rows']:,} rows")
        for name, row in figures.items():
            if name == "rows":
                continue
            if "absent" in row:
                print(f"  {name:<12} absent: {row['absent']}")
                continue
            took = f"{row['seconds']:.1f} s ({row['cpu seconds']:.1f} s of CPU), {row['gb']:.2f} GB"
            right = f"precision {row['precision']:.1%}, recall {row['recall']:.1%}"
            print(f"  {name:<12}{took}; {right}, problems lost {row['problems lost']:.1%}")
    print(f"aim at {FULL_ROWS:,} rows: {AIM_SECONDS:.0f} s, {AIM_GB:.0f} GB")


def main(out: Path | None = None, arguments: list[str] | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=70_000)
    parser.add_argument("--peer-rows", type=int, default=20_000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--peers", default=os.environ.get("PEERS"))
    options = parser.parse_args(arguments or [])
    if not DATA.is_dir():
        print("dedup: ../shared/data is not here; skipped")
        return None
    beside = measure_scale(options.peer_rows, options.peers)
    if not options.peers:
        beside |= {name: {"absent": "--peers is not given"} for name in PEERS}
    report: dict[str, Any] = {
        "truth": measure_truth(),
        "scale": measure_scale(FULL_ROWS if options.full else options.rows),
        "beside peers": beside,
    }
    show(report)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_ours(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        given = sys.argv[1:]
        target = Path(given.pop(0)) if given and not given[0].startswith("-") else None
        main(target, given)
