"""The decision about one problem from a part of its samples, and which decisions need more of them.

`pipeline.decide.rule` counts; this asks what the counts say of the problem's true rate, given the rates that the run
has (`pipeline.decide.posterior`). Two questions are asked of a problem: whether its rate lies in the window, and
whether one wrong answer has more than `decide.contradiction_share`. The order of the reasons is the rule's.

A rate lies in the window where counting many samples would keep the problem: between half a sample below `keep.min` and
half a sample above `keep.max`, of `keep.of`. With all of n samples that is what counting decides.

The second pass begins with what the first one said, and the first one with what another run or file says that
`also_graded_by` names. Some problems are asked whatever that was; they teach how the grader does where the earlier one
solved so many of 16. A problem whose decision they leave in no doubt is not asked at all.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

import polars as pl

from pipeline.decide.likeness import Likeness
from pipeline.decide.posterior import (
    SPREAD,
    Answers,
    Forecast,
    Prior,
    Question,
    answer,
    forecast_rate,
    learn_prior,
)
from pipeline.decide.rule import CONFIRMED, Counts, Rules, describe_decision
from pipeline.decide.suspects import Doubt
from pipeline.decide.transition import Level, find_level, learn_transition
from pipeline.run.evidence import EARLIER
from schemas.config import SamplingConfig
from schemas.reasons import KEEP, Reason

SCOUTS = 0.06
"""The share of problems with an earlier grader that are asked for the floor whatever that one said. What the
transition needs are a hundred problems of a shard of 2,048; more of them cost samples of problems that are in no doubt.
"""
Group = tuple[Level | str, ...]
"""Problems whose rates are learned together, from the largest group to the smallest: of what an earlier grader said,
where one was asked, then of a source, then, where none was asked, of statements that promise a like rate.
"""


class Observed(NamedTuple):
    """What is known of one problem when the run's rates are learned."""

    group: Group
    counts: Counts


@dataclass(frozen=True)
class Rates:
    """The rates of a run: of being correct by group, and of the largest class of wrong answers."""

    correct: Mapping[Group, Prior]
    votes: Prior

    def find(self, group: Group) -> Prior:
        """The prior of a group; of the larger one where it has none."""
        while group and group not in self.correct:
            group = group[:-1]
        return self.correct.get(group, SPREAD)


def learn_rates(observed: Iterable[Observed]) -> Rates:
    """Learn the rates of a run from all that is known. Which samples were taken may depend on those before them."""
    correct: dict[Group, Counter[tuple[int, int]]] = {(): Counter()}
    votes: Counter[tuple[int, int]] = Counter()
    for group, counts in observed:
        votes[counts.votes, counts.taken] += 1
        if counts.doubt != "unreadable":
            for size in range(len(group) + 1):
                correct.setdefault(group[:size], Counter())[counts.correct, count_known(counts)] += 1
    moved = learn_transition({group[0]: hits for group, hits in correct.items() if is_level(group)})
    learned: dict[Group, Prior] = {}
    for group in sorted(correct, key=len):
        larger = group[:-1]
        base = moved[group[0]] if is_level(group) else learned[larger] if group else SPREAD
        # A group that is all of the larger one has taught already.
        taught = len(group) > 0 and not is_level(group) and correct[group] == correct[larger]
        learned[group] = base if taught else learn_prior(correct[group], base)
    return Rates(learned, learn_prior(votes))


def find_groups(problems: pl.DataFrame) -> dict[str, Group]:
    """The group of each problem: what an earlier grader said of it (`EARLIER`), if there is one, and its source."""
    names = [name for name in (*EARLIER, "source") if name in problems.columns]
    groups: dict[str, Group] = {}
    for row in problems.select("id", *names).iter_rows(named=True):
        correct, known = (row.get(name) for name in EARLIER)
        earlier = (find_level(correct, known),) if correct is not None and known else ()
        groups[row["id"]] = (*earlier, row.get("source") or "")
    return groups


def has_earlier(group: Group) -> bool:
    """Whether something is known of a problem's rate before its first sample."""
    return bool(group) and isinstance(group[0], tuple)


def is_level(group: Group) -> TypeGuard[tuple[Level]]:
    return len(group) == 1 and isinstance(group[0], tuple)


def count_known(counts: Counts) -> int:
    """The samples that say whether they are correct; those of an unreadable label that do not, count as wrong."""
    return counts.taken if counts.doubt == "unreadable" else counts.taken - counts.unknown


def is_audited(problem: str, sampling: SamplingConfig) -> bool:
    """Whether a problem is of the share that is always sampled in full."""
    return _draw(problem, sampling) < sampling.audit


def count_first(problem: str, group: Group, sampling: SamplingConfig) -> int:
    """How many samples a problem gets before the rates of the run are learned."""
    if is_audited(problem, sampling):
        return sampling.ceiling
    is_asked = not has_earlier(group) or _draw(problem, sampling) < sampling.audit + SCOUTS
    return min(sampling.floor, sampling.ceiling) if is_asked else 0


def _draw(problem: str, sampling: SamplingConfig) -> float:
    """A number from 0 to 1 that a problem has for good."""
    digest = hashlib.sha256(f"{sampling.audit_seed} {problem}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def window(rules: Rules, doubt: Doubt = "none") -> tuple[float, float]:
    """Between which rates a problem is kept: above the first, and not above the second."""
    keep = rules.keep
    low = (keep.min - 0.5) / keep.of if keep.min else -1.0
    high = (keep.max + 0.5) / keep.of if keep.max < keep.of else 1.0
    return (low if doubt == "none" else max(low, rules.decide.suspect_share)), high


@dataclass(frozen=True)
class Confident:
    """The rule of `sampling.stop: confident` with the rates of a run."""

    rules: Rules
    sampling: SamplingConfig
    rates: Rates

    def ask_window(self, counts: Counts, group: Group) -> tuple[Answers, tuple[int, int]]:
        """Whether the rate lies in the window, and where in the answers these counts stand."""
        known, doubt = count_known(counts), self.rules.see_doubt(counts)
        low, high = window(self.rules, doubt)
        # A suspect has no such privilege.
        missed = self.sampling.missed if doubt == "none" else 1.0
        blind = self.rules.keep.forecast and has_earlier(group)
        question = Question(low, high, known + counts.missing, self.sampling.price, missed, blind)
        return answer(self.rates.find(group), question), (known, counts.correct)

    def ask_label(self, counts: Counts) -> tuple[Answers, tuple[int, int]]:
        """Whether one wrong answer has the majority, likewise."""
        ceiling = counts.taken + counts.missing
        question = Question(self.rules.decide.contradiction_share, 1.0, ceiling, self.sampling.price)
        return answer(self.rates.votes, question), (counts.taken, counts.votes)

    def needed(self, counts: Counts, group: Group, slack: float = 0.0) -> int:
        """How many more samples a problem needs at the very least; 0 where no more are worth their price, and `slack`
        wrong decisions beside.
        """
        if counts.taken < self.sampling.floor and not has_earlier(group):
            return min(self.sampling.floor - counts.taken, counts.missing)
        answers, at = self.ask_window(counts, group)
        needed = int(answers.needed[at]) if answers.gain[at] > slack else 0
        if not answers.says[at] and 1 - answers.yes[at] > 2 * answers.below[at]:
            return needed
        answers, at = self.ask_label(counts)
        if answers.gain[at] > slack:
            return max(needed, int(answers.needed[at]))
        return 0 if answers.says[at] and counts.votes > counts.correct else needed

    def gain(self, counts: Counts, group: Group) -> float:
        """What it is worth to sample on, beyond the price, in wrong decisions; 0 or less where it is not."""
        answers, at = self.ask_window(counts, group)
        labels, there = self.ask_label(counts)
        return float(max(answers.gain[at], labels.gain[there]))

    def otherwise(self, counts: Counts, group: Group) -> float:
        """The probability that all samples up to the ceiling would decide otherwise whether to keep the problem."""
        answers, at = self.ask_window(counts, group)
        labels, there = self.ask_label(counts)
        full = float(answers.full[at]) * (1 - float(labels.full[there]))
        return 1 - full if self.choose(counts, group) == KEEP else full

    def forecast(self, counts: Counts, group: Group) -> Forecast:
        """The pass rate that is expected of more samples."""
        return forecast_rate(self.rates.find(group), counts.correct, count_known(counts))

    def choose(self, counts: Counts, group: Group) -> str:
        """The likeliest decision, as if no sample were missing."""
        unknown = counts.unknown
        if counts.doubt == "unreadable" or (unknown <= self.rules.decide.max_unknown and unknown < counts.taken):
            return self._choose(counts, group)
        chosen = {
            self._choose(counts._replace(unknown=0).add(0, right, 0, votes), group)
            for right in range(unknown + 1)
            for votes in (0, unknown - right)
        }
        return chosen.pop() if len(chosen) == 1 else Reason.UNDETERMINED.value

    def _choose(self, counts: Counts, group: Group) -> str:
        answers, at = self.ask_window(counts, group)
        yes, below = answers.yes[at], answers.below[at]
        inside = bool(answers.says[at])
        if not inside and 1 - yes - below > below:
            return Reason.TOO_EASY.value
        if not inside and self.rules.see_doubt(counts) != "none":
            return CONFIRMED
        answers, at = self.ask_label(counts)
        if answers.says[at] and counts.votes > counts.correct:
            return Reason.LABEL_CONTRADICTED.value
        return KEEP if inside else Reason.NEVER_SOLVED.value

    def decide(self, counts: Counts, group: Group) -> tuple[str, str]:
        """(decision, detail in words), as `pipeline.decide.rule.decide_counts` gives them.

        A problem lacks samples where they are worth the price of one more than sampling asks: a repaired label, or one
        that is held up, moves what is learned of the rates a little, and no decision should fall back open for that.
        """
        if counts.taken == 0 and not has_earlier(group):
            return Reason.UNDETERMINED.value, "no samples"
        if needed := self.needed(counts, group, self.sampling.price):
            summary = describe_decision(Reason.UNDETERMINED.value, counts, self.rules, "").partition(";")[0]
            return Reason.UNDETERMINED.value, f"{summary}; {needed} or more samples could change this"
        decision, missing = self.choose(counts, group), counts.missing
        otherwise = self.otherwise(counts, group)
        if counts.taken == 0:
            rate, low, high = self.forecast(counts, group)
            return decision, (
                f"not asked: a pass rate of {rate:.2f} ({low:.2f} to {high:.2f}) is expected by the earlier grader; "
                f"{missing} samples would decide otherwise with a probability of {otherwise:.2f}"
            )
        sure = f"; the other {missing} would change it with a probability of {otherwise:.2f}"
        return decision, describe_decision(decision, counts, self.rules, sure if missing else "")


class Learned(NamedTuple):
    """The rule with the rates of a shard, and the groups that it knows problems by."""

    rule: Confident
    groups: dict[str, Group]


def learn_rule(
    rules: Rules,
    sampling: SamplingConfig,
    groups: Mapping[str, Group],
    counts: Mapping[str, Counts],
    likeness: Likeness,
) -> Learned:
    """Learn the rates of a shard from what the samples of its problems say so far.

    Problems that no earlier grader was asked are told apart by what their statements say. Beside an earlier grader that
    is too little to move a decision.
    """
    seen = {id_: (one.correct, count_known(one)) for id_, one in counts.items() if one.doubt != "unreadable"}
    levels = likeness.find_levels({id_: at for id_, at in seen.items() if not has_earlier(groups[id_])})
    told = {
        id_: groups[id_] if id_ not in levels or has_earlier(groups[id_]) else (*groups[id_], f"level {levels[id_]}")
        for id_ in counts
    }
    rates = learn_rates(Observed(told[id_], one) for id_, one in counts.items())
    return Learned(Confident(rules, sampling, rates), told)
