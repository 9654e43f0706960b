"""How a grader does where an earlier one solved so many: the rates of the second pass before it has asked much.

The two-parameter logistic model (Birnbaum, 1968): the chance that a model solves a problem is logistic in its ability
less the problem's difficulty, times how well that tells models apart. So another grader, or the same one after
training, moves the logits of all rates along one line; a spread about it says how much problems differ in that. The
three numbers are averaged over their posterior, given all samples that the new grader took: a few problems that are all
solved do not say that everything is. What a level (k of n) says of the earlier grader's rate is learned from how many
problems have each.
"""

from collections.abc import Mapping
from functools import cache
from itertools import product
from math import log

import numpy as np

from pipeline.decide.posterior import GRID, SPREAD, Floats, Prior, learn_prior, list_likelihoods

MOST = 16
"""Samples of the earlier grader that a level is told by; more are scaled to so many."""
Level = tuple[int, int]
"""How many samples of an earlier grader were correct, and of how many."""
SHIFTS = np.arange(-3.0, 5.01, 0.5)
"""Of the logit: a rate of one half becomes 0.05 to 0.99."""
SLOPES = (0.75, 1.0, 1.25, 1.5, 2.0)
"""By which the logit is multiplied: above 1 what is hard stays hard and what is easy becomes very easy."""
SHIFT, SLOPE = 1.5, 0.35
"""How far a shift and the logarithm of a slope are from 0 before anything is seen: standard deviations."""
SPREADS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Scales of the logistic distribution about the line, in logits."""
_SMALLEST = 0.0025
"""A rate below which one cannot be told from none."""
Hits = Mapping[tuple[int, int], float]
"""(hits, trials) -> problems with that many."""


def find_level(correct: int, known: int) -> Level:
    """The level of so many correct samples; with many samples the nearest, and none and all only where they are."""
    if known <= MOST or correct in (0, known):
        return (correct, known) if known <= MOST else (MOST * correct // known, MOST)
    return min(max(round(MOST * correct / known), 1), MOST - 1), MOST


def learn_transition(levels: Mapping[Level, Hits]) -> dict[Level, Prior]:
    """Level -> the rates of the new grader there. A problem without trials counts as one that is at its level."""
    if not levels:
        return {}
    names = sorted(levels)
    population = learn_prior({name: sum(levels[name].values()) for name in names}).weights
    places = np.array(names, dtype=np.float64)
    before = list_likelihoods(places[:, 0], places[:, 1]) * population
    before /= before.sum(axis=1, keepdims=True)
    rows = [(at, *key, weight) for at, name in enumerate(names) for key, weight in levels[name].items() if key[1]]
    if not rows:
        return dict.fromkeys(names, SPREAD)
    at, hits, trials, weights = np.array(rows, dtype=np.float64).T
    seen = list_likelihoods(hits, trials)

    def weigh(shift: float, slope: float, spread: float) -> float:
        after = before @ _move(shift, slope, spread)
        fits = float(weights @ np.log((seen * after[at.astype(np.int64)]).sum(axis=1)))
        return fits - (shift / SHIFT) ** 2 / 2 - (log(slope) / SLOPE) ** 2 / 2

    moves = [*product(SHIFTS.tolist(), SLOPES, SPREADS)]
    scores = np.array([weigh(*move) for move in moves])
    beliefs = np.exp(scores - scores.max())
    mean = sum(belief * _move(*move) for move, belief in zip(moves, beliefs / beliefs.sum(), strict=True) if belief)
    return {name: Prior.of(row) for name, row in zip(names, before @ mean, strict=True)}


@cache
def _move(shift: float, slope: float, spread: float) -> Floats:
    """From every rate of `GRID` to every rate: the share that goes there."""
    inner = np.concatenate([[_SMALLEST], (GRID[1:-2] + GRID[2:-1]) / 2, [1 - _SMALLEST]])
    middle = np.clip(GRID, _SMALLEST / 2, 1 - _SMALLEST / 2)
    above = (np.log(inner / (1 - inner)) - slope * np.log(middle / (1 - middle))[:, None] - shift) / spread
    below = 1 / (1 + np.exp(-above))
    return np.diff(below, axis=1, prepend=0.0, append=1.0)
