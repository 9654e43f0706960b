"""When a problem has enough samples: as soon as nothing that the rest could say would change its decision.

Nothing is estimated. The outcomes of the remaining samples are enumerated through the one rule that decides
(`pipeline.decide.rule`), so stopping early never gives another decision than the full set would.
"""

from functools import lru_cache

from pipeline.decide.rule import CACHE, Counts, Rules, settle


@lru_cache(maxsize=CACHE)
def samples_needed(counts: Counts, rules: Rules) -> int:
    """How many more samples a problem needs at the very least; 0 when its decision is settled.

    The remaining samples may turn out correct, wrong in any class, or unknown. All of the number returned are needed:
    no outcome of a part of them settles the decision, so a round may ask for that many at once.
    """
    low, high = 0, counts.missing
    while low < high:
        # What is settled stays settled, so the least number can be halved towards.
        middle = (low + high) // 2
        if any(settle(later, rules) is not None for later in counts.outcomes(middle)):
            high = middle
        else:
            low = middle + 1
    return low
