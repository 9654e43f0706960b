"""The stored samples of problems in their order: what stopping takes of them, and how often it decides otherwise."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from pipeline.decide.confident import (
    Confident,
    Group,
    count_first,
    find_groups,
    has_earlier,
    is_audited,
    learn_rule,
)
from pipeline.decide.likeness import UNREAD, Likeness
from pipeline.decide.rule import Counts, Rules
from pipeline.decide.suspects import Doubt, doubt_problem
from schemas.config import SamplingConfig
from schemas.reasons import KEEP, Verdict
from schemas.suspects import find_suspects

Outcome = tuple[str, str | None, bool | None]
"""What a sample says: its verdict, its answer's key, and whether something is missing."""


@dataclass(frozen=True)
class Trail:
    """A problem's samples in their order, counted: after each number of them (0 to all) how many are correct, how many
    unknown, how many in the largest class of wrong answers, how many name an answer, and how many say that something is
    missing; none where that is not known.
    """

    problem: str
    correct: Sequence[int]
    unknown: Sequence[int]
    votes: Sequence[int]
    group: Group = ()
    doubt: Doubt = "none"
    answers: Sequence[int] = ()
    lacking: Sequence[int] = ()

    @property
    def stored(self) -> int:
        return len(self.correct) - 1

    def after(self, taken: int, planned: int) -> Counts:
        answers, lacking = (counted[taken] if counted else 0 for counted in (self.answers, self.lacking))
        correct, votes, unknown = self.correct[taken], self.votes[taken], self.unknown[taken]
        return Counts(correct, votes, unknown, taken, planned, self.doubt, answers, lacking)


def follow_samples(samples: pl.DataFrame, problems: pl.DataFrame) -> list[Trail]:
    """The trail of every problem that has samples, or an earlier grader that it may be decided by.

    `samples` has `problem_id`, `index`, `verdict`, `answer_key`, `says_missing`; `problems` has `id`, and what
    `find_groups` and `find_suspects` read; with `domain` the code is known.
    """
    groups = find_groups(problems)
    suspects = dict(find_suspects(problems).select("problem_id", "unreadable").iter_rows())
    code = set(problems.filter(pl.col("domain") == "code")["id"]) if "domain" in problems.columns else set()
    ours = samples.filter(pl.col("problem_id").is_in(problems["id"].implode())).sort("problem_id", "index")
    if "says_missing" not in ours.columns:
        ours = ours.with_columns(says_missing=pl.lit(None, pl.Boolean))
    trails: list[Trail] = []
    for (id_,), rows in ours.group_by("problem_id", maintain_order=True):
        is_read = rows["says_missing"].is_not_null().any()
        doubt = doubt_problem(suspects.get(str(id_)), id_ in code, bool(is_read))
        said = rows.select("verdict", "answer_key", "says_missing").iter_rows()
        trails.append(follow_outcomes(str(id_), said, groups[str(id_)], doubt))
    followed = {trail.problem for trail in trails}
    return trails + [
        Trail(id_, [0], [0], [0], group, doubt_problem(suspects.get(id_), id_ in code))
        for id_, group in groups.items()
        if has_earlier(group) and id_ not in followed
    ]


def follow_outcomes(problem: str, outcomes: Iterable[Outcome], group: Group, doubt: Doubt) -> Trail:
    """The trail of samples in the order in which they are given."""
    correct, unknown, votes, answers, lacking = ([0] for _ in range(5))
    classes = Counter[str]()
    for verdict, key, says_missing in outcomes:
        correct.append(correct[-1] + (verdict == Verdict.CORRECT))
        unknown.append(unknown[-1] + (verdict == Verdict.UNKNOWN))
        answers.append(answers[-1] + (verdict != Verdict.UNKNOWN and key is not None))
        lacking.append(lacking[-1] + bool(says_missing))
        if verdict == Verdict.WRONG and key is not None:
            classes[key] += 1
        votes.append(max(classes.values(), default=0))
    return Trail(problem, correct, unknown, votes, group, doubt, answers, lacking)


class Replay(NamedTuple):
    """How many of their samples problems take, the rule that this comes to, and the trails in the groups that it knows
    them by."""

    taken: list[int]
    rule: Confident
    trails: list[Trail]


def replay_confident(
    trails: Sequence[Trail], sampling: SamplingConfig, rules: Rules, likeness: Likeness = UNREAD
) -> Replay:
    """What problems take under `sampling.stop: confident`; `likeness` is that of their statements.

    Where what is stored does not suffice, what is needed at the very least is added to it. All get what they begin with
    (`count_first`), the rates are learned from that, the others go on until they have enough; and again, until rates
    that are learned from all that was taken ask for no more.
    """
    planned = sampling.ceiling
    taken = [count_first(trail.problem, trail.group, sampling) for trail in trails]
    open_ = [at for at, most in enumerate(taken) if most < planned]
    while True:
        counts = [trail.after(min(n, trail.stored), planned) for trail, n in zip(trails, taken, strict=True)]
        rule, told = learn_trails(trails, counts, sampling, rules, likeness)
        moved, needs = False, cache(rule.needed)
        for at in open_:
            trail = told[at]
            while taken[at] <= trail.stored:
                more = needs(trail.after(taken[at], planned), trail.group)
                if not more:
                    break
                taken[at] += more
                moved = True
        if not moved:
            return Replay(taken, rule, told)


def learn_trails(
    trails: Sequence[Trail], counts: Sequence[Counts], sampling: SamplingConfig, rules: Rules, likeness: Likeness
) -> tuple[Confident, list[Trail]]:
    """The rule that so many samples lead to, and the trails in the groups that it knows problems by."""
    by_problem = {trail.problem: count for trail, count in zip(trails, counts, strict=True)}
    rule, groups = learn_rule(rules, sampling, {trail.problem: trail.group for trail in trails}, by_problem, likeness)
    return rule, [replace(trail, group=groups[trail.problem]) for trail in trails]


@dataclass(frozen=True)
class Calibration:
    """How often all samples would decide otherwise whether to keep a problem, with `sampling.stop: confident`.

    `expected` of the `problems` that have fewer, by their probabilities; of these, `unasked` have none. Of the
    `audited` problems, which have all samples, stopping would have decided `otherwise`, and had `promised` so many.
    """

    problems: int = 0
    expected: float = 0.0
    audited: int = 0
    promised: float = 0.0
    otherwise: int = 0
    unasked: int = 0

    def add(self, other: "Calibration") -> "Calibration":
        mine, theirs = asdict(self), asdict(other)
        return Calibration(**{name: mine[name] + theirs[name] for name in mine})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def calibrate(
    trails: Sequence[Trail], sampling: SamplingConfig, rules: Rules, likeness: Likeness = UNREAD
) -> Calibration:
    """Hold what stopping says of the problems of a shard against those that were sampled in full."""
    planned = sampling.ceiling
    ends = [trail.after(trail.stored, planned) for trail in trails]
    rule, told = learn_trails(trails, ends, sampling, rules, likeness)
    total = Calibration()
    for trail, end in zip(told, ends, strict=True):
        if not is_audited(trail.problem, sampling):
            left = rule.otherwise(end, trail.group) if end.missing else 0.0
            total = total.add(Calibration(problems=1, expected=left, unasked=int(trail.stored == 0)))
        elif not end.missing:
            stopped = trail.after(replay_alone(trail, rule), planned)
            moved = (rule.choose(stopped, trail.group) == KEEP) != (rule.choose(end, trail.group) == KEEP)
            promised = rule.otherwise(stopped, trail.group) if stopped.missing else 0.0
            total = total.add(Calibration(audited=1, promised=promised, otherwise=int(moved)))
    return total


def replay_alone(trail: Trail, rule: Confident) -> int:
    """How many of its stored samples a problem takes under rates that are known."""
    taken = 0
    while more := rule.needed(trail.after(taken, rule.sampling.ceiling), trail.group):
        if taken + more > trail.stored:
            return trail.stored
        taken += more
    return taken
