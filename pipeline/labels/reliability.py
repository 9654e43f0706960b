"""How far each witness can be trusted, and what all of them together make of a problem's answers.

The model is that of Dawid and Skene (Applied Statistics 28, 1979) with one coin a witness: a witness gives the right
answer with a probability of its own, learned from the run by expectation and maximisation, without any truth. Three
things are added, each for a fault that the plain model has on real data:

- Problems differ. A grader's coin is tilted by the problem's difficulty, which is summed over; without it, weak graders
  that agree on a hard problem look like strong evidence.
- Wrong answers come in clusters. What graders get wrong are draws from one urn, where an answer that was drawn is more
  likely to be drawn again; without it, two graders with the same mistake look like proof.
- The right answer may be one that no witness gave.

Votes are a ragged table: a problem's candidate answers stand side by side, so that a sum over a problem is one over a
range of rows, and a run of any size is a few passes of numpy.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LEVELS = np.array([3.0, 1.0, -1.0, -3.0])
"""How a problem's difficulty moves the log-odds of a grader's coin: an even one goes from 0.95 to 0.05."""
SPREAD = 20.0
"""A wrong answer that nothing suggests is one of about so many."""
ALPHA = 0.3
"""How even the urn of wrong answers is, in balls an answer: the next wrong answer is the same as the only one before it
once in five. From 0.2 to 0.4 little changes, over GSM8K with 14 models and over simulated runs; at 0.1 agreement says
too little.
"""
SHARED = 0.3
"""The share of wrong labels that come from the graders' urn: a set's labels are partly made by models themselves."""
SHARED_IN_CLASH = 0.1
"""The same of labels whose copies differ, where a mistake of one source made the clash: of 119 wrong labels in clashes
that were worked out, a 7B model reaches 18, and some of those by chance."""
MUTED = 0.15
"""A grader that is right less often is not heard: its coin would turn what it says into evidence for anything else,
while it only says nothing (programs that were never run, a format that is misread).
"""
ROUNDS, SETTLED = 60, 1e-4
"""At most so many rounds of learning; coins that move less are learned."""
ABILITY_PRIOR = (0.5, 1.5)
"""Mean and deviation of a grader's ability, in log-odds at a middling problem, before anything is seen."""
LEVEL_PRIOR = 2.0
"""Problems of each level that are assumed beforehand, so that a small run has some of each."""
_EDGE = 1e-3


@dataclass(frozen=True)
class Votes:
    """What the witnesses of many problems said.

    Row k of `problem` is a candidate answer of that problem; rows of a problem stand together, in rising order. Row j
    of `candidate`, `witness` and `weight` is a vote: which row of `problem` it is for, whose it is, and its strength.
    """

    problem: Ints
    candidate: Ints
    witness: Ints
    weight: Floats

    @property
    def starts(self) -> Ints:
        """The first row of each problem's candidates."""
        return np.flatnonzero(np.diff(self.problem, prepend=-1))

    def without(self, muted: Flags) -> "Votes":
        """The same with votes of no strength for some witnesses."""
        return replace(self, weight=np.where(muted[self.witness], 0.0, self.weight))


@dataclass(frozen=True)
class Coins:
    """What was learned: every witness's coin, and how common each level of `LEVELS` is.

    `graded`: whether the witness is a grader, whose coin is an ability in log-odds (`ability`) that the level tilts;
    the others have one probability (`right`). `shared` is not learned: the share of a witness's wrong answers that come
    from the graders' urn.
    """

    graded: Flags
    ability: Floats
    right: Floats
    levels: Floats
    shared: Floats

    def at_levels(self) -> Floats:
        """The probability of the right answer: a row a witness, a column a level."""
        tilted = expit(self.ability[:, None] + LEVELS)
        return np.clip(np.where(self.graded[:, None], tilted, self.right[:, None]), _EDGE, 1 - _EDGE)

    def overall(self) -> Floats:
        """The probability of the right answer over the run's mix of levels, by witness."""
        mixed: Floats = self.at_levels() @ self.levels
        return mixed

    @property
    def muted(self) -> Flags:
        """Graders that are right too seldom to be heard."""
        seldom: Flags = self.graded & (self.overall() < MUTED)
        return seldom


@dataclass(frozen=True)
class Posterior:
    """What follows: for each candidate that it is right, for each problem its level; both have a column a level."""

    right: Floats
    level: Floats

    @property
    def answer(self) -> Floats:
        """The probability that a candidate is the right answer; over a problem they sum to at most 1."""
        total: Floats = self.right.sum(axis=1)
        return total


def start_coins(graded: Flags, prior: Floats, shared: Floats | None = None) -> Coins:
    """Coins before anything is seen. `prior`: right and wrong answers, a row a witness, of those that are no
    graders. `shared`: see `Coins`; `SHARED` where it is not given.
    """
    even = np.full(len(LEVELS), 1 / len(LEVELS))
    shared = np.full(len(graded), SHARED) if shared is None else shared
    return Coins(graded, np.full(len(graded), ABILITY_PRIOR[0]), prior[:, 0] / prior.sum(axis=1), even, shared)


def learn_coins(votes: Votes, graded: Flags, prior: Floats, shared: Floats | None = None) -> Coins:
    """Every witness's coin, from the votes alone (see `start_coins` for the arguments)."""
    coins = start_coins(graded, prior, shared)
    if not len(votes.problem):
        return coins
    urn = _fill_urn(votes, coins)
    for _ in range(ROUNDS):
        before, coins = coins, _improve(votes, coins, prior, urn)
        if np.abs(coins.at_levels() - before.at_levels()).max() < SETTLED:
            break
    return coins


@dataclass(frozen=True)
class _Urn:
    """What the wrong answers of all problems weigh, whatever the coins: the same in every round of learning.

    `stray`: the log-probability of each vote as a mistake, where it is not a grader's. `drawn`: that of all graders'
    votes on a problem being mistakes; `drawn_but`: of all but those for a candidate, where it is the right answer.
    """

    starts: Ints
    counts: Ints
    stray: Floats
    drawn: Floats
    drawn_but: Floats

    def spread(self, of_problems: Floats) -> Floats:
        """A row a candidate, of a row a problem."""
        repeated: Floats = np.repeat(of_problems, self.counts, axis=0)
        return repeated


def _fill_urn(votes: Votes, coins: Coins) -> _Urn:
    rows, starts = len(votes.problem), votes.starts
    counts = np.diff(np.append(starts, rows))
    graded, shared = coins.graded[votes.witness], coins.shared[votes.witness]
    given = np.bincount(votes.candidate[graded], votes.weight[graded], rows).astype(np.float64)
    given_in_all: Floats = np.add.reduceat(given, starts)
    # What is not a grader's may be wrong in the graders' way, or in any other.
    urn = (ALPHA + given) / (SPREAD * ALPHA + np.repeat(given_in_all, counts))
    stray = np.where(graded, 0.0, np.log((1 - shared) / SPREAD + shared * urn[votes.candidate]))
    cluster = gammaln(ALPHA + given) - gammaln(ALPHA)
    clusters = np.add.reduceat(cluster, starts)
    others, other_clusters = np.repeat(given_in_all, counts) - given, np.repeat(clusters, counts) - cluster
    return _Urn(starts, counts, stray, _draw(given_in_all, clusters), _draw(others, other_clusters) - np.log(SPREAD))


def weigh_votes(votes: Votes, coins: Coins, urn: _Urn | None = None) -> Posterior:
    """The posterior of every candidate under `coins`. `urn`: that of these votes, where it is known."""
    if not len(votes.problem):
        return Posterior(np.zeros((0, len(LEVELS))), np.zeros((0, len(LEVELS))))
    urn = urn or _fill_urn(votes, coins)
    hit, rows, starts = coins.at_levels(), len(votes.problem), urn.starts
    lost = np.log1p(-hit)[votes.witness] + urn.stray[:, None]
    gain = _collect(votes.candidate, votes.weight[:, None] * (np.log(hit)[votes.witness] - lost), rows)
    base = np.add.reduceat(_collect(votes.candidate, votes.weight[:, None] * lost, rows), starts, axis=0)
    score, no_score = gain + urn.drawn_but[:, None] + urn.spread(base), urn.drawn[:, None] + base
    top = np.maximum(np.maximum.reduceat(score, starts, axis=0), no_score).max(axis=1)
    right = np.exp(score - urn.spread(top)[:, None]) * coins.levels
    level = np.exp(no_score - top[:, None]) * coins.levels + np.add.reduceat(right, starts, axis=0)
    total = level.sum(axis=1)
    return Posterior(right / urn.spread(total)[:, None], level / total[:, None])


def _draw(wrong: Floats, clusters: Floats) -> Floats:
    """The log-probability of `wrong` draws from the urn, of which `clusters` sums up how they fall together."""
    drawn: Floats = gammaln(SPREAD * ALPHA) - gammaln(SPREAD * ALPHA + wrong) + clusters
    return drawn


def _collect(places: Ints, values: Floats, rows: int) -> Floats:
    """The sums of the rows of `values` that have the same place."""
    return np.stack([np.bincount(places, column, rows) for column in values.T], axis=1)


def _improve(votes: Votes, coins: Coins, prior: Floats, urn: _Urn) -> Coins:
    """One round: weigh the votes under the coins, and count what each witness then got right."""
    posterior = weigh_votes(votes, coins, urn)
    witnesses = len(coins.graded)
    problem = np.repeat(np.arange(len(urn.starts)), urn.counts)
    weight = votes.weight[:, None]
    hits = _collect(votes.witness, posterior.right[votes.candidate] * weight, witnesses)
    seen = _collect(votes.witness, posterior.level[problem[votes.candidate]] * weight, witnesses)
    right = (hits.sum(axis=1) + prior[:, 0]) / (seen.sum(axis=1) + prior.sum(axis=1))
    levels = posterior.level.sum(axis=0) + LEVEL_PRIOR
    return replace(coins, ability=_fit_ability(coins.ability, hits, seen), right=right, levels=levels / levels.sum())


def _fit_ability(ability: Floats, hits: Floats, seen: Floats) -> Floats:
    """The ability that explains the hits at each level best: Newton's method on a concave function."""
    mean, deviation = ABILITY_PRIOR
    for _ in range(8):
        chance = expit(ability[:, None] + LEVELS)
        slope = (hits - seen * chance).sum(axis=1) - (ability - mean) / deviation**2
        bend = (seen * chance * (1 - chance)).sum(axis=1) + 1 / deviation**2
        ability = ability + np.clip(slope / bend, -1.0, 1.0)
    return ability
