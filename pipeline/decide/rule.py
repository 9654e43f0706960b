"""The decision about one problem, from its counts: in whole numbers, so it is exact. All that decides asks here.

A problem is described by five counts: `correct`, `votes` (of the largest class of equal wrong answers), `unknown`,
`taken` and `planned` samples. The rest of `taken` are other wrong answers, or completions with no answer. The sizes of
the smaller classes do not count: whatever one of them can still grow to, the largest can too.

The order of the rules: too easy first, as many correct samples leave no doubt about the label; then suspicion, as a
suspect must be solved more often than a guess would solve it; then the label, as a problem that is never solved but has
one majority answer is mislabelled rather than hard; then never solved; else kept.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from schemas.config import DecideConfig, KeepConfig
from schemas.reasons import KEEP, Reason

CACHE = 200_000
AGREE = "agree on another answer than the label's"
"""Of a contradicted label, where the answers are not known."""
CONFIRMED = "suspicion confirmed"
"""The decision of a suspect that its samples do not clear; whoever knows what it was suspected of says so instead."""
Doubt = Literal["none", "suspect", "unreadable"]
"""Whether a problem is a suspect, and whether that is because nothing can read its label: its samples are unknown then
unless they say the same in the same characters, and will stay so.
"""


def decide_window(
    correct: int, votes: int, known: int, taken: int, keep: KeepConfig, decide: DecideConfig, doubt: Doubt = "none"
) -> str:
    """The decision over `known` samples of `taken`, as if nothing were open.

    The window is scaled to the samples known: at or above `keep.min` and at or below `keep.max` of `keep.of`. The paper
    (Magistral, section 4.1) drops problems that are never and that are very often solved, and those where most samples
    agree against the label; it prints no thresholds.
    """
    if correct * keep.of > keep.max * known:
        return Reason.TOO_EASY.value
    if doubt != "none" and correct <= _exact(decide.suspect_share) * known:
        return CONFIRMED
    if votes > _exact(decide.contradiction_share) * taken and votes > correct:
        return Reason.LABEL_CONTRADICTED.value
    if correct * keep.of < keep.min * known:
        return Reason.NEVER_SOLVED.value
    return KEEP


@lru_cache(maxsize=64)
def _exact(share: float) -> Fraction:
    return Fraction(str(share))


@lru_cache(maxsize=CACHE)
def decide_full(
    correct: int, votes: int, unknown: int, taken: int, keep: KeepConfig, decide: DecideConfig, doubt: Doubt = "none"
) -> str:
    """The decision when every planned sample is in, `unknown` of them without a verdict.

    Up to `decide.max_unknown` are left out. More, and the decision stands only if it is the same whatever they are;
    otherwise the problem is undetermined. Those of an unreadable label count as not reaching it.
    """
    if doubt == "unreadable":
        return decide_window(correct, votes, taken, taken, keep, decide, doubt)
    if unknown < taken and unknown <= decide.max_unknown:
        return decide_window(correct, votes, taken - unknown, taken, keep, decide, doubt)
    outcomes: set[str] = set()
    for right in range(unknown + 1):
        # More votes can only turn a decision into `label_contradicted`, so the fewest and the most tell all.
        for more in (0, unknown - right):
            outcomes.add(decide_window(correct + right, votes + more, taken, taken, keep, decide, doubt))
            if len(outcomes) > 1:
                return Reason.UNDETERMINED.value
    return outcomes.pop() if taken else Reason.UNDETERMINED.value


@lru_cache(maxsize=CACHE)
def possible(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt = "none",
) -> frozenset[str]:
    """Every decision that the full set can still come to, over all outcomes of the missing samples."""
    return frozenset(_endings(correct, votes, unknown, taken, planned, keep, decide, doubt))


@lru_cache(maxsize=CACHE)
def settle(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt = "none",
) -> str | None:
    """The one decision that is `possible`, or None where there are several; leaves at the second one that it meets."""
    endings = _endings(correct, votes, unknown, taken, planned, keep, decide, doubt)
    first = next(endings)
    return first if all(ending == first for ending in endings) else None


def _endings(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt = "none",
) -> Iterator[str]:
    missing = max(planned - taken, 0)
    full = taken + missing
    # The extremes first: they differ where anything differs, and then `settle` need not look at the rest.
    for right in (*range(0, missing + 1, max(missing, 1)), *range(1, missing)):
        for lost in range(missing - right + 1):
            for more in range(missing - right - lost + 1):
                yield decide_full(correct + right, votes + more, unknown + lost, full, keep, decide, doubt)


def decide_counts(
    correct: int,
    votes: int,
    unknown: int,
    taken: int,
    planned: int,
    keep: KeepConfig,
    decide: DecideConfig,
    doubt: Doubt = "none",
) -> tuple[str, str]:
    """(decision, detail in words) from the counts of one problem.

    Fewer samples than `planned` decide only where no outcome of the missing ones gives another decision; otherwise the
    problem is undetermined, and its detail says how many samples are missing. More than planned are all used. `doubt`
    says whether it is a suspect; one that its samples do not clear is `CONFIRMED`.
    """
    missing = max(planned - taken, 0)
    known = taken - unknown
    unseen = f", {unknown} unknown" if unknown else ""
    said = f"{correct} of {known} correct{unseen}"
    if taken == 0:
        return Reason.UNDETERMINED.value, "no samples"
    decision = settle(correct, votes, unknown, taken, planned, keep, decide, doubt)
    if decision is None:
        wanted = "1 more sample" if missing == 1 else f"{missing} more samples"
        return Reason.UNDETERMINED.value, f"{said}; {wanted} could change this"
    early = f"; the other {missing} of {taken + missing} cannot change it" if missing else ""
    if decision == Reason.UNDETERMINED:
        return decision, f"{said}; the unknown ones could change this"
    if decision == Reason.LABEL_CONTRADICTED:
        return decision, f"{votes} of {taken} {AGREE} ({correct} agree){unseen}{early}"
    if decision == Reason.TOO_EASY:
        return decision, f"{said}, more than {keep.max} in {keep.of}{early}"
    if decision == CONFIRMED:
        return decision, f"{said}, as a guess could be{early}"
    if decision == Reason.NEVER_SOLVED and correct:
        return decision, f"{said}, fewer than {keep.min} in {keep.of}{early}"
    return decision, f"{said}{early}"
