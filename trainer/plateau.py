"""When a stage has taught what it can, and the next one begins (paper, section 5).

The paper makes data harder when performance plateaus and completions longer when length plateaus. A stage's data and
its longest completion are fixed here, so either ends it; and so does data in which hardly any group has signal.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from schemas.config import TrainStage

SIGNAL_WINDOW = 10
"""Batches over which the share of groups with signal is taken."""
STANDS_OUT = 1.0
"""Standard errors that a rise has to have to count as one. Noise alone has it once in six times, a true rise that is
of any use within the window nearly always: a stage that ends too early costs more than one that ends a little late."""


def has_lost_signal(recent: Sequence[Sequence[int]], share: float) -> bool:
    """Whether fewer than `share` of the groups of the last batches had differing rewards.

    `recent` has (groups with signal, groups) of each batch, oldest first; with fewer than `SIGNAL_WINDOW` it is too
    early to say.
    """
    if len(recent) < SIGNAL_WINDOW:
        return False
    with_signal, groups = (sum(column) for column in zip(*recent[-SIGNAL_WINDOW:], strict=True))
    return bool(with_signal < share * groups)


def has_levelled(values: Sequence[float], window: int) -> bool:
    """Whether the last `window` values do not rise: their least-squares slope is below `STANDS_OUT` standard errors."""
    if len(values) < window:
        return False
    last = values[-window:]
    middle, mean = (window - 1) / 2, fmean(last)
    spread = math.fsum((at - middle) ** 2 for at in range(window))
    slope = math.fsum((at - middle) * (value - mean) for at, value in enumerate(last)) / spread
    left = math.fsum((value - mean - slope * (at - middle)) ** 2 for at, value in enumerate(last))
    error = math.sqrt(left / (window - 2) / spread)
    return slope <= STANDS_OUT * error


def did_sample(row: Mapping[str, Any]) -> bool:
    """Whether a row of the log is of a step that sampled: one that learned only from what was there has no reward."""
    return "reward" in row


def find_plateau(stage: TrainStage, longer_next: bool, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """What has stopped rising over the last `stage.patience` steps: "reward", "length", or None.

    `rows` are the log's of this stage, at least the last `stage.patience` of those that sampled. Length ends a stage
    only where the next one allows longer completions.
    """
    sampled = [row for row in rows if did_sample(row)]
    if has_levelled([row["reward"] for row in sampled], stage.patience):
        return "reward"
    if longer_next and has_levelled([row["length"] for row in sampled], stage.patience):
        return "length"
    return None
