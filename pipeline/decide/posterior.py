"""What the samples of a problem say of its true rate, and whether more of them are worth their price.

A rate is the chance of one sample to be correct (or to give one certain wrong answer). Which rates there are is learned
from the run itself, as weights on a grid of rates: the nonparametric maximum likelihood estimate of a mixture (Laird,
1978) by EM, drawn towards a prior of the larger group. Stopping is Bayes' sequential rule (Wald, 1947; Arrow, Blackwell
and Girshick, 1949): backwards from the ceiling, a problem goes on where the chance of a wrong decision falls by more
than the samples cost. How many samples a problem has got, and why it stopped, do not bias its posterior: the rule
looks at nothing but the samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 100
GRID: Floats = np.concatenate([[0.0], (np.arange(_STEPS) + 0.5) / _STEPS, [1.0]])
"""Rates that are told apart: none, all, and hundredths between them; 64 samples tell hundredths apart nowhere."""
ROUNDS = 200
"""Of EM: the likelihood has stopped to rise in its fourth digit by then."""
STRENGTH = 24.0
"""Problems that the prior of the larger group weighs as much as: a source of a few problems says little of its own."""
CACHE = 4096
SHARE = 0.9
"""Of an interval, as of every other one of a decision."""


class Prior(NamedTuple):
    """The share of problems at each rate of `GRID`, as bytes, so that what follows from it can be kept."""

    data: bytes

    @classmethod
    def of(cls, weights: Floats) -> "Prior":
        return cls((weights / weights.sum()).astype(np.float64).tobytes())

    @property
    def weights(self) -> Floats:
        return np.frombuffer(self.data)


def _spread() -> Prior:
    """Jeffreys' prior of a rate, with a tenth of the problems at each of none and all."""
    inner = GRID[1:-1]
    density = 1 / np.sqrt(inner * (1 - inner))
    return Prior.of(np.concatenate([[0.1], 0.8 * density / density.sum(), [0.1]]))


SPREAD = _spread()
"""What is believed of rates before anything is sampled."""


def learn_prior(counts: Mapping[tuple[int, int], float], base: Prior = SPREAD) -> Prior:
    """The rates behind `counts`: (hits, trials) -> problems with that many. Few problems leave it close to `base`."""
    sampled = {key: problems for key, problems in counts.items() if key[1]}
    if not sampled:
        return base
    pairs = np.array(list(sampled), dtype=np.float64)
    problems = np.array(list(sampled.values()), dtype=np.float64)
    likelihood = list_likelihoods(pairs[:, 0], pairs[:, 1])
    weights, pull = base.weights, STRENGTH * base.weights
    for _ in range(ROUNDS):
        share = problems / np.maximum(likelihood @ weights, 1e-300)
        weights = weights * (share @ likelihood) + pull
        weights = weights / weights.sum()
    return Prior.of(weights)


def list_likelihoods(hits: Floats, trials: Floats) -> Floats:
    """Of so many hits at every rate, a row each, up to a factor of the row: its largest value is 1."""
    misses = trials - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(hits[:, None] > 0, hits[:, None] * np.log(GRID), 0.0)
        down = np.where(misses[:, None] > 0, misses[:, None] * np.log1p(-GRID), 0.0)
    total = up + down
    return np.asarray(np.exp(total - total.max(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Question:
    """Whether a rate is above `low` and not above `high`, asked of at most `ceiling` samples at `price` each, in wrong
    decisions, of which a wrong no counts `missed` times. Without a hit the answer is no, unless `low` is below 0;
    without a sample it is no, unless it may be `blind`.
    """

    low: float
    high: float
    ceiling: int
    price: float
    missed: float = 1.0
    blind: bool = False

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        return (self.low < GRID) & (self.high >= GRID)


class Answers(NamedTuple):
    """What follows at each number of samples and hits; arrays [samples, hits], without meaning where hits > samples.

    `yes` is the probability that the rate lies inside, `below` that it lies below; `says` the better answer; `gain`
    what sampling on is worth beyond its price, in wrong decisions (0 or less: nothing); `needed` the fewest samples
    after which it can be worth nothing; `full` the probability that all samples up to the ceiling answer yes.
    """

    yes: Floats
    below: Floats
    says: NDArray[np.bool_]
    gain: Floats
    needed: NDArray[np.int64]
    full: Floats


@lru_cache(maxsize=CACHE)
def answer(prior: Prior, question: Question) -> Answers:
    """Every state's answer, from the ceiling backwards."""
    top = question.ceiling
    yes, below, gain, full = (np.zeros((top + 1, top + 1)) for _ in range(4))
    needed, says = np.zeros((top + 1, top + 1), dtype=np.int64), np.zeros((top + 1, top + 1), dtype=np.bool_)
    inside, under = question.inside, question.low >= GRID
    value: Floats = np.zeros(top + 2)
    for n in range(top, -1, -1):
        hits = np.arange(n + 1, dtype=np.float64)
        posterior = list_likelihoods(hits, np.full(n + 1, float(n))) * prior.weights
        posterior /= posterior.sum(axis=1, keepdims=True)
        at = slice(0, n + 1)
        yes[n, at], below[n, at] = posterior[:, inside].sum(axis=1), posterior[:, under].sum(axis=1)
        may = (hits > 0) | (question.low < 0) if n else np.array([question.blind])
        says[n, at] = may & (question.missed * yes[n, at] >= 1 - yes[n, at])
        stopped = np.where(says[n, at], 1 - yes[n, at], question.missed * yes[n, at])
        if n == top:
            full[n, at], value = says[n, at], stopped
            continue
        hit = posterior @ GRID
        going = question.price + hit * value[1:] + (1 - hit) * value[:-1]
        gain[n, at] = stopped - going
        full[n, at] = hit * full[n + 1, 1 : n + 2] + (1 - hit) * full[n + 1, at]
        needed[n, at] = np.where(gain[n, at] > 0, 1 + np.minimum(needed[n + 1, 1 : n + 2], needed[n + 1, at]), 0)
        value = np.minimum(stopped, going)
    return Answers(yes, below, says, gain, needed, full)


class Forecast(NamedTuple):
    """What is believed of a rate: its mean, and between which two it lies with a probability of 90%."""

    rate: float
    low: float
    high: float


def forecast_rate(prior: Prior, hits: int, trials: int) -> Forecast:
    """The rate of a problem with `hits` in `trials` samples, of those that have the rates `prior`."""
    likelihood = list_likelihoods(np.array([float(hits)]), np.array([float(trials)]))[0]
    weights = likelihood * prior.weights
    weights /= weights.sum()
    ends = np.searchsorted(np.cumsum(weights), [(1 - SHARE) / 2, (1 + SHARE) / 2])
    low, high = GRID[np.minimum(ends, len(GRID) - 1)]
    rate = float(weights @ GRID)
    return Forecast(rate, min(float(low), rate), max(float(high), rate))
