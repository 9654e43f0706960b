"""When a problem has enough samples: as soon as nothing that the rest could say would change its decision.

Nothing is estimated. The outcomes of the remaining samples are enumerated through the one rule that decides
(`pipeline.decide.rule`), so stopping early never gives another decision than the full set would.
"""

from collections.abc import Sequence
from functools import lru_cache

from pipeline.decide.rule import CACHE, Doubt, settle
from schemas.config import DecideConfig, KeepConfig


def samples_needed(
    correct: int,
    wrong_votes: Sequence[int],
    no_answer: int,
    unknown: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt = "none",
) -> int:
    """How many more samples a problem needs at the very least; 0 when its decision is settled.

    `wrong_votes` are the sizes of its classes of equal wrong answers, `no_answer` the wrong completions without an
    answer; `doubt` says whether it is a suspect. The remaining samples may turn out correct, wrong in any class, or
    unknown. All of the number returned are needed: no outcome of a part of them settles the decision, so a round may
    ask for that many at once.
    """
    taken = correct + sum(wrong_votes) + no_answer + unknown
    return _needed(correct, max(wrong_votes, default=0), unknown, taken, planned, keep, decide, doubt)


@lru_cache(maxsize=CACHE)
def _needed(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt,
) -> int:
    low, high = 0, max(planned - taken, 0)
    while low < high:
        # What is settled stays settled, so the least number can be halved towards.
        middle = (low + high) // 2
        if _can_settle(correct, votes, unknown, taken, middle, planned, keep, decide, doubt):
            high = middle
        else:
            low = middle + 1
    return low


def _can_settle(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    more: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt,
) -> bool:
    return any(
        settle(correct + right, votes + agreeing, unknown + lost, taken + more, planned, keep, decide, doubt)
        is not None
        for right in range(more + 1)
        for lost in range(more - right + 1)
        for agreeing in range(more - right - lost + 1)
    )
