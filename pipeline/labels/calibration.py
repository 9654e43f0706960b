"""Are the posteriors true? What the other witnesses hold, beside how often the label then says the same.

The label is left out, the rest is weighed, and the best answer's posterior is compared with how often it is the
label's. That needs no truth, and tells as much as the labels are right themselves: a perfect posterior lies below the
diagonal by the share of wrong labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.labels.reliability import Coins, Flags, Votes, weigh_votes

EDGES = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class CalibrationBin:
    """The problems whose best answer has a posterior from `low` up to `high`: how many, what is predicted, what is
    seen.
    """

    low: float
    high: float
    problems: int
    predicted: float
    agreed: float


@dataclass(frozen=True)
class Calibration:
    """The bins that have problems; `error` is the mean distance of predicted and seen, over problems."""

    bins: tuple[CalibrationBin, ...]

    @property
    def error(self) -> float | None:
        count = sum(part.problems for part in self.bins)
        return sum(part.problems * abs(part.predicted - part.agreed) for part in self.bins) / count if count else None

    def to_json(self) -> dict[str, Any]:
        return {"error": self.error, "bins": [vars(part) for part in self.bins]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Calibration":
        return cls(tuple(CalibrationBin(**part) for part in data["bins"]))


def measure_calibration(votes: Votes, coins: Coins, is_label: Flags) -> Calibration:
    """`votes` without those of the labels; `is_label` says which candidates are a problem's label."""
    if not len(votes.problem):
        return Calibration(())
    posterior, starts = weigh_votes(votes, coins).answer, votes.starts
    best = np.maximum.reduceat(posterior, starts)
    problem = np.cumsum(np.diff(votes.problem, prepend=-1) != 0) - 1
    leading = (posterior == best[problem]) & is_label
    agreed = np.bincount(problem[leading], minlength=len(starts)) > 0
    has_votes = np.bincount(problem[votes.candidate[votes.weight > 0]], minlength=len(starts)) > 0
    place = np.clip(np.searchsorted(EDGES, best, side="right") - 1, 0, len(EDGES) - 2)
    bins = []
    for at in range(len(EDGES) - 1):
        here = has_votes & (place == at)
        if here.any():
            means = float(best[here].mean()), float(agreed[here].mean())
            bins.append(CalibrationBin(EDGES[at], EDGES[at + 1], int(here.sum()), *means))
    return Calibration(tuple(bins))
