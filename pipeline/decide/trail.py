"""The stored samples of problems in their order: what stopping takes of them, and how often it decides otherwise."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import polars as pl

from pipeline.decide.confident import (
    Confident,
    Group,
    Observed,
    count_first,
    find_groups,
    has_earlier,
    is_audited,
    learn_rates,
)
from pipeline.decide.rule import Counts, Doubt, Rules
from pipeline.decide.suspects import doubt_problem
from schemas.config import SamplingConfig
from schemas.reasons import KEEP, Verdict
from schemas.suspects import find_suspects


@dataclass(frozen=True)
class Trail:
    """A problem's samples in their order, counted: after each number of them (0 to all) how many are correct, how many
    unknown, and how many in the largest class of wrong answers.
    """

    problem: str
    correct: Sequence[int]
    unknown: Sequence[int]
    votes: Sequence[int]
    group: Group = ()
    doubt: Doubt = "none"

    @property
    def stored(self) -> int:
        return len(self.correct) - 1

    def after(self, taken: int, planned: int) -> Counts:
        return Counts(self.correct[taken], self.votes[taken], self.unknown[taken], taken, planned, self.doubt)


def follow_samples(samples: pl.DataFrame, problems: pl.DataFrame) -> list[Trail]:
    """The trail of every problem that has samples, or an earlier grader that it may be decided by.

    `samples` has `problem_id`, `index`, `verdict`, `answer_key`; `problems` has `id`, and what `find_groups` and
    `find_suspects` read.
    """
    groups = find_groups(problems)
    suspects = dict(find_suspects(problems).select("problem_id", "unreadable").iter_rows())
    ours = samples.filter(pl.col("problem_id").is_in(problems["id"].implode())).sort("problem_id", "index")
    trails: list[Trail] = []
    for (id_,), rows in ours.group_by("problem_id", maintain_order=True):
        correct, unknown, votes, classes = [0], [0], [0], Counter[str]()
        for verdict, key in rows.select("verdict", "answer_key").iter_rows():
            correct.append(correct[-1] + (verdict == Verdict.CORRECT))
            unknown.append(unknown[-1] + (verdict == Verdict.UNKNOWN))
            if verdict == Verdict.WRONG and key is not None:
                classes[key] += 1
            votes.append(max(classes.values(), default=0))
        trails.append(Trail(str(id_), correct, unknown, votes, groups[str(id_)], doubt_problem(suspects.get(str(id_)))))
    followed = {trail.problem for trail in trails}
    return trails + [
        Trail(id_, [0], [0], [0], group, doubt_problem(suspects.get(id_)))
        for id_, group in groups.items()
        if has_earlier(group) and id_ not in followed
    ]


def replay_confident(trails: Sequence[Trail], sampling: SamplingConfig, rules: Rules) -> tuple[list[int], Confident]:
    """How many of their samples problems take under `sampling.stop: confident`, and the rule that this comes to.

    Where what is stored does not suffice, what is needed at the very least is added to it. All get what they begin with
    (`count_first`), the rates are learned from that, the others go on until they have enough; and again, until rates
    that are learned from all that was taken ask for no more.
    """
    planned = sampling.ceiling
    taken = [count_first(trail.problem, trail.group, sampling) for trail in trails]
    open_ = [at for at, most in enumerate(taken) if most < planned]
    while True:
        counted = (Observed(t.group, t.after(min(n, t.stored), planned)) for t, n in zip(trails, taken, strict=True))
        rule = Confident(rules, sampling, learn_rates(counted))
        moved, needs = False, cache(rule.needed)
        for at in open_:
            trail = trails[at]
            while taken[at] <= trail.stored:
                more = needs(trail.after(taken[at], planned), trail.group)
                if not more:
                    break
                taken[at] += more
                moved = True
        if not moved:
            return taken, rule


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


def calibrate(trails: Sequence[Trail], sampling: SamplingConfig, rules: Rules) -> Calibration:
    """Hold what stopping says of the problems of a shard against those that were sampled in full."""
    planned = sampling.ceiling
    ends = [trail.after(trail.stored, planned) for trail in trails]
    rule = Confident(
        rules, sampling, learn_rates(Observed(trail.group, end) for trail, end in zip(trails, ends, strict=True))
    )
    total = Calibration()
    for trail, end in zip(trails, ends, strict=True):
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
