"""What the samples of one problem say while it is sampled, and what is under way for it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.decide.confident import Group
from pipeline.decide.rule import Counts
from pipeline.decide.suspects import Doubt
from pipeline.inference.engine import PromptRefused
from pipeline.inference.prompts import Prompt
from pipeline.verify.problem import Label
from schemas.reasons import Verdict


@dataclass(eq=False)
class Tally:
    """One problem on its way: what its samples say so far, and what is under way for it."""

    problem: str
    label: Label
    prompt: Prompt
    verifier: str
    doubt: Doubt
    group: Group
    audited: bool
    taken: set[int] = field(default_factory=set)
    correct: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    answers: int = 0
    lacking: int = 0
    stored: deque[dict[str, Any]] = field(default_factory=deque)
    """Samples of an earlier run that are not counted yet, in the order of their indices."""
    begun: dict[int, dict[str, Any]] = field(default_factory=dict)
    """First steps that were cut, by index: not taken yet, as their outcome is open."""
    unjudged: deque[dict[str, Any]] = field(default_factory=deque)
    asked: int = 0
    judging: bool = False
    failed: bool = False
    refusal: PromptRefused | None = None
    shown: tuple[bool, int] | None = None
    """What the display was given of it as done: whether it is kept, and how many samples it did not need."""

    @property
    def idle(self) -> bool:
        return not (self.asked or self.judging or self.unjudged)

    @property
    def has_begun(self) -> bool:
        return bool(self.taken or self.begun)

    def counts(self, planned: int) -> Counts:
        """What its samples say so far, of `planned`."""
        votes, taken = max(self.wrong.values(), default=0), len(self.taken)
        return Counts(self.correct, votes, self.unknown, taken, planned, self.doubt, self.answers, self.lacking)

    def count(self, row: Mapping[str, Any]) -> None:
        self.lacking += bool(row["says_missing"])
        self.answers += row["verdict"] != Verdict.UNKNOWN and row["answer_key"] is not None
        if row["verdict"] == Verdict.CORRECT:
            self.correct += 1
        elif row["verdict"] == Verdict.UNKNOWN:
            self.unknown += 1
        elif row["answer_key"] is not None:
            self.wrong[row["answer_key"]] = self.wrong.get(row["answer_key"], 0) + 1

    def reserve(self, n: int) -> list[int]:
        """The n smallest indices that no sample has."""
        free: list[int] = []
        at = 0
        while len(free) < n:
            if at not in self.taken and at not in self.begun:
                free.append(at)
            at += 1
        self.taken.update(free)
        return free
