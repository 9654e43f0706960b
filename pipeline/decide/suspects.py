"""Suspects settled by evidence: problems that the screen doubts, and those whose samples doubt them.

A premise that is missing leaves no trace in the form of a statement; it shows in its samples. Either no two of them
agree, as each made up what was lacking, or they say that something is missing.
"""

from typing import TypeVar

import polars as pl

from pipeline.decide.rule import Doubt
from schemas.config import DecideConfig

FEWEST = 8
"""Answers below which it says nothing that no two agree: half of a problem's 16."""
Count = TypeVar("Count", int, pl.Expr)


def doubt_problem(unreadable: bool | None) -> Doubt:
    """The doubt of a suspect, by whether nothing can read its label; None: it is no suspect."""
    return "none" if unreadable is None else "unreadable" if unreadable else "suspect"


def says_too_often(missing: Count, taken: Count, decide: DecideConfig) -> "bool | pl.Expr":
    """Whether more than `decide.missing_share` of the samples `taken` say that something is missing."""
    return missing > taken * decide.missing_share


def doubts_premise(missing: Count, taken: Count, answers: Count, most: Count, decide: DecideConfig) -> "bool | pl.Expr":
    """Whether a premise may be missing: too many samples say so, or of at least `FEWEST` answers no two agree (`most`
    is the size of their largest class, right or wrong). Over numbers, or over columns of them.
    """
    return says_too_often(missing, taken, decide) | ((answers >= FEWEST) & (most == 1))
