"""Held-out pass rates over the tokens of several training runs: means, their intervals, and a picture.

Intervals are of a bootstrap over seeds and problems at once: other seeds would train other models, other held-out
problems would measure them otherwise. All arms are measured on the same problems, which are drawn together.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 4000
GRID = 101
"""Points of the axis of tokens."""
AXES = {"sampled": "sampled_tokens", "trained": "trained_tokens"}
"""Axis -> column of the log: tokens that were generated, and those of them that groups with signal had."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One finished run: the tokens of each axis at its evaluations, and the pass rate of each problem then."""

    arm: str
    seed: int
    tokens: Mapping[str, Floats]
    problems: tuple[str, ...]
    rates: Floats
    """Evaluations x problems."""


def read_run(folder: Path, arm: str, seed: int) -> Run:
    """The run whose logs lie in `folder`."""
    steps = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    rows = [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]
    problems = tuple(sorted(set.intersection(*({score["id"] for score in row["scores"]} for row in rows))))
    scores = [{score["id"]: score["pass_rate"] for score in row["scores"]} for row in rows]
    versions = [row["version"] for row in rows]
    tokens = {
        axis: np.array(
            [sum(step[column] for step in steps if step["version"] <= version) for version in versions], float
        )
        for axis, column in AXES.items()
    }
    return Run(arm, seed, tokens, problems, np.array([[rates[id] for id in problems] for rates in scores]))


def compare_runs(runs: Sequence[Run], axis: str, against: str, draws: int = DRAWS) -> dict[str, Any]:
    """What each arm comes to at the most tokens that all runs have, and how soon it is where `against` ends.

    `tokens_to` is the number at which an arm's mean first reaches the mean that `against` ends with; `share` is that
    over all tokens. An arm that never does is taken to do so at the end, so that its share is 1 at least. All with
    bounds that hold 95% of the draws.
    """
    problems = tuple(sorted(set.intersection(*(set(run.problems) for run in runs))))
    budget = min(run.tokens[axis][-1] for run in runs)
    grid = np.linspace(0, budget, GRID)
    arms = {arm: _spread([run for run in runs if run.arm == arm], axis, grid, problems) for arm in _list_arms(runs)}
    draw = np.random.default_rng(0)
    drawn = [
        _measure(
            arms, against, lambda size: draw.integers(0, size, size), draw.integers(0, len(problems), len(problems))
        )
        for _ in range(draws)
    ]
    every = np.arange(len(problems))
    point = _measure(arms, against, np.arange, every)
    report: dict[str, Any] = {"axis": axis, "tokens": float(budget), "problems": len(problems), "arms": {}}
    for arm, values in arms.items():
        curves = np.array([one[arm]["curve"] for one in drawn])
        low, high = np.quantile(curves, (0.025, 0.975), axis=0)
        figures = {
            name: [float(point[arm][name]), *_bounds([one[arm][name] for one in drawn])]
            for name in ("end", "ahead", "share")
        }
        report["arms"][arm] = {
            "seeds": len(values),
            **figures,
            "tokens_to": float(point[arm]["share"] * budget),
            "curve": {"mean": point[arm]["curve"].tolist(), "low": low.tolist(), "high": high.tolist()},
        }
    return report | {"grid": grid.tolist()}


def _list_arms(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.arm for run in runs))


def _spread(runs: Sequence[Run], axis: str, grid: Floats, problems: Sequence[str]) -> Floats:
    """Runs x points of the grid x problems, linear between evaluations."""
    spread = []
    for run in runs:
        columns = [run.problems.index(id) for id in problems]
        spread.append(np.stack([np.interp(grid, run.tokens[axis], run.rates[:, at]) for at in columns], axis=1))
    return np.array(spread)


def _measure(arms: Mapping[str, Floats], against: str, choose: Any, problems: NDArray[np.int64]) -> dict[str, Any]:
    """Mean curve, its end, how far it ends ahead of `against`, and the share of the tokens after which it is there."""
    curves = {arm: values[choose(len(values))][:, :, problems].mean(axis=(0, 2)) for arm, values in arms.items()}
    goal = curves[against][-1]
    measures = {}
    for arm, curve in curves.items():
        there = np.flatnonzero(curve >= goal)
        share = there[0] / (GRID - 1) if len(there) else 1.0
        measures[arm] = {"curve": curve, "end": curve[-1], "ahead": curve[-1] - goal, "share": share}
    return measures


def _bounds(values: Sequence[float]) -> list[float]:
    return [float(value) for value in np.quantile(np.array(values), (0.025, 0.975))]


def draw_picture(reports: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Mean held-out pass rates with their 95% intervals, a panel an axis."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "goldilocks"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(reports), figsize=(5.2 * len(reports), 3.8), layout="constrained", sharey=True
    )
    for axis, report in zip(np.atleast_1d(axes), reports, strict=True):
        grid = np.array(report["grid"]) / 1000
        for number, (arm, figures) in enumerate(report["arms"].items()):
            curve = figures["curve"]
            label = f"{arm} ({figures['seeds']} seeds)"
            axis.plot(grid, curve["mean"], color=f"C{number}", linewidth=1.6, label=label)
            axis.fill_between(grid, curve["low"], curve["high"], color=f"C{number}", alpha=0.15, linewidth=0)
        axis.set_xlabel(f"tokens {report['axis']}, thousands")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("held-out pass rate")
    first.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
