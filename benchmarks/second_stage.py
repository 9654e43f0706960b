"""What the second stage of the quickstart's loop adds, over several seeds of training.

    python -m benchmarks.second_stage [OUT.json] [--folder FOLDER] [--seeds 5] [--only-report]

The quickstart is curated once. Each seed goes round the loop over a copy of that run: stage 1, the second pass with its
model, stage 2 on what that keeps. So the seeds have the first pass in common, and differ in the order of problems, in
what is sampled, and in what the second pass says. What is finished is not run again, so it can be killed and goes on.

Intervals are of a bootstrap over seeds and held-out problems at once; changes are paired by seed and problem.
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
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.training_curves import DRAWS, Floats

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "configs" / "quickstart.yaml"
FOLDER = Path("bench-results") / "second-stage"
WHEN = ("before training", "after stage-1", "after stage-2")
LOGS = ("log.jsonl", "evaluations.jsonl")


def run_command(command: str, run: Path, *overrides: str) -> None:
    """One command of the command line over the quickstart's config, in the folder `run`."""
    options = [f"--set={one}" for one in (f"run={run}", *overrides)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "flows.cli", command, str(CONFIG), *options], cwd=ROOT, env=environment, check=True
    )


def prepare(folder: Path) -> Path:
    """The curated run that all seeds begin with."""
    base = folder / "base"
    if not (base / "manifest.json").exists():
        run_command("curate", base)
    return base


def go_round(folder: Path, base: Path, seed: int) -> None:
    """The loop with one seed, unless that is done; a killed one goes on. Only its logs stay: the weights take 2 GB."""
    home = folder / f"seed-{seed}"
    if (home / "done").exists():
        return
    run = home / "run"
    if not run.exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home / "copy", ignore_errors=True)
        shutil.copytree(base, home / "copy").rename(run)
    print(f"-- seed {seed}", flush=True)
    run_command("loop", run, f"train.seed={seed}")
    for name in LOGS:
        shutil.copy(run / "training" / name, home / name)
    (home / "done").touch()
    shutil.rmtree(run)


def read_rates(home: Path) -> dict[str, dict[str, float]]:
    """Of one seed: when -> problem -> its pass rate."""
    rows = [json.loads(line) for line in (home / "evaluations.jsonl").read_text().splitlines()]
    found = {row["when"]: {score["id"]: score["pass_rate"] for score in row["scores"]} for row in rows}
    return {when: found[when] for when in WHEN}


def describe_stage(steps: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What one stage of one seed did, by its rows of the log."""
    sampled = [row for row in steps if row.get("signal") is not None]
    groups = sum(row["groups"] for row in sampled)
    ends = [sampled[: len(sampled) // 4 or 1], sampled[-(len(sampled) // 4 or 1) :]]
    return {
        "steps": len(steps),
        "groups": groups,
        "signal": sum(row["signal"] * row["groups"] for row in sampled) / groups,
        "sampled_tokens": sum(row["sampled_tokens"] for row in steps),
        "trained_tokens": sum(row["trained_tokens"] for row in steps),
        "first_pass_rate": fmean(row["pass_rate"] for row in ends[0]),
        "last_pass_rate": fmean(row["pass_rate"] for row in ends[1]),
        "clipped": fmean(row["clipped_above"] + row["clipped_below"] for row in steps),
        "minutes": sum(row["seconds"] for row in steps) / 60,
    }


def estimate(rates: Floats, draws: int = DRAWS) -> dict[str, list[float]]:
    """Means and what each stage adds, with 95% intervals; `rates` are seeds x evaluations x problems."""
    draw = np.random.default_rng(0)
    seeds, _, problems = rates.shape
    means = [rates.mean(axis=(0, 2))]
    for _ in range(draws):
        chosen = rates[draw.integers(0, seeds, seeds)][:, :, draw.integers(0, problems, problems)]
        means.append(chosen.mean(axis=(0, 2)))
    every = np.array(means)
    figures = {when: every[:, at] for at, when in enumerate(WHEN)}
    figures["stage-1 adds"] = every[:, 1] - every[:, 0]
    figures["stage-2 adds"] = every[:, 2] - every[:, 1]
    return {
        name: [float(values[0]), *(float(one) for one in np.quantile(values[1:], (0.025, 0.975)))]
        for name, values in figures.items()
    }


def split_by_difficulty(rates: Floats) -> dict[str, list[float]]:
    """Means of the three evaluations for problems that the model solved never, in fewer than half, or more often before
    it was trained, over all seeds; the number of problems first.
    """
    before = rates[:, 0]
    parts = {
        "never solved before": before == 0,
        "solved in less than half": (before > 0) & (before < 0.5),
        "solved in half or more": before >= 0.5,
    }
    return {
        name: [float(chosen.sum()), *(float(rates[:, at][chosen].mean()) for at in range(len(WHEN)))]
        for name, chosen in parts.items()
        if chosen.any()
    }


def report(folder: Path) -> dict[str, Any]:
    """What the finished seeds say."""
    homes = sorted((done.parent for done in folder.glob("seed-*/done")), key=lambda home: int(home.name.split("-")[1]))
    described: dict[str, Any] = {"benchmark": "second_stage", "seeds": [], "runs": {}}
    if not homes:
        return described
    rated = {home: read_rates(home) for home in homes}
    problems = sorted(set.intersection(*(set(rates) for one in rated.values() for rates in one.values())))
    for home, rates in rated.items():
        means = {when: fmean(rates[when][id] for id in problems) for when in WHEN}
        log = [json.loads(line) for line in (home / "log.jsonl").read_text().splitlines()]
        stages = {name: describe_stage([row for row in log if row["stage"] == name]) for name in ("stage-1", "stage-2")}
        described["runs"][home.name] = {"held_out": means, "stages": stages}
    described["seeds"] = [int(home.name.split("-")[1]) for home in homes]
    described["problems"] = len(problems)
    table = np.array([[[rates[when][id] for id in problems] for when in WHEN] for rates in rated.values()])
    described["estimates"] = estimate(table)
    described["by difficulty"] = split_by_difficulty(table)
    return described


def show(described: dict[str, Any]) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=140)
    table = Table("seed", *WHEN, "stage 2 adds", "steps", "signal", "pass rate of what it sampled", title="Runs")
    for name, run in described["runs"].items():
        held_out, stages = run["held_out"], run["stages"].values()
        added = held_out[WHEN[2]] - held_out[WHEN[1]]
        table.add_row(
            name.removeprefix("seed-"),
            *(f"{held_out[when]:.3f}" for when in WHEN),
            f"{added:+.3f}",
            ", ".join(str(stage["steps"]) for stage in stages),
            ", ".join(f"{stage['signal']:.0%}" for stage in stages),
            ", ".join(f"{stage['first_pass_rate']:.2f} to {stage['last_pass_rate']:.2f}" for stage in stages),
        )
    console.print(table)
    for name, (mean, low, high) in described.get("estimates", {}).items():
        console.print(f"{name}: {mean:.3f} ({low:.3f} to {high:.3f})")
    for name, (count, *means) in described.get("by difficulty", {}).items():
        console.print(f"{name} ({count:.0f} of all seeds): {', '.join(f'{mean:.3f}' for mean in means)}")


def main(out: Path | None = None, folder: Path = FOLDER, seeds: int = 5, only_report: bool = False) -> dict[str, Any]:
    """Run what is missing, print the tables, and write the figures as JSON to `out`."""
    folder = folder.absolute()
    # The loop that is under way ends with us, and its trainer and engine with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if not only_report:
        base = prepare(folder)
        for seed in range(seeds):
            go_round(folder, base, seed)
    described = report(folder)
    show(described)
    if out is not None:
        out.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return described


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.second_stage")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only-report", action="store_true", help="run nothing more, report what is finished")
    given = parser.parse_args()
    main(given.out, given.folder, given.seeds, given.only_report)
