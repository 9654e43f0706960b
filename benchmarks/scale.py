"""700k problems with 11.2M samples through a run's stages: seconds, CPU and peak memory a stage, and their growth.

    python -m benchmarks scale, or python -m benchmarks.scale [OUT.json] [--problems 700000] [--small 70000]
        [--stage NAME] [--root FOLDER] [--peers PYTHON] [--peer-problems 20000]

The problems and their evidence (`scale_problems.py`) are generated; all else is the product: the flow's own functions
over a real run folder, without Prefect, whose cost does not grow with the rows, and without a model, whose cost is
`goldilocks plan`'s. Each stage runs in a process of its own, which says its wall time, its CPU time and the peak of its
memory.
`--stage` with `--root` runs some stages over a folder that stays, so that a long run can be done in pieces.

Peers, over the same statements, where PYTHON (or PEERS in the environment) has them: datatrove's MinHash and n-gram
decontamination, and Data-Juicer's MinHash, with their defaults. NeMo Curator's dedup needs a GPU.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.scale_problems import (
    BENCHMARK,
    MODEL,
    REVISION,
    N,
    note_evidence,
    read_benchmark,
    write_evidence,
    write_problems,
)
from pipeline.run.evidence import find_graded
from pipeline.run.storage import RunFolder
from schemas.config import Config

AIM_SECONDS, AIM_GB, PROBLEMS, SMALL = 1800.0, 8.0, 700_000, 70_000
PEERS = ("datatrove dedup", "datatrove decontaminate", "data_juicer dedup")
SHARED = {"datatrove dedup": "dedup", "datatrove decontaminate": "decontaminate", "data_juicer dedup": "dedup"}


def configure(root: Path) -> Config:
    """The config of the run: defaults throughout."""
    benchmarks = [{"name": "benchmarks", "files": str(BENCHMARK), "text": "text", "id": "id", "bench": "bench"}]
    return Config.model_validate(
        {
            "run": str(root / "run"),
            "sources": [{"name": "generated", "files": str(root / "generated.jsonl")}],
            "decontaminate": {"benchmarks": benchmarks if BENCHMARK.exists() else []},
            "model": {"name": MODEL, "revision": REVISION},
        }
    )


def generate(config: Config, folder: RunFolder, problems: int) -> None:
    write_problems(Path(folder.root).parent / "generated.jsonl", problems)


def ingest(config: Config, folder: RunFolder, problems: int) -> None:
    from pipeline.ingest.ingest import ingest as run

    run(config, folder)


def screen(config: Config, folder: RunFolder, problems: int) -> None:
    _map_shards(config, folder, "screen", "problems")


def dedup(config: Config, folder: RunFolder, problems: int) -> None:
    from flows.tasks import run_stage_on_set

    run_stage_on_set.fn(config, folder, "dedup", _shards(folder, "stages/screen"), "stages/screen")


def decontaminate(config: Config, folder: RunFolder, problems: int) -> None:
    if config.decontaminate.benchmarks:
        _map_shards(config, folder, "decontaminate", "stages/dedup")


def sample(config: Config, folder: RunFolder, problems: int) -> None:
    """The stand-in for sampling: evidence as it is stored, for every problem, and the record of what counts."""
    graded = find_graded(folder)
    for name in folder.list("problems"):
        write_evidence(folder, config, name)
    for shard, table in graded.items():
        note_evidence(folder, shard, table)


def decide(config: Config, folder: RunFolder, problems: int) -> None:
    from pipeline.decide.run import decide_run

    decide_run(folder, config)


def publish(config: Config, folder: RunFolder, problems: int) -> None:
    from pipeline.publish.run import publish_run

    publish_run(folder, config, {})


def recall(config: Config, folder: RunFolder, problems: int) -> None:
    """What sampling costs a run that lacks no sample, as every night: all evidence is read and counted, and the samples
    with an unknown verdict, one in a hundred, are judged again. The engine is a name: it is never asked.
    """
    from pipeline.sample.shard import sample_shard
    from pipeline.sample.store import EvidenceStore
    from pipeline.verify.problem import ProblemVerifier

    engine: Any = SimpleNamespace(model=MODEL, revision=REVISION, capacity=1)
    with ProblemVerifier(config.verify, config.sandbox) as verifier:
        for shard, name in find_graded(folder).items():
            stats = sample_shard(folder.read_table(name), EvidenceStore(folder, shard), config, engine, verifier)
            if stats.sampled or stats.missing:
                raise AssertionError(f"{shard}: sampled {stats.sampled}, lacks {stats.missing}")


STAGES: dict[str, Callable[[Config, RunFolder, int], None]] = {
    "generate": generate,
    "ingest": ingest,
    "screen": screen,
    "dedup": dedup,
    "decontaminate": decontaminate,
    "sample": sample,
    "decide": decide,
    "publish": publish,
    "recall": recall,
}
UNCOUNTED = ("generate", "sample", "recall")
"""What makes the data, and what a later run costs: no part of the whole."""


def _shards(folder: RunFolder, tables: str) -> list[str]:
    return [name.rpartition("/")[2].removesuffix(".parquet") for name in folder.list(tables)]


def _map_shards(config: Config, folder: RunFolder, stage: str, source: str) -> None:
    """A stage over every shard, as many at once as the flow runs."""
    from flows.tasks import run_stage_on_shard

    def run(shard: str) -> None:
        run_stage_on_shard.fn(config, folder, stage, shard, source)

    with ThreadPoolExecutor(config.flow.concurrency) as pool:
        list(pool.map(run, _shards(folder, source)))


def run_child(name: str, root: Path, problems: int) -> None:
    """One stage in this process; prints what it took."""
    import flows.tasks  # noqa: F401 -- Prefect's import is no stage's

    config = configure(root)
    began, spent = time.monotonic(), count_cpu()
    STAGES[name](config, RunFolder(config.run), problems)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    took = {"seconds": time.monotonic() - began, "cpu": count_cpu() - spent, "gb": peak * 1024 / 1e9}
    print(json.dumps({key: round(value, 3) for key, value in took.items()}))


def count_cpu() -> float:
    """CPU seconds of this process and the children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def measure(name: str, root: Path, problems: int) -> dict[str, Any]:
    """One stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--child", name, "--root", str(root)]
    done = subprocess.run([*command, "--problems", str(problems)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {name:<15}{row['seconds']:>9.1f} s {row['cpu']:>9.1f} s of CPU {row['gb']:>7.2f} GB", flush=True)
    return row


def measure_stages(problems: int, root: Path, stages: Sequence[str]) -> dict[str, Any]:
    """Each stage over the folder `root`, in their order; figures of earlier pieces are in root/figures.json."""
    print(f"{problems:,} problems x {N} samples", flush=True)
    kept = root / "figures.json"
    rows: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in stages:
        rows[name] = measure(name, root, problems)
        kept.write_text(json.dumps(rows))
    folder = RunFolder(str(root / "run"))
    sizes = {
        "disk_gb": round(sum(path.stat().st_size for path in (root / "run").rglob("*") if path.is_file()) / 1e9, 2),
        "report_kb": round((root / "run" / "report.html").stat().st_size / 1e3) if folder.exists("report.html") else 0,
        "manifest_kb": round((root / "run" / "manifest.json").stat().st_size / 1e3)
        if folder.exists("manifest.json")
        else 0,
    }
    counted = [row for name, row in rows.items() if name not in UNCOUNTED]
    whole = {
        "seconds": round(sum(row["seconds"] for row in counted), 1),
        "cpu": round(sum(row["cpu"] for row in counted), 1),
        "gb": max((row["gb"] for row in counted), default=0.0),
    }
    print(f"  {'whole':<15}{whole['seconds']:>9.1f} s {whole['cpu']:>9.1f} s of CPU {whole['gb']:>7.2f} GB; {sizes}")
    return {"problems": problems, "stages": rows, "whole": whole, **sizes}


def measure_peers(problems: int, peers: str) -> dict[str, Any]:
    """The peers over the same statements as the stage that they share, and that stage once more."""
    rows: dict[str, Any] = {"problems": problems}
    with open_folder(None) as root:
        for name in ("generate", "ingest", "screen", "dedup", "decontaminate"):
            rows[name] = measure(name, root, problems)
        texts, items = root / "texts.jsonl", root / "items.jsonl"
        folder = RunFolder(str(root / "run"))
        with texts.open("w", encoding="utf-8") as out:
            for _, table in folder.read_tables("stages/screen", ["id", "statement"]):
                out.writelines(json.dumps({"id": id, "text": text}) + "\n" for id, text in table.iter_rows())
        items.write_text(
            "".join(json.dumps({"id": str(at), "text": t}) + "\n" for at, t in enumerate(read_benchmark()))
        )
        script = str(Path(__file__).with_name("scale_peers.py"))
        for name in PEERS:
            own = root / name.replace(" ", "-")
            command = [peers, script, name, str(texts), str(items), str(own)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                rows[name] = {"absent": (done.stderr.strip().splitlines() or ["it failed"])[-1][:300]}
                print(f"  {name:<25} absent: {rows[name]['absent']}", flush=True)
                continue
            took = rows[name] = json.loads((own / "took.json").read_text())
            ratio = took["cpu"] / rows[SHARED[name]]["cpu"]
            print(
                f"  {name:<25}{took['seconds']:>9.1f} s {took['cpu']:>9.1f} s of CPU ({ratio:.1f} of ours)", flush=True
            )
    return rows


@contextmanager
def open_folder(given: Path | None) -> Iterator[Path]:
    """The folder given, which stays, or one that goes."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    made = Path(tempfile.mkdtemp(prefix="goldilocks-scale-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def show_growth(small: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """How many times the CPU each stage took, over how many times the problems: 1 is linear."""
    times = large["problems"] / small["problems"]
    both = [name for name in large["stages"] if name in small["stages"] and name not in UNCOUNTED]
    growth = {n: large["stages"][n]["cpu"] / max(0.01, small["stages"][n]["cpu"]) / times for n in both}
    print("growth of CPU over growth of the set: " + ", ".join(f"{name} {of:.2f}" for name, of in growth.items()))
    return growth


def main(out: Path | None = None, arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and write the figures as JSON to `out`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--small", type=int, default=SMALL, help="the size to tell the growth by; 0 for none")
    parser.add_argument("--stage", action="append", choices=list(STAGES), help="only these; may be repeated")
    parser.add_argument("--root", type=Path, help="a folder that stays; one that goes if not given")
    parser.add_argument("--peers", default=os.environ.get("PEERS"))
    parser.add_argument("--peer-problems", type=int, default=20_000)
    options = parser.parse_args(arguments or [])
    stages = options.stage or list(STAGES)
    report: dict[str, Any] = {"benchmark": "scale"}
    if options.small and not options.stage:
        with open_folder(None) as root:
            report["small"] = measure_stages(options.small, root, stages)
    with open_folder(options.root) as root:
        report["large"] = measure_stages(options.problems, root, stages)
    if "small" in report:
        report["growth"] = show_growth(report["small"], report["large"])
    if options.peers:
        report["peers"] = measure_peers(options.peer_problems, options.peers)
    whole = report["large"]["whole"]
    met = whole["seconds"] < AIM_SECONDS and whole["gb"] < AIM_GB
    print(f"aim at {PROBLEMS:,}: under {AIM_SECONDS:.0f} s and {AIM_GB:.0f} GB: {'met' if met else 'missed'}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["--child"]:
        run_child(given[1], Path(given[3]), int(given[5]))
    else:
        target = Path(given.pop(0)) if given and not given[0].startswith("-") else None
        main(target, given)
