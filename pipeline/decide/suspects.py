"""Suspects settled by evidence: problems that the screen doubts, and those whose samples doubt them.

A premise that is missing leaves no trace in the form of a statement; it shows in its samples. Either no two of them
agree, as each made up what was lacking, or they say that something is missing.
"""

from fractions import Fraction
from typing import Literal

FEWEST = 8
"""Answers below which it says nothing that no two agree: half of a problem's 16."""
Doubt = Literal["none", "open", "unread", "suspect", "unreadable"]
"""Whether a problem is a suspect. Of `open` ones its samples say so, those to come too; of `unread` ones likewise, but
nobody has looked whether they say that something is missing; `none` has programs as samples, which say neither.
`unreadable`: it is a suspect because nothing can read its label. Its samples are unknown then unless they say the same
in the same characters, and will stay so.
"""
BY_SAMPLES: tuple[Doubt, ...] = ("open", "unread")


def doubt_problem(unreadable: bool | None, is_code: bool, is_read: bool = True) -> Doubt:
    """The doubt of a problem before its samples say anything: `unreadable` is None where the screen does not suspect
    it; `is_read` says whether it is known of its samples if they say that something is missing.
    """
    if unreadable is not None:
        return "unreadable" if unreadable else "suspect"
    return "none" if is_code else "open" if is_read else "unread"


def says_too_often(lacking: int, taken: int, share: Fraction) -> bool:
    """Whether more than `share` (`decide.missing_share`) of the samples `taken` say that something is missing."""
    return lacking > share * taken


def doubts_premise(lacking: int, taken: int, answers: int, most: int, share: Fraction) -> bool:
    """Whether a premise may be missing: too many samples say so, or of at least `FEWEST` answers no two agree (`most`
    is the size of their largest class, right or wrong).
    """
    return says_too_often(lacking, taken, share) or (answers >= FEWEST and most == 1)
