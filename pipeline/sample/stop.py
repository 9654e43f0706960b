"""When a problem has enough samples.

`early`: as soon as nothing that the rest could say would change its decision. Nothing is estimated. The outcomes of the
remaining samples are enumerated through the one rule that decides (`pipeline.decide.rule`), so stopping early never
gives another decision than the full set would. What other witnesses say of a label is no outcome of its samples, and is
not enumerated. `confident`: as soon as more samples are not worth their price
(`pipeline.decide.confident`). Both ask for as many at once as are surely needed, so none is in flight when a problem is
decided, and what they take of samples that are stored
already can be replayed.
"""

from functools import lru_cache

from pipeline.decide.rule import CACHE, Counts, Rules, settle
from pipeline.decide.trail import Trail


def samples_needed(counts: Counts, rules: Rules) -> int:
    """How many more samples a problem needs at the very least; 0 when its decision is settled.

    The remaining samples may turn out correct, wrong in any class, or unknown, and may say that something is missing.
    All of the number returned are needed: no outcome of a part of them settles the decision, so a round may ask for
    that many at once.
    """
    return _count_needed(rules.narrow(counts), rules)


@lru_cache(maxsize=CACHE)
def _count_needed(counts: Counts, rules: Rules) -> int:
    low, high = 0, counts.missing
    while low < high:
        # What is settled stays settled, so the least number can be halved towards.
        middle = (low + high) // 2
        if any(settle(later, rules) is not None for later in counts.outcomes(middle)):
            high = middle
        else:
            low = middle + 1
    return low


def replay_early(trail: Trail, planned: int, rules: Rules) -> int:
    """How many of its samples a problem takes until its decision is settled.

    As many are added as a decision needs at the very least, as sampling does. Where the stored ones do not settle it,
    what is needed at the very least is added to them.
    """
    taken = 0
    while taken <= trail.stored and (more := samples_needed(trail.after(taken, planned), rules)):
        taken += more
    return taken
