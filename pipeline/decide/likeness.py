"""How hard problems are whose statements are alike: what the words of a problem say of its pass rate.

Ridge regression (Hoerl and Kennard, 1970) of the share of correct samples on the words and pairs of neighbouring words
of the statement, weighed by how rare they are (tf-idf; Jones, 1972). What is said of a problem is learned from all
others of its shard and from none of its own samples, which would otherwise count twice: by the kernel of the regression
that is known in closed form (Allen's leave-one-out residuals, 1974).

Samples of other models say the same far better, so it is asked for only where there are none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl
from scipy import sparse
from scipy.linalg import inv

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
DIGITS = 6
"""Of what is said: the last ones depend on the order in which a machine adds."""
_WORD = re.compile(r"\\?[^\W\d_]+|\d+|[^\w\s]")


@dataclass(frozen=True)
class _Block:
    problems: tuple[str, ...]
    inverse: Floats
    """Of the kernel of their statements and the ridge."""

    def forecast(self, rates: Floats) -> Floats:
        """What the others' `rates` say of each problem's; NaN is a rate that is not known."""
        known = ~np.isnan(rates)
        shares = np.where(known, rates, rates[known].mean())
        sums = self.inverse.sum(axis=1)
        mean = sums @ shares / sums.sum()
        left = self.inverse @ (shares - mean)
        return np.asarray(shares - left / (self.inverse.diagonal() - sums**2 / sums.sum()))


@dataclass(frozen=True)
class Likeness:
    """The statements of a shard, compared."""

    blocks: tuple[_Block, ...] = ()

    @classmethod
    def read(cls, problems: pl.DataFrame) -> "Likeness":
        """Compare the statements of `problems` (`id`, `statement`); of too few, or without the column, nothing."""
        if "statement" not in problems.columns or problems.height < 2 * FEWEST:
            return cls()
        statements = dict(problems.select("id", pl.col("statement").fill_null("")).sort("id").iter_rows())
        parts = np.array_split(np.array(list(statements), dtype=object), -(-len(statements) // BLOCK))
        return cls(tuple(_Block(tuple(part), _invert(tuple(statements[id_] for id_ in part))) for part in parts))

    def find_levels(self, seen: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """Problem -> 0 for the hardest by its words to `LEVELS` - 1, with as many problems in each; fewer levels where
        the problems are few. `seen` has (correct, known) samples of problems; what it lacks has none.
        """
        levels: dict[str, int] = {}
        for block in self.blocks:
            count = min(LEVELS, len(block.problems) // FEWEST)
            hits, trials = np.array([seen.get(id_, (0, 0)) for id_ in block.problems], dtype=np.float64).T
            if count < 2 or not trials.any():
                continue
            rates = np.divide(hits, trials, out=np.full(len(trials), np.nan), where=trials > 0)
            said = block.forecast(rates).round(DIGITS)
            ends = np.quantile(said, np.arange(1, count) / count)
            levels.update(zip(block.problems, np.searchsorted(ends, said).tolist(), strict=True))
        return levels


UNREAD = Likeness()
"""Of statements that nobody has read: it tells no problems apart."""


@lru_cache(maxsize=CACHE)
def _invert(statements: tuple[str, ...]) -> Floats:
    """The inverse of the kernel of `statements` (the cosines of their words) plus the ridge."""
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
