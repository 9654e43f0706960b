"""What curation is worth in training: the same model, trainer and number of steps on three sets of the same problems.

    python -m benchmarks.curated_against_raw [OUT.json] [--folder FOLDER] [--seeds 5] [--arms curated,screened,rates]
                                             [--steps 12] [--only-report] [--picture FILE.svg]

The raw problems (`raw_problems.py`) are graded once by the embedded model, up to 16 samples each. Three sets come of
it: `curated`, what the whole pipeline keeps; `screened`, what its format rules alone keep, whatever the model makes of
it; `rates`, all raw problems whose pass rate is in the keep window, without screen, dedup and labels. Each trains the
embedded model by the trainer, with settings near the quickstart's; groups without signal are replaced, as always, so
every run learns from as many groups, and the sets differ in what these teach and in what they cost to sample.

Every (arm, seed) has a folder; what is finished is not run again, so it can be killed and goes on. Seeds come one after
another, each through all arms, so that at any time the arms have nearly the same seeds.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.raw_problems import make_held_out, make_raw
from benchmarks.training_curves import AXES, compare_runs, draw_picture, read_run
from pipeline.run.layout import CURATED, PROBLEMS, problems_name, rejected_name, stage_name, table_name
from pipeline.run.storage import RunFolder
from schemas.config import Config, Source, TrainConfig, TrainStage
from schemas.load import load_config

ROOT = Path(__file__).resolve().parents[1]
ARMS = ("curated", "screened", "rates")
AGAINST = "screened"
SHARD = "00000"
STAGES = ("screen", "dedup", "decontaminate")
POINTS = 3
"""Evaluations of a run, besides that before it."""
HELD_OUT = 48
"""Problems of each evaluation, which costs as many completions as four steps."""
STEPS = 12
LEARNING_RATE = 3e-5
"""Twice the quickstart's, for half of its steps: weights move as far, and a run takes a few minutes."""
FOLDER = Path("bench-results") / "curated-against-raw"


def configure(folder: Path, steps: int, seed: int = 0) -> Config:
    """The quickstart's settings for the raw problems in `folder`, and a stage of `steps`."""
    base = load_config(ROOT / "configs" / "quickstart.yaml")
    evaluation = base.train.evaluation.model_copy(
        update={
            "sources": (Source(name="held-out", files=str(folder / "held-out.jsonl")),),
            "every": max(1, steps // POINTS),
            "problems": HELD_OUT,
            "every_problems": HELD_OUT,
            "variants": "keep",
        }
    )
    stage = TrainStage(
        name="stage", steps=steps, prompts_per_batch=8, l_cache=8, plateau=0, patience=max(10, 10 * steps)
    )
    train = TrainConfig(
        num_generations=8,
        learning_rate=LEARNING_RATE,
        warmup=2,
        checkpoint_every=max(1, steps // POINTS),
        evaluation=evaluation,
        stages=(stage,),
        seed=seed,
    )
    source = Source(name="raw", files=str(folder / "raw.jsonl"))
    return base.model_copy(update={"run": str(folder / "pool"), "sources": (source,), "train": train})


def prepare(folder: Path, config: Config) -> None:
    """Write, grade and curate the raw problems, and lay out the three sets as shards. What is there is kept."""
    from pipeline.decide.run import decide_run
    from pipeline.ingest.ingest import ingest
    from pipeline.publish.shards import publish_curated
    from pipeline.stages import find_stage

    sets = RunFolder(str(folder / "sets"))
    if all(sets.exists(table_name(arm, SHARD)) for arm in ARMS):
        return
    folder.mkdir(parents=True, exist_ok=True)
    raw = make_raw()
    _write_rows(folder / "raw.jsonl", raw)
    _write_rows(folder / "held-out.jsonl", make_held_out({str(row.get("statement")) for row in raw}))
    pool = RunFolder(config.run)
    if not pool.list(PROBLEMS):
        ingest(config, pool)
    problems = pool.read_table(problems_name(SHARD))
    table = problems
    for stage in STAGES:
        result = find_stage(stage).apply(table, config)
        table = result.kept
        pool.write_table(stage_name(stage, SHARD), result.kept)
        pool.write_table(rejected_name(stage, SHARD), result.rejected)
    filled = [pl.col(name).fill_null("") != "" for name in ("statement", "answer")]
    grade(problems.filter(*filled), pool, config)
    decide_run(pool, config)
    publish_curated(pool, config)
    screened = pool.read_table(stage_name("screen", SHARD))
    rates = count_rates(problems, pool, config)
    # Sampling stops once a problem's place is settled, so what counts is how many samples are right and how many not.
    keep = config.keep
    window = (pl.col("correct") >= keep.min) & (pl.col("n") - pl.col("correct") >= keep.of - keep.max)
    sets.write_table(table_name("curated", SHARD), pool.read_table(table_name(CURATED, SHARD)))
    sets.write_table(table_name("screened", SHARD), screened)
    sets.write_table(table_name("rates", SHARD), rates.filter(window))


def grade(problems: pl.DataFrame, pool: RunFolder, config: Config) -> None:
    """Sample and verify every problem until it is settled."""
    from pipeline.inference.open import open_engine
    from pipeline.sample.shard import sample_shard
    from pipeline.sample.store import EvidenceStore
    from pipeline.verify.problem import ProblemVerifier

    with open_engine(config.model) as engine, ProblemVerifier(config.verify, config.sandbox) as verifier:
        stats = sample_shard(problems, EvidenceStore(pool, SHARD), config, engine, verifier)
    print(f"graded {problems.height} problems: {stats.sampled} samples, {stats.tokens} tokens", flush=True)


def count_rates(problems: pl.DataFrame, pool: RunFolder, config: Config) -> pl.DataFrame:
    """The problems with `n` and `correct`, by the labels that they came with."""
    from pipeline.run.evidence import find_samples, read_samples

    samples = read_samples(pool, find_samples(pool)[SHARD], ["verdict"]).filter(pl.col("verdict") != "unknown")
    counted = samples.group_by("problem_id").agg(n=pl.len(), correct=(pl.col("verdict") == "correct").sum())
    return problems.join(counted, left_on="id", right_on="problem_id", how="inner", maintain_order="left")


def describe_sets(folder: Path) -> dict[str, Any]:
    """How many problems of each set there are, and how many of them are wrongly labelled, copies and never solved."""
    raw = [json.loads(line) for line in (folder / "raw.jsonl").read_text().splitlines()]
    marks = {row["source_id"]: row for row in raw}
    pool, sets = RunFolder(str(folder / "pool")), RunFolder(str(folder / "sets"))
    answers = dict(pool.read_table(problems_name(SHARD), ["source_id", "answer"]).iter_rows())
    rates = count_rates(pool.read_table(problems_name(SHARD)), pool, configure(folder, 1))
    solved = dict(rates.select("source_id", "correct").iter_rows())
    tables = {"raw": pool.read_table(problems_name(SHARD)), **{a: sets.read_table(table_name(a, SHARD)) for a in ARMS}}
    described = {}
    for name, table in tables.items():
        rows = table.select("source_id", "answer").rows()
        described[name] = {
            "problems": len(rows),
            # A label that was repaired is wrong no more.
            "wrong_labels": sum(marks[id]["wrong"] and answer == answers[id] for id, answer in rows),
            "copies": sum(marks[id]["copy"] for id, _ in rows),
            "never_solved": sum(solved.get(id, 0) == 0 for id, _ in rows),
            "nearly_always_solved": sum(solved.get(id, 0) > 12 for id, _ in rows),
        }
    return described


def train_arm(folder: Path, arm: str, seed: int, steps: int) -> None:
    """Train one arm with one seed in its folder, unless that is done. A killed one goes on from its checkpoint."""
    home = folder / f"{arm}-{seed}-steps-{steps}"
    if (home / "done").exists():
        return
    sets, run = RunFolder(str(folder / "sets")), RunFolder(str(home))
    run.write_table(table_name(CURATED, SHARD), sets.read_table(table_name(arm, SHARD)))
    config = configure(folder, steps, seed)
    settings = home / "config.json"
    train = config.train.model_copy(update={"folder": str(home / "training")})
    settings.write_text(
        json.dumps(config.model_copy(update={"run": str(home), "train": train}).model_dump(mode="json"))
    )
    print(f"-- {arm}, seed {seed}", flush=True)
    environment = {**os.environ, "GOLDILOCKS_QUIET": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "trainer", str(settings), "stage"], cwd=ROOT, env=environment, check=True)
    for name in ("log.jsonl", "evaluations.jsonl"):
        shutil.copy(home / "training" / name, home / name)
    # Weights and optimiser take 2 GB a run, and only the curves are asked for.
    shutil.rmtree(home / "training")
    (home / "done").touch()


def report(folder: Path, arms: Sequence[str], steps: int) -> dict[str, Any]:
    """What the finished runs say; only seeds that every arm has finished."""
    finished = {
        arm: {int(path.parent.name.split("-")[1]) for path in folder.glob(f"{arm}-*-steps-{steps}/done")}
        for arm in arms
    }
    seeds = sorted(set.intersection(*finished.values()))
    described: dict[str, Any] = {
        "benchmark": "curated_against_raw",
        "steps": steps,
        "seeds": seeds,
        "against": AGAINST if AGAINST in arms else arms[0],
        "sets": describe_sets(folder),
    }
    if seeds:
        runs = [read_run(folder / f"{arm}-{seed}-steps-{steps}", arm, seed) for arm in arms for seed in seeds]
        described["axes"] = [compare_runs(runs, axis, described["against"]) for axis in AXES]
    return described


def show(described: dict[str, Any]) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=140)
    sets = Table(title="The sets")
    for column in ("set", "problems", "wrong labels", "copies", "never solved", "nearly always solved"):
        sets.add_column(column)
    for name, row in described["sets"].items():
        sets.add_row(name, *map(str, row.values()))
    console.print(sets)
    for axis in described.get("axes", ()):
        table = Table(
            title=f"After {axis['tokens']:,.0f} tokens {axis['axis']}: {len(described['seeds'])} seeds, "
            f"{axis['problems']} held-out problems, 95% intervals"
        )
        against = described["against"]
        for column in ("set", "held-out pass rate", f"over {against}", f"tokens to where {against} ends", "share"):
            table.add_column(column)
        for arm, row in axis["arms"].items():
            end, ahead, share = (row[name] for name in ("end", "ahead", "share"))
            table.add_row(
                arm,
                f"{end[0]:.3f} ({end[1]:.3f} to {end[2]:.3f})",
                f"{ahead[0]:+.3f} ({ahead[1]:+.3f} to {ahead[2]:+.3f})",
                f"{row['tokens_to']:,.0f}",
                f"{share[0]:.2f} ({share[1]:.2f} to {share[2]:.2f})",
            )
        console.print(table)


def main(
    out: Path | None = None,
    folder: Path = FOLDER,
    seeds: int = 5,
    arms: Sequence[str] = ARMS,
    steps: int = STEPS,
    only_report: bool = False,
    picture: Path | None = None,
) -> dict[str, Any]:
    """Run what is missing, print the tables, and write the figures as JSON to `out` and the curves to `picture`."""
    folder = folder.absolute()
    # A trainer that is under way ends with us, and its engine with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    prepare(folder, configure(folder, steps))
    for seed in range(seeds):
        for arm in () if only_report else arms:
            train_arm(folder, arm, seed, steps)
    described = report(folder, arms, steps)
    show(described)
    if picture is not None and "axes" in described:
        draw_picture(described["axes"], picture)
    if out is not None:
        out.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return described


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curated_against_raw")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", default=",".join(ARMS), help="comma-separated")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimiser steps of a run")
    parser.add_argument("--only-report", action="store_true", help="run nothing more, report what is finished")
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    main(
        given.out,
        given.folder,
        given.seeds,
        tuple(given.arms.split(",")),
        given.steps,
        given.only_report,
        given.picture,
    )
