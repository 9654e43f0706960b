"""The picture of a training run, drawn from its log."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

CURVES = "curves.svg"
PANELS = (
    ("reward", ("reward",)),
    ("pass rate", ("pass_rate",)),
    ("groups with signal", ("signal",)),
    ("length, tokens", ("length",)),
    ("entropy, nats", ("entropy",)),
    ("clipped tokens", ("clipped_above", "clipped_below")),
    ("lag, versions", ("lag", "max_lag")),
    ("sampler against trainer", ("gap", "k3")),
    ("seconds a step", ("wait", "learn", "push")),
)
"""Title -> columns of the log."""


def draw_curves(folder: Path, steps: Sequence[dict[str, Any]], evaluations: Sequence[dict[str, Any]]) -> Path:
    """Draw every panel over the version of the weights; held-out pass rates stand as dots with their 95% intervals."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 3, figsize=(12, 8), layout="constrained")
    borders = [row["version"] for last, row in pairwise(steps) if last["stage"] != row["stage"]]
    for axis, (title, columns) in zip(axes.flat, PANELS, strict=True):
        for column in columns:
            points = [(row["version"], row[column]) for row in steps if row.get(column) is not None]
            if points:
                axis.plot(*zip(*points, strict=True), linewidth=1.4, label=column.replace("_", " "))
        for border in borders:
            axis.axvline(border - 0.5, color="0.7", linestyle=":", linewidth=1)
        if title == "pass rate":
            for row in (row for row in evaluations if row.get("problems")):
                low, high = row["pass_rate"] - row["low"], row["high"] - row["pass_rate"]
                axis.errorbar(row["version"], row["pass_rate"], [[low], [high]], fmt="o", color="C3", capsize=3)
            axis.plot([], [], "o", color="C3", label="held out, 95%")
        axis.set_title(title, loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.02)
        if len(axis.get_legend_handles_labels()[1]) > 1:
            axis.legend(frameon=False, fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("optimiser steps")
    path = folder / CURVES
    figure.savefig(path)
    pyplot.close(figure)
    return path
