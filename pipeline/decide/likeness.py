"""How hard problems are whose statements are alike: what the words of a problem say of its pass rate.

Ridge regression (Hoerl and Kennard, 1970) of the share of correct samples on the words and pairs of neighbouring words
of the statement, weighed by how rare they are (tf-idf; Jones, 1972). What is said of a problem is learned from four
fifths of its shard, which its own samples are no part of: they would otherwise count twice. By the kernel of the
regression what the other folds say of one is known in closed form, from one inverse (cross-validation by blocks; An,
Liu and Venkatesh, 2007).

Samples of other models say the same far better, so it is asked for only where there are none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl

from pipeline.decide.posterior import STRENGTH, Floats

RIDGE = 4.0
"""The noise of a share of four samples (a variance of 0.05 at a rate of one half) over what words explain (a sixth of
the variance of rates, which is about 0.13). At 2 and at 8 what is said is as good within 0.01 of a rank correlation.
"""
LEVELS = 8
"""From what is hardest by its words to what is easiest. More make no decision better."""
FEWEST = int(2 * STRENGTH)
"""Problems of one level: with fewer, its rates would be those of the larger group anyway."""
BLOCK = 2048
"""Problems that are compared with one another: a matrix of 34 MB, whose inverse takes half a second."""
CACHE = 4
"""Blocks that are kept: a shard is decided, decided without its majorities, and calibrated."""
FOLDS = 5
"""Four fifths of a shard teach nearly what all of it does, and one inverse serves any number of them."""
DIGITS = 6
"""Of what is said: the last ones depend on the order in which a machine adds."""
_WORD = re.compile(r"\\?[^\W\d_]+|\d+|[^\w\s]")


@dataclass(frozen=True)
class _Block:
    problems: tuple[str, ...]
    inverse: Floats
    """Of the kernel of their statements and the ridge."""

    def forecast(self, rates: Floats, left_out: slice) -> Floats:
        """What the `rates` of all others say of the problems that are left out; NaN is a rate that is not known."""
        known = ~np.isnan(rates)
        others = known.copy()
        others[left_out] = False
        mean = rates[others].mean() if others.any() else 0.0
        shares = np.where(known, rates, mean) - mean
        residues = np.linalg.solve(self.inverse[left_out, left_out], self.inverse[left_out] @ shares)
        return np.asarray(mean + shares[left_out] - residues)


@dataclass(frozen=True)
class Likeness:
    """The statements of a shard, compared."""

    blocks: tuple[_Block, ...] = ()

    @classmethod
    def read(cls, problems: pl.DataFrame) -> "Likeness":
        """Compare the statements of `problems` (`id`, `statement`); of too few, or without the column, nothing."""
        if "statement" not in problems.columns:
            return cls()
        once = problems.select("id", pl.col("statement").fill_null("")).unique("id", keep="first").sort("id")
        if once.height < 2 * FEWEST:
            return cls()
        statements = dict(once.iter_rows())
        parts = np.array_split(np.array(list(statements), dtype=object), -(-len(statements) // BLOCK))
        return cls(tuple(_Block(tuple(part), _invert(tuple(statements[id_] for id_ in part))) for part in parts))

    def find_levels(self, seen: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """Problem -> 0 for the hardest by its words to `LEVELS` - 1, with about as many problems in each; fewer levels
        where the problems are few. `seen` has (correct, known) samples of problems; what it lacks has none.

        A problem is ranked among those of its own fold, of which none has a say. Of all problems one by one those that
        were solved less would be expected to do better, by what each takes from the mean of the others: where the
        words say nothing, its level would be its own samples once more.
        """
        levels: dict[str, int] = {}
        for block in self.blocks:
            count = min(LEVELS, len(block.problems) // FEWEST)
            hits, trials = np.array([seen.get(id_, (0, 0)) for id_ in block.problems], dtype=np.float64).T
            if count < 2 or not trials.any():
                continue
            rates = np.divide(hits, trials, out=np.full(len(trials), np.nan), where=trials > 0)
            for fold in range(FOLDS):
                own = slice(fold, None, FOLDS)
                said = block.forecast(rates, own).round(DIGITS)
                ends = np.quantile(said, np.arange(1, count) / count)
                levels.update(zip(block.problems[own], np.searchsorted(ends, said).tolist(), strict=True))
        return levels


UNREAD = Likeness()
"""Of statements that nobody has read: it tells no problems apart."""


@lru_cache(maxsize=CACHE)
def _invert(statements: tuple[str, ...]) -> Floats:
    """The inverse of the kernel of `statements` (the cosines of their words) plus the ridge."""
    from scipy import sparse
    from scipy.linalg import inv

    columns: dict[str, int] = {}
    rows, places = [], []
    for row, statement in enumerate(statements):
        words = _WORD.findall(statement.lower())
        for word in sorted({*words, *(f"{one} {following}" for one, following in pairwise(words))}):
            rows.append(row)
            places.append(columns.setdefault(word, len(columns)))
    counted = sparse.csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(statements), len(columns) or 1))
    holders = np.asarray(counted.sum(axis=0)).ravel()
    # A word of one statement alone makes it like no other.
    rarity = np.where(holders > 1, np.log(len(statements) / np.maximum(holders, 1)), 0.0)
    weighed = counted @ sparse.diags(rarity)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    weighed = sparse.diags(1 / np.where(lengths > 0, lengths, 1.0)) @ weighed
    kernel = (weighed @ weighed.T).toarray()
    kernel.flat[:: len(kernel) + 1] += RIDGE
    return np.asarray(inv(kernel, overwrite_a=True, check_finite=False))
