"""What a set costs by each way to stop, and how right it is: samples drawn from known pass rates.

    python -m benchmarks.budget [OUT.json] [--picture docs/budget.svg]

No completion was sampled for this. `../shared/data/rates.parquet` has, for real competition problems, the share of 128
samples of a 7B model that reached the label. Samples are drawn from that share, right or wrong without an answer, and
go through the product's own rules (`pipeline.sample.stop`), in shards as a run has them. A problem is truly in the
window where its rate is: between half a sample below `keep.min` and half a sample above `keep.max` of 16, and again
in a wider one, 0.02 to 0.875. Precision is the share of the kept problems that are, recall the share of these that
are kept. Tokens are the samples at the mean length of right and of wrong completions of `math-completions.jsonl` (in
characters; beside 381 right ones it has 11 wrong ones), as a share of those of all 16.

The second pass is that of `epochs.jsonl`: a model was trained on 1,209 problems, and each epoch has 8 rollouts of each.
The first pass are the 16 rollouts of the first two epochs, as they were; the samples of the second pass are drawn from
the share right of the last 16 epochs, which is the true rate.

Another grader: 469 of these problems are in `rates.parquet` too. There one of the two models is the earlier grader, by
16 samples drawn from its rate, and the other is sampled: Qwen2.5-Math-7B, and Qwen2.5-Math-1.5B in the first third of
its training (`first16`). Once more with the earlier rates shuffled, so that they say nothing; and once with what the
earlier grader takes by `stop: confident` itself, for which its samples are told too.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.decide.confident import window
from pipeline.decide.likeness import UNREAD, Likeness
from pipeline.decide.rule import Rules, decide_counts
from pipeline.decide.trail import Trail, replay_confident
from pipeline.decide.transition import find_level
from pipeline.sample.stop import replay_early
from schemas.config import DecideConfig, KeepConfig, SamplingConfig
from schemas.reasons import KEEP

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARD, DRAWS, SECOND_DRAWS, MOST = 2048, 3, 6, 64
RULES = Rules(KeepConfig(), DecideConfig())
WIDE = (0.02, 0.875)


@dataclass(frozen=True)
class Run:
    """What one way to stop takes and decides: a row a problem. `otherwise` is the chance that it says of each decision
    to be another with all samples, `full` what all samples decide.
    """

    taken: np.ndarray
    kept: np.ndarray
    otherwise: np.ndarray | None = None
    full: np.ndarray | None = None


Way = tuple[Callable[[list[Trail], SamplingConfig], Run], SamplingConfig]


def draw_trails(rates: np.ndarray, generator: np.random.Generator) -> list[Trail]:
    """`MOST` samples of every problem. What is still to come of one may say that something is missing in it."""
    hits = np.cumsum(generator.random((len(rates), MOST)) < rates[:, None], axis=1)
    none = (0,) * (MOST + 1)
    return [Trail(f"{number}", (0, *row), none, none, (), "open") for number, row in enumerate(hits.tolist())]


def run_fixed(trails: list[Trail], sampling: SamplingConfig) -> Run:
    n = sampling.n
    kept = [decide_counts(trail.after(n, n), RULES)[0] == KEEP for trail in trails]
    return Run(np.full(len(trails), n), np.array(kept))


def run_early(trails: list[Trail], sampling: SamplingConfig) -> Run:
    taken = np.array([replay_early(trail, sampling.n, RULES) for trail in trails])
    return Run(taken, run_fixed(trails, sampling).kept)


def run_confident(trails: list[Trail], sampling: SamplingConfig, statements: pl.DataFrame | None = None) -> Run:
    """In shards; the last one is part of the one before, as its rates would be learned from few problems. `statements`
    (`id`, `statement`) are those of the problems, where they are read.
    """
    parts = []
    for part in np.array_split(np.arange(len(trails)), max(1, len(trails) // SHARD)):
        shard = [trails[at] for at in part]
        named = {trail.problem for trail in shard}
        likeness = UNREAD if statements is None else Likeness.read(statements.filter(pl.col("id").is_in(named)))
        taken, rule, shard = replay_confident(shard, sampling, RULES, likeness)
        counts = [trail.after(n, sampling.ceiling) for trail, n in zip(shard, taken, strict=True)]
        choose, disagree = cache(rule.choose), cache(rule.otherwise)
        kept = [choose(count, trail.group) == KEEP for count, trail in zip(counts, shard, strict=True)]
        otherwise = [
            disagree(count, trail.group) if count.missing else 0.0 for count, trail in zip(counts, shard, strict=True)
        ]
        full = [choose(trail.after(sampling.ceiling, sampling.ceiling), trail.group) == KEEP for trail in shard]
        parts.append((taken, kept, otherwise, full))
    return Run(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def list_ways(statements: pl.DataFrame) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    confident = partial(run_confident, statements=statements)
    for n in (4, 8, 16, 32, 64):
        ways[f"full, n = {n}"] = (run_fixed, SamplingConfig(n=n))
    for n in (8, 12, 16):
        ways[f"early, n = {n}"] = (run_early, SamplingConfig(n=n))
    for confidence, most in product((0.7, 0.8, 0.85, 0.9, 0.95), (16, 32)):
        config = SamplingConfig(stop="confident", confidence=confidence, n_max=most)
        ways[f"confident {confidence}, n_max = {most}"] = (confident, config)
    ways["confident 0.8, n_max = 32, statements unread"] = (run_confident, SamplingConfig(stop="confident"))
    config = SamplingConfig(stop="confident", confidence=0.77, n_max=20, floor=3)
    ways["confident 0.77, n_max = 20, floor = 3"] = (confident, config)
    ways["confident 0.77, n_max = 20, floor = 3, statements unread"] = (run_confident, config)
    config = SamplingConfig(stop="confident", confidence=0.91, n_max=22, missed=2.1)
    ways["confident 0.91, n_max = 22, missed = 2.1"] = (confident, config)
    return ways


def measure(run: Run, trails: list[Trail], rates: np.ndarray) -> dict[str, float]:
    figures = {"samples": float(run.taken.mean()), "kept": float(run.kept.mean())}
    figures["not asked"] = float((run.taken == 0).mean())
    for name, (low, high) in (("", window(RULES)), (" (0.02 to 0.875)", WIDE)):
        truly = (rates > low) & (rates <= high)
        figures[f"precision{name}"] = float(truly[run.kept].mean())
        figures[f"recall{name}"] = float(run.kept[truly].mean())
        figures[f"wrong{name}"] = float((run.kept != truly).mean())
    if run.otherwise is not None and run.full is not None:
        figures["said to be decided otherwise"] = float(run.otherwise.mean())
        figures["decided otherwise"] = float((run.full != run.kept).mean())
    right = sum(trail.correct[n] for trail, n in zip(trails, run.taken, strict=True))
    figures["right"], figures["not right"] = float(right), float(run.taken.sum() - right)
    return figures


def measure_first(
    rates: np.ndarray, statements: pl.DataFrame, lengths: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Each way's figures on average over the draws."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(DRAWS):
        trails = draw_trails(rates, np.random.default_rng(seed))
        for name, (run, sampling) in list_ways(statements).items():
            found.setdefault(name, []).append(measure(run(trails, sampling), trails, rates))
    rows = {name: {key: float(np.mean([row[key] for row in rows])) for key in rows[0]} for name, rows in found.items()}
    cost = {name: sum(row.pop(kind) * lengths[kind] for kind in ("right", "not right")) for name, row in rows.items()}
    whole = cost["full, n = 16"]
    return {name: {"tokens": cost[name] / whole, **row} for name, row in rows.items()}


def read_epochs() -> tuple[np.ndarray, np.ndarray]:
    """(the pass rate of 16 early samples, the true late rate) of each problem."""
    with (DATA / "epochs.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return np.array([sum(row["by_epoch"][:2]) / 16 for row in rows]), np.array([row["last16"] for row in rows])


def measure_second() -> dict[str, dict[str, float]]:
    """The second pass: counted in full, and by what the first says, on average over the draws."""
    early, late = read_epochs()
    groups = [(find_level(round(16 * rate), 16), "") for rate in early]
    ways: dict[str, Way] = {
        "full, n = 16": (run_fixed, SamplingConfig()),
        "early, n = 16": (run_early, SamplingConfig()),
    }
    for confidence, most in product((0.66, 0.8), (16, 32)):
        config = SamplingConfig(stop="confident", confidence=confidence, n_max=most, floor=3, missed=1.6)
        ways[f"confident {confidence}, n_max = {most}, floor = 3, missed = 1.6"] = (run_confident, config)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(SECOND_DRAWS):
        trails = draw_trails(late, np.random.default_rng(seed))
        # Another name in each draw: the audited problems and those that are asked in any case are others.
        trails = [
            replace(trail, problem=f"{seed} {trail.problem}", group=group)
            for trail, group in zip(trails, groups, strict=True)
        ]
        for name, (run, sampling) in ways.items():
            found.setdefault(name, []).append(measure(run(trails, sampling), trails, late))
    return {name: {key: float(np.mean([row[key] for row in rows])) for key in rows[0]} for name, rows in found.items()}


def read_both() -> tuple[np.ndarray, np.ndarray]:
    """The rates of the 7B and of the 1.5B model, of the problems that both were asked."""
    table = pl.read_parquet(DATA / "rates.parquet", columns=["statement", "rate"])
    larger = dict(table.iter_rows())
    with (DATA / "epochs.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["statement"] in larger]
    return np.array([larger[row["statement"]] for row in rows]).clip(0, 1), np.array([row["first16"] for row in rows])


def measure_earlier() -> dict[str, dict[str, float]]:
    """The first pass with and without what another grader said, on average over the draws."""
    larger, smaller = read_both()
    found: dict[str, list[dict[str, float]]] = {}
    for name, rates, others in (("1.5B by 7B", smaller, larger), ("7B by 1.5B", larger, smaller)):
        for seed in range(SECOND_DRAWS):
            generator = np.random.default_rng(seed)
            plain = draw_trails(rates, generator)
            plain = [replace(trail, problem=f"{seed} {trail.problem}", group=("",)) for trail in plain]
            said = generator.binomial(16, others)
            levels = {"": None, ", earlier grader": said, ", earlier grader shuffled": generator.permutation(said)}
            found.setdefault(f"{name}: full, n = 16", []).append(
                measure(run_fixed(plain, SamplingConfig()), plain, rates)
            )
            for (kind, level), confidence in product(levels.items(), (0.76, 0.8, 0.9)):
                trails = plain
                if level is not None:
                    trails = [
                        replace(trail, group=(find_level(int(at), 16), ""))
                        for trail, at in zip(plain, level, strict=True)
                    ]
                config = SamplingConfig(stop="confident", confidence=confidence)
                row = measure(run_confident(trails, config), trails, rates)
                found.setdefault(f"{name}: confident {confidence}{kind}", []).append(row)
            found.setdefault(f"{name}: confident 0.8, both", []).append(measure_both(plain, rates, others, generator))
    return {name: {key: float(np.mean([row[key] for row in rows])) for key in rows[0]} for name, rows in found.items()}


def measure_both(
    trails: list[Trail], rates: np.ndarray, others: np.ndarray, generator: np.random.Generator
) -> dict[str, float]:
    """A grader after another one, where both stop by `confident`: `first` are the samples of the other one."""
    config = SamplingConfig(stop="confident")
    theirs = [replace(trail, problem=f"other {trail.problem}", group=("",)) for trail in draw_trails(others, generator)]
    first = run_confident(theirs, config).taken.tolist()
    levels = [find_level(trail.correct[n], n) for trail, n in zip(theirs, first, strict=True)]
    led = [replace(trail, group=(level, "")) for trail, level in zip(trails, levels, strict=True)]
    return {"first": float(np.mean(first)), **measure(run_confident(led, config), led, rates)}


def read_lengths() -> dict[str, float]:
    """Mean characters of right and of wrong completions."""
    texts: dict[str, list[int]] = {"right": [], "not right": []}
    with (DATA / "math-completions.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            for completion in json.loads(line)["completions"]:
                texts["right" if completion["right"] else "not right"].append(len(completion["text"]))
    return {kind: float(np.mean(lengths)) for kind, lengths in texts.items()}


def draw_picture(first: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Cost against error, a line a way to stop."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "budget"
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    lines = {
        "full: n = 4, 8, 16, 32, 64": ("full", ""),
        "early: n = 8, 12, 16": ("early", ""),
        "confident, n_max = 16: confidence 0.7 to 0.95": ("confident", "n_max = 16"),
        "confident, n_max = 32": ("confident", "n_max = 32"),
    }
    for label, (begin, end) in lines.items():
        rows = [row for name, row in first.items() if name.startswith(begin) and name.endswith(end)]
        axis.plot([row["samples"] for row in rows], [row["wrong"] for row in rows], "o-", markersize=4, label=label)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.set_xlabel("samples a problem")
    axis.set_ylabel("problems wrongly kept or dropped")
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main(out: Path | None = None, picture: Path | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`; null where the data is not there. Draws `picture`."""
    if not (DATA / "rates.parquet").exists():
        print("budget: ../shared/data/rates.parquet is not here; skipped")
        return None
    table = pl.read_parquet(DATA / "rates.parquet", columns=["statement", "rate"])
    rates = table["rate"].to_numpy().clip(0, 1)
    statements = table.select(pl.int_range(pl.len()).cast(pl.String).alias("id"), "statement")
    first = measure_first(rates, statements, read_lengths())
    for name, row in first.items():
        print(f"{name:<42}" + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    has_epochs = (DATA / "epochs.jsonl").exists()
    second = measure_second() if has_epochs else {}
    for name, row in second.items():
        print(f"{'second pass: ' + name:<66}" + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    earlier = measure_earlier() if has_epochs else {}
    for name, row in earlier.items():
        print(f"{'another grader: ' + name:<66}" + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    if picture:
        draw_picture(first, picture)
    report = {"benchmark": "budget", "problems": len(rates), "first pass": first, "second pass": second}
    report["another grader"] = earlier
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budget")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--picture", type=Path, help="draw cost against error, such as docs/budget.svg")
    given = parser.parse_args()
    main(given.out, given.picture)
