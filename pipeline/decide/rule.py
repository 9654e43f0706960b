"""The decision about one problem, from its counts: in whole numbers, so it is exact. All that decides asks here.

The sizes of the smaller classes of wrong answers do not count: whatever one of them can still grow to, the largest can
too.

The order of the rules: too easy first, as many correct samples leave no doubt about the label; then suspicion, as a
suspect must be solved more often than a guess would solve it; then the label, as a problem that is never solved but has
one majority answer is mislabelled rather than hard; then never solved; else kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import NamedTuple

from pipeline.decide.suspects import BY_SAMPLES, FEWEST, Doubt, doubts_premise, says_too_often
from schemas.config import Config, DecideConfig, KeepConfig, SamplingConfig
from schemas.reasons import KEEP, Reason

CACHE = 200_000
AGREE = "agree on another answer than the label's"
"""Of a contradicted label, where the answers are not known."""
CONFIRMED = "suspicion confirmed"
"""The decision of a suspect that its samples do not clear; whoever knows what it was suspected of says so instead."""


class Counts(NamedTuple):
    """What the samples of one problem say: `taken` of `planned`, of them `correct`, `unknown`, and `votes` for the
    largest class of equal wrong answers. The rest are other wrong answers, or completions with no answer. `doubt` says
    whether the problem is a suspect; where samples say so, it follows from `answers`, those that name an answer and
    have a verdict, and `lacking`, those that say that something is missing. A tuple, as it is hashed for every
    decision.
    """

    correct: int
    votes: int
    unknown: int
    taken: int
    planned: int
    doubt: Doubt = "none"
    answers: int = 0
    lacking: int = 0

    @property
    def most(self) -> int:
        """The size of the largest class of answers, right or wrong."""
        return max(self.correct, self.votes)

    @property
    def missing(self) -> int:
        """Planned samples that are not taken yet."""
        return max(self.planned - self.taken, 0)

    def add(
        self, more: int, correct: int, unknown: int, votes: int, answers: int | None = None, lacking: int = 0
    ) -> "Counts":
        """The counts after `more` samples: so many correct, unknown and in the largest class, the others elsewhere.
        None of these names an answer, unless there are more `answers` than that.
        """
        return Counts(
            self.correct + correct,
            self.votes + votes,
            self.unknown + unknown,
            self.taken + more,
            self.planned,
            self.doubt,
            self.answers + (correct + votes if answers is None else answers),
            self.lacking + lacking,
        )

    def outcomes(self, more: int) -> Iterator["Counts"]:
        """The counts after each outcome of `more` samples, the extremes first: they differ where anything differs. Of
        what an open doubt rests on there are the extremes alone, as there is one limit to each.
        """
        extremes = (0, more) if self.doubt == "open" and more else (0,)
        for correct in (*range(0, more + 1, max(more, 1)), *range(1, more)):
            for unknown in range(more - correct + 1):
                for votes in range(more - correct - unknown + 1):
                    for answers in self._name_answers(more, correct, unknown, votes):
                        for lacking in extremes:
                            yield self.add(more, correct, unknown, votes, answers, lacking)

    def _name_answers(self, more: int, correct: int, unknown: int, votes: int) -> tuple[int, ...]:
        """How many of `more` samples name an answer, at the least and at the most, as far as a doubt rests on it: an
        answer in a class of its own would be the largest class where there is none yet.
        """
        fewest, most = correct + votes, more - unknown
        if self.doubt not in BY_SAMPLES or fewest == most or not self.votes + votes:
            return (fewest,)
        return (fewest, most) if max(self.correct + correct, self.votes + votes) < 2 else (fewest,)


@dataclass(frozen=True)
class Rules:
    """What a config says about decisions: the window of difficulty, and what the evidence means beside it."""

    keep: KeepConfig
    decide: DecideConfig
    confident: SamplingConfig | None = None
    """How sure a decision has to be (`pipeline.decide.confident`); None where it is counted."""

    @classmethod
    def of(cls, config: Config) -> "Rules":
        """The rules of a run."""
        return cls(config.keep, config.decide, config.sampling if config.sampling.stop == "confident" else None)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.keep, self.decide, self.confident))

    @cached_property
    def suspect_share(self) -> Fraction:
        """`decide.suspect_share`, exactly as it is written."""
        return Fraction(str(self.decide.suspect_share))

    @cached_property
    def missing_share(self) -> Fraction:
        """`decide.missing_share`, exactly as it is written."""
        return Fraction(str(self.decide.missing_share))

    @cached_property
    def contradiction_share(self) -> Fraction:
        """`decide.contradiction_share`, exactly as it is written."""
        return Fraction(str(self.decide.contradiction_share))

    def see_doubt(self, counts: Counts) -> Doubt:
        """Whether a problem is a suspect by the samples that there are."""
        if counts.doubt not in BY_SAMPLES:
            return counts.doubt
        seen = doubts_premise(counts.lacking, counts.taken, counts.answers, counts.most, self.missing_share)
        return "suspect" if seen else "none"

    def narrow(self, counts: Counts) -> Counts:
        """The counts without what can make no difference to a doubt any more, so that there are few of them."""
        if counts.doubt not in BY_SAMPLES:
            return counts._replace(answers=0, lacking=0)
        share, final = self.missing_share, counts.taken + counts.missing
        if says_too_often(counts.lacking, final, share):
            return counts._replace(doubt="suspect", answers=0, lacking=0)
        said = counts.doubt == "open" and says_too_often(counts.lacking + counts.missing, final, share)
        apart = counts.most < 2 and counts.answers + counts.unknown + counts.missing >= FEWEST
        if not said and not apart:
            return counts._replace(doubt="none", answers=0, lacking=0)
        return counts._replace(answers=counts.answers * apart, lacking=counts.lacking * said)


def decide_window(counts: Counts, known: int, rules: Rules) -> str:
    """The decision over the `known` samples of those taken, as if nothing were open.

    The window is scaled to the samples known: at or above `keep.min` and at or below `keep.max` of `keep.of`. The paper
    (Magistral, section 4.1) drops problems that are never and that are very often solved, and those where most samples
    agree against the label; it prints no thresholds.
    """
    keep, correct = rules.keep, counts.correct
    if correct * keep.of > keep.max * known:
        return Reason.TOO_EASY.value
    if correct <= rules.suspect_share * known and rules.see_doubt(counts) != "none":
        return CONFIRMED
    if counts.votes > rules.contradiction_share * counts.taken and counts.votes > correct:
        return Reason.LABEL_CONTRADICTED.value
    if correct * keep.of < keep.min * known:
        return Reason.NEVER_SOLVED.value
    return KEEP


@lru_cache(maxsize=CACHE)
def decide_full(counts: Counts, rules: Rules) -> str:
    """The decision when every planned sample is in, some of them without a verdict.

    Up to `decide.max_unknown` are left out. More, and the decision stands only if it is the same whatever they are;
    otherwise the problem is undetermined. Those of an unreadable label count as not reaching it.
    """
    unknown, taken = counts.unknown, counts.taken
    if counts.doubt == "unreadable":
        return decide_window(counts, taken, rules)
    if unknown < taken and unknown <= rules.decide.max_unknown:
        return decide_window(counts, taken - unknown, rules)
    decisions: set[str] = set()
    for right in range(unknown + 1):
        # More votes can only turn a decision into `label_contradicted`, so the fewest and the most tell all; beside
        # them one, with which an open doubt may have that no two answers agree.
        for votes in {0, min(1, unknown - right), unknown - right}:
            for answers in counts._name_answers(unknown, right, 0, votes):
                decisions.add(decide_window(counts.add(0, right, 0, votes, answers), taken, rules))
                if len(decisions) > 1:
                    return Reason.UNDETERMINED.value
    return decisions.pop() if taken else Reason.UNDETERMINED.value


@lru_cache(maxsize=CACHE)
def possible(counts: Counts, rules: Rules) -> frozenset[str]:
    """Every decision that the full set can still come to, over all outcomes of the missing samples."""
    return frozenset(_endings(counts, rules))


def settle(counts: Counts, rules: Rules) -> str | None:
    """The one decision that is `possible`, or None where there are several; leaves at the second one that it meets."""
    return _settle(rules.narrow(counts), rules)


@lru_cache(maxsize=CACHE)
def _settle(counts: Counts, rules: Rules) -> str | None:
    endings = _endings(counts, rules)
    first = next(endings)
    return first if all(ending == first for ending in endings) else None


def _endings(counts: Counts, rules: Rules) -> Iterator[str]:
    return (decide_full(rules.narrow(full), rules) for full in counts.outcomes(counts.missing))


def decide_counts(counts: Counts, rules: Rules) -> tuple[str, str]:
    """(decision, detail in words) from the counts of one problem.

    Fewer samples than planned decide only where no outcome of the missing ones gives another decision; otherwise the
    problem is undetermined, and its detail says how many samples are missing. More than planned are all used. A
    suspect that its samples do not clear is `CONFIRMED`.
    """
    taken, missing = counts.taken, counts.missing
    unseen = f", {counts.unknown} unknown" if counts.unknown else ""
    summary = f"{counts.correct} of {taken - counts.unknown} correct{unseen}"
    if taken == 0:
        return Reason.UNDETERMINED.value, "no samples"
    decision = settle(counts, rules)
    if decision is None:
        wanted = "1 more sample" if missing == 1 else f"{missing} more samples"
        return Reason.UNDETERMINED.value, f"{summary}; {wanted} could change this"
    early = f"; the other {missing} of {taken + missing} cannot change it" if missing else ""
    return decision, describe_decision(decision, counts, rules, early)


def describe_decision(decision: str, counts: Counts, rules: Rules, sure: str) -> str:
    """The detail of a decision that has its samples; `sure` says why those that are missing do not matter."""
    unseen = f", {counts.unknown} unknown" if counts.unknown else ""
    summary = f"{counts.correct} of {counts.taken - counts.unknown} correct{unseen}"
    if decision == Reason.UNDETERMINED:
        return f"{summary}; the unknown ones could change this"
    if decision == Reason.LABEL_CONTRADICTED:
        return f"{counts.votes} of {counts.taken} {AGREE} ({counts.correct} agree){unseen}{sure}"
    if decision == Reason.TOO_EASY:
        return f"{summary}, more than {rules.keep.max} in {rules.keep.of}{sure}"
    if decision == CONFIRMED:
        return f"{summary}, as a guess could be{sure}"
    if decision == Reason.NEVER_SOLVED and counts.correct:
        return f"{summary}, fewer than {rules.keep.min} in {rules.keep.of}{sure}"
    return f"{summary}{sure}"
