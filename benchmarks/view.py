"""`goldilocks view` over 700k problems with 11.2M samples: seconds a page and peak memory, beside reading everything.

    python -m benchmarks view, or python -m benchmarks.view [OUT.json] [--problems 700000] [--small 70000]
        [--run FOLDER]

The run is that of `benchmarks.scale`, generated and then ingested, decided and published by the product (`--run` takes
one that is there). The real server answers over loopback, in a process of its own; times are those of whole pages.
Every question but the first is asked in several forms, none of them twice, so that nothing is remembered; the median is
told. The peer is the usual short script, in a process for each question: read all tables into one frame, filter, and
take the page. Both must find the same number of problems.
"""

import argparse
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import polars as pl

from benchmarks.scale import measure_stages

STAGES = ("generate", "ingest", "sample", "decide", "publish")
"""What a run needs to be looked at; the others only turn problems away."""
PAGE = 50
AIM_SECONDS, AIM_GB = 2.0, 2.0
"""A page is there before one looks away, on a laptop."""
WORDS = ("marbles", "train", "how many", "triangle", "sum")
FILTERS = (
    {"outcome": "keep", "from": "3", "to": "9", "sort": "hard"},
    {"outcome": "never_solved"},
    {"from": "12", "sort": "easy"},
    {"outcome": "keep", "to": "2"},
    {"outcome": "label_contradicted", "sort": "run"},
)
PROBLEMS = 15


@contextmanager
def serve(run: Path) -> Iterator[tuple[httpx.Client, int]]:
    """The real command over `run`: a client for its address, and its process id."""
    command = [sys.executable, "-m", "flows.cli.main", "view", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            with httpx.Client(base_url=address, timeout=600) as client:
                yield client, server.pid
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def ask(client: httpx.Client, path: str, **asked: str) -> tuple[float, str]:
    """(seconds, page) of one question."""
    began = time.perf_counter()
    answer = client.get(path, params=asked)
    took = time.perf_counter() - began
    answer.raise_for_status()
    return took, answer.text


def count_problems(page: str) -> int:
    """The number in the page's headline."""
    heading = re.search(r"<h1>([\d,]+) problem", page)
    if heading is None:
        raise AssertionError(f"no headline in the page: {page[:300]}")
    return int(heading[1].replace(",", ""))


def measure_server(run: Path) -> dict[str, Any]:
    """Seconds of each kind of page, what it found, and the peak of the server's memory."""
    with serve(run) as (client, pid):
        first, page = ask(client, "/")
        ids = re.findall(r"/problem/([0-9a-f]{16})", ask(client, "/", page="3")[1])[:PROBLEMS]
        pages = [ask(client, "/", page=str(number)) for number in (2, 40, 400, 900, 1300)]
        filtered = [ask(client, "/", **asked) for asked in FILTERS]
        searched = [ask(client, "/", q=word) for word in WORDS]
        opened = [ask(client, f"/problem/{id_}") for id_ in ids]
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    seconds = {
        "first page, nothing read yet": first,
        "another page": median(took for took, _ in pages),
        "filtered page": median(took for took, _ in filtered),
        "text search": median(took for took, _ in searched),
        "one problem": median(took for took, _ in opened),
    }
    return {
        "seconds": {name: round(took, 3) for name, took in seconds.items()},
        "slowest": round(max(took for took, _ in (*pages, *filtered, *searched, *opened)), 3),
        "gb": round(int(peak[1]) * 1024 / 1e9, 2),
        "found": {
            "first page, nothing read yet": count_problems(page),
            "filtered page": count_problems(filtered[0][1]),
            "text search": count_problems(searched[0][1]),
            "one problem": opened[0][1].count('class="v-'),
        },
        "id": ids[0],
    }


def read_all(run: str) -> pl.DataFrame:
    """Every problem with its outcome and its decision, in one frame."""
    kept = pl.read_parquet(f"{run}/curated/*.parquet").with_columns(pl.lit("keep").alias("reason"))
    left = pl.read_parquet(f"{run}/rejected/*.parquet")
    graded = pl.concat([kept.drop("n", "correct", "pass_rate"), left], how="diagonal")
    return graded.join(pl.read_parquet(f"{run}/decisions/*.parquet"), left_on="id", right_on="problem_id", how="left")


def answer_plainly(name: str, run: str, id_: str) -> int:
    """One question by reading everything; what it finds is the number of problems, or of samples."""
    everything = read_all(run)
    if name == "one problem":
        problem = everything.filter(pl.col("id") == id_)
        samples = pl.read_parquet(f"{run}/samples/**/*.parquet").filter(pl.col("problem_id") == id_)
        assert problem.height
        return samples.height
    if name == "filtered page":
        bin_ = (pl.col("pass_rate") * 16).round()
        everything = everything.filter(pl.col("reason") == "keep", bin_.is_between(3, 9)).sort("pass_rate")
    elif name == "text search":
        pattern = f"(?i){pl.escape_regex(WORDS[0])}"
        texts = (pl.col(column).str.contains(pattern) for column in ("statement", "answer", "source_id"))
        everything = everything.filter(pl.any_horizontal(texts))
    everything.sort("id").head(PAGE).to_dicts()
    return everything.height


def run_child(name: str, run: str, id_: str) -> None:
    began = time.perf_counter()
    answer = answer_plainly(name, run, id_)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"seconds": round(took, 3), "gb": round(peak, 2), "found": answer}))


def measure_plain(name: str, run: Path, id_: str) -> dict[str, Any]:
    """One question to the peer, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.view", "--child", name, "--run", str(run), "--id", id_]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure_run(run: Path, problems: int) -> dict[str, Any]:
    """Both over one run. Raises AssertionError where they find different numbers."""
    ours = measure_server(run)
    plain = {name: measure_plain(name, run, ours["id"]) for name in ours["found"]}
    print(
        f"{problems:,} problems: the server at most {ours['gb']:.2f} GB, its slowest warm page {ours['slowest']:.2f} s"
    )
    for name, took in ours["seconds"].items():
        peer = plain.get(name, plain["first page, nothing read yet"])
        if "failed" in peer:
            print(f"  {name:<30}{took:>8.3f} s   reading everything failed: {peer['failed']}")
            continue
        peer_text = f"{peer['seconds']:>7.2f} s {peer['gb']:>6.2f} GB {peer['seconds'] / took:>7.1f}x"
        print(f"  {name:<30}{took:>8.3f} s   reading everything {peer_text}")
        if name in ours["found"] and peer["found"] != ours["found"][name]:
            raise AssertionError(f"{name}: the page says {ours['found'][name]}, a plain reading {peer['found']}")
    return {"problems": problems, "ours": ours, "plain": plain}


def main(
    out: Path | None = None, problems: int = 700_000, small: int = 70_000, runs: Sequence[Path] = ()
) -> dict[str, Any]:
    """Measure, print, and write the figures as JSON to `out`."""
    rows = []
    for size in () if runs else (small, problems):
        with tempfile.TemporaryDirectory(prefix="goldilocks-bench-") as root:
            measure_stages(size, Path(root), STAGES)
            rows.append(measure_run(Path(root) / "run", size))
    for run in runs:
        sizes = (pl.scan_parquet(f"{run}/{tables}/*.parquet").select(pl.len()) for tables in ("curated", "rejected"))
        rows.append(measure_run(run, sum(table.item() for table in pl.collect_all(sizes))))
    whole = rows[-1]["ours"]
    met = max(whole["slowest"], *whole["seconds"].values()) < AIM_SECONDS and whole["gb"] < AIM_GB
    print(f"aim: every page under {AIM_SECONDS:.0f} s, the server under {AIM_GB:.0f} GB: {'met' if met else 'missed'}")
    result = {"benchmark": "view", "rows": rows, "aim": {"seconds": AIM_SECONDS, "gb": AIM_GB, "met": met}}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.view")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--problems", type=int, default=700_000)
    parser.add_argument("--small", type=int, default=70_000)
    parser.add_argument("--run", type=Path, action="append", default=[])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--id", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, str(given.run[0]), given.id)
    else:
        main(given.out, given.problems, given.small, given.run)
