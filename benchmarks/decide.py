"""Decide 700k problems x 16 samples: seconds and peak memory, beside the usual group-by over one frame.

    python -m benchmarks.decide [OUT.json] [--problems 700000] [--peer-problems 70000]

Evidence is generated into a temporary folder (not counted, and deleted), in shards as a run writes them. Each contender
then decides it in a process of its own, which reports its wall time from first to last file and its peak memory.
Peers load everything into one frame, Polars or pandas, and compute pass rate, majority and a fixed window: less than
ours does (no unknowns, no stopping early, no interval, no details). They run at `--peer-problems`, and so do we
once more, so that the ratio is of equal work.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.decide.run import decide_run
from pipeline.run.evidence import record_evidence
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import PROBLEM_DTYPES
from schemas.sample import SAMPLE_DTYPES

N = 16
SHARD = 2048
AIM_SECONDS, AIM_GB = 60.0, 4.0


def make_run(root: str, problems: int) -> None:
    """Write a run's problems and evidence: pass rates spread as a beta, wrong answers in classes, 1% unknown."""
    folder, draw = RunFolder(root), np.random.default_rng(0)
    for number, first in enumerate(range(0, problems, SHARD)):
        size, shard = min(SHARD, problems - first), f"{number:05d}"
        ids = [f"{value:016x}" for value in draw.integers(2**63, size=size)]
        labels = draw.integers(1, 1000, size).astype(str)
        problem = np.repeat(np.arange(size), N)
        correct = draw.random(size * N) < np.repeat(draw.beta(0.6, 0.9, size), N)
        wrong = (draw.geometric(np.repeat(draw.uniform(0.1, 0.9, size), N)) + 1000).astype(str)
        answer = np.where(correct, labels[problem], wrong)
        unknown = draw.random(size * N) < 0.01
        prompts = np.array([f"{value:016x}" for value in draw.integers(2**63, size=size)])
        samples = pl.DataFrame(
            {
                "problem_id": np.array(ids)[problem],
                "prompt": prompts[problem],
                "index": np.tile(np.arange(N), size),
                "completion": np.char.add("so it is ", answer),
                "tokens": draw.integers(50, 1000, size * N),
                "answer": answer,
                "answer_key": answer,
                "verdict": np.where(unknown, "unknown", np.where(correct, "correct", "wrong")),
                "verifier": prompts[problem],
            }
        ).with_columns(
            pl.lit("a/model").alias("model"), pl.lit("main").alias("revision"), pl.lit("0" * 16).alias("params")
        )
        columns = [
            (pl.col(c) if c in samples.columns else pl.lit(None)).cast(t).alias(c) for c, t in SAMPLE_DTYPES.items()
        ]
        folder.write_table(f"samples/{shard}.parquet", samples.select(columns))
        key = ["problem_id", "prompt", "model", "revision", "params"]
        record_evidence(folder, shard, samples.select(key).unique(maintain_order=True))
        given = pl.DataFrame({"id": ids, "answer": labels})
        rows = [(pl.col(c) if c in given.columns else pl.lit(None)).cast(t).alias(c) for c, t in PROBLEM_DTYPES.items()]
        folder.write_table(f"problems/{shard}.parquet", given.select(rows))


def decide_ours(root: str) -> int:
    """The problems decided by `decide_run`."""
    config = Config.model_validate({"run": root, "sources": [{"name": "generated", "files": "none"}]})
    return sum(decide_run(RunFolder(root), config).values())


def decide_one_frame(root: str) -> int:
    """The same in Polars, everything at once."""
    samples = pl.read_parquet(f"{root}/samples/*.parquet")
    counts = samples.group_by("problem_id").agg(
        pl.len().alias("n"),
        (pl.col("verdict") == "correct").sum().alias("correct"),
        pl.col("answer_key").mode().first().alias("majority"),
    )
    share = pl.col("correct") / pl.col("n")
    decided = counts.with_columns(pl.when(share.is_between(1 / 16, 12 / 16)).then(pl.lit("keep")).alias("decision"))
    decided.write_parquet(f"{root}/decided.parquet")
    return decided.height


def decide_pandas(root: str) -> int:
    """The same in pandas, everything at once."""
    import pandas as pd  # type: ignore[import-untyped]

    samples = pd.read_parquet(f"{root}/samples")
    votes = samples.groupby(["problem_id", "answer_key"]).size().sort_values(ascending=False)
    majority = votes.reset_index().drop_duplicates("problem_id").set_index("problem_id")["answer_key"]
    right = (samples["verdict"] == "correct").groupby(samples["problem_id"])
    decided = pd.DataFrame({"rate": right.mean(), "majority": majority})
    decided["keep"] = decided["rate"].between(1 / 16, 12 / 16)
    decided.to_parquet(f"{root}/decided.parquet")
    return len(decided)


CONTENDERS: dict[str, Callable[[str], int]] = {
    "goldilocks": decide_ours,
    "polars, one frame": decide_one_frame,
    "pandas, one frame": decide_pandas,
}


def run_child(name: str, root: str) -> None:
    began = time.perf_counter()
    decided = CONTENDERS[name](root)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": round(seconds, 2), "peak_gb": round(peak / 1e9, 2), "problems": decided}))


def measure(name: str, root: str, problems: int) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.decide", "--child", name, "--root", root]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, Any] = {"name": name, **json.loads(done.stdout.splitlines()[-1])}
    if row["problems"] != problems:
        raise AssertionError(f"{name} decided {row['problems']} problems of {problems}")
    row["samples_per_s"] = round(problems * N / row["seconds"])
    return row


def main(out: Path | None = None, problems: int = 700_000, peer_problems: int = 70_000) -> dict[str, Any]:
    """Measure, print, and write the figures as JSON to `out`."""
    rows = []
    for size, names in ((peer_problems, list(CONTENDERS)), (problems, ["goldilocks"])):
        with tempfile.TemporaryDirectory(prefix="goldilocks-bench-") as root:
            make_run(root, size)
            rows += [measure(name, root, size) for name in names]
    whole = rows[-1]
    for row in rows:
        print(
            f"{row['name']:20} {row['problems']:>8,} problems x {N}: {row['seconds']:>7.1f} s "
            f"{row['peak_gb']:>6.2f} GB {row['samples_per_s']:>10,} samples/s"
        )
    met = whole["seconds"] < AIM_SECONDS and whole["peak_gb"] < AIM_GB
    print(f"aim for {problems:,}: under {AIM_SECONDS:.0f} s and {AIM_GB:.0f} GB: {'met' if met else 'missed'}")
    result = {"benchmark": "decide", "rows": rows, "aim": {"seconds": AIM_SECONDS, "gb": AIM_GB, "met": met}}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decide")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--problems", type=int, default=700_000)
    parser.add_argument("--peer-problems", type=int, default=70_000)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--root", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.root)
    else:
        main(given.out, given.problems, given.peer_problems)
