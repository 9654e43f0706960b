"""Which problem is next: drawn as often as its group is likely to teach, and after a resume first what was under way.

Every epoch has an order of its own. A group teaches where some of its rollouts are right and others wrong. How likely
that is follows from the problem's present pass rate: what its samples said when it was graded, updated by every group
that is rolled out. A problem rests for as many epochs as it would take to get one such group: one that is solved half
of the time for none, one that is always or never solved for five or so. Then it returns, for the policy has changed:
what it could not solve may be the best there is now.

A problem whose group was too old to train on is the next one again; after `TRIES` in a row it rests, as its completions
take longer than the weights stay young, and then it is tried again: those of a later policy may be shorter.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import InputError
from trainer.problems import Task

PRIOR = 0.5
"""Right and wrong rollouts that are assumed before any is known (Jeffreys' prior): most problems are easy or hard."""
MEMORY = 0.5
"""What earlier rollouts count beside those of a new group: the policy that they are of is no longer there."""
LONGEST_REST = 8
"""Epochs. Evidence of hundreds of samples is sure of a rate that the policy may have left long ago."""
TRIES = 2
"""Groups of a problem in a row that were too old, after which it rests for `LONGEST_REST` epochs: once may be chance,
such as an engine that was started again."""


@dataclass(frozen=True)
class Rate:
    """How many of a problem's rollouts were right and wrong, older ones counting less."""

    right: float = 0.0
    wrong: float = 0.0

    def update(self, correct: Sequence[bool]) -> "Rate":
        """With the rollouts of a new group."""
        right = sum(correct)
        return Rate(MEMORY * self.right + right, MEMORY * self.wrong + len(correct) - right)

    def find_chance(self, size: int) -> float:
        """The probability that a group of `size` rollouts has both right and wrong ones.

        The expectation of 1 - p^size - (1 - p)^size over the posterior of the pass rate p, a Beta distribution.
        """
        right, wrong = self.right + PRIOR, self.wrong + PRIOR
        all_right = math.prod((right + i) / (right + wrong + i) for i in range(size))
        all_wrong = math.prod((wrong + i) / (right + wrong + i) for i in range(size))
        return 1 - all_right - all_wrong


class Feed:
    """Hands out tasks without end. What is taken stays pending until it is `done`, so that a kill skips nothing.

    `state()` is what a checkpoint keeps; the same tasks, seed, `group` and state give the same order again. `group` is
    the number of rollouts of a task; 0 draws all tasks equally often, whatever their pass rates.
    """

    def __init__(self, tasks: Sequence[Task], seed: str, group: int = 0) -> None:
        if not tasks:
            raise ValueError("a feed needs a task")
        self._tasks = {task.id: task for task in tasks}
        self._seed, self._group = seed, group
        self._position = 0
        self._first: deque[str] = deque()
        self._pending: Counter[str] = Counter()
        self._dropped: set[str] = set()
        self._order: list[str] = []
        self._taken: dict[str, int] = {}
        """Task -> the epoch in which it was last taken: a rest begins there, however late its outcome is known."""
        self._rates: dict[str, Rate] = {}
        self._due: dict[str, int] = {}
        """Task -> the epoch in which its rest is over; only of those that have been rolled out."""
        self._late: dict[str, tuple[int, int]] = {}
        """Task -> its groups in a row that were too old, and the epoch in which the rest for that is over."""

    @classmethod
    def resume(cls, tasks: Sequence[Task], seed: str, state: Mapping[str, Any], group: int = 0) -> "Feed":
        """The feed that `state` was taken from; empty for a new one. Old checkpoints call what is pending `owed`, and
        know no rates.
        """
        feed = cls(tasks, seed, group)
        feed._position = state.get("position", 0)
        feed._first.extend(id for id in state.get("pending", state.get("owed", ())) if id in feed._tasks)
        for id, (right, wrong, due) in state.get("rates", {}).items():
            if id in feed._tasks:
                feed._rates[id], feed._due[id] = Rate(right, wrong), due
        feed._late = {id: (tries, due) for id, (tries, due) in state.get("late", {}).items() if id in feed._tasks}
        return feed

    def take(self) -> Task:
        """The next task."""
        while True:
            id = self._first.popleft() if self._first else self._next()
            if id not in self._dropped:
                self._pending[id] += 1
                self._taken[id] = max(0, self._position - 1) // len(self._tasks)
                return self._tasks[id]

    def note(self, id: str, correct: Sequence[bool]) -> None:
        """Say which rollouts of a task's group are right: how long it rests follows from it."""
        rate = self._rates[id] = self.find_rate(id).update(correct)
        self._due[id] = self._taken[id] + self._find_rest(rate)

    def find_rate(self, id: str) -> Rate:
        """What is known of a task's pass rate: by its samples, and by the rollouts since."""
        task = self._tasks[id]
        return self._rates.get(id) or Rate(task.right, task.wrong)

    def done(self, id: str) -> None:
        """A task's group was trained on, or had no signal."""
        self._pending[id] -= 1
        self._late.pop(id, None)

    def put_back(self, id: str) -> bool:
        """A task's group was too old to train on: returns whether the task is the next one. After `TRIES` in a row it
        rests.
        """
        self._pending[id] -= 1
        tries = self._late.get(id, (0, 0))[0] + 1
        if tries < TRIES:
            self._late[id] = (tries, 0)
            self._first.append(id)
            return True
        self._late[id] = (0, self._taken[id] + LONGEST_REST)
        return False

    def drop(self, id: str, why: str) -> None:
        """A task that cannot be sampled does not come again, `why` as the engine says it (its prompt is too long, say).
        Raises InputError where none is left."""
        self.done(id)
        self._dropped.add(id)
        if len(self._dropped) == len(self._tasks):
            raise InputError(
                f"the engine takes the prompt of none of the {len(self._tasks)} problems, of {id} because: {why}. "
                "Where they are too long, train on shorter ones"
            )

    def state(self) -> dict[str, Any]:
        """Position; what is pending: in flight, verified and waiting, or still waiting since the last resume; and of
        each task that was rolled out its right and wrong rollouts, and when its rest is over; and of each that was too
        old how often, and until when it rests for that.
        """
        return {
            "position": self._position,
            "pending": [*self._pending.elements(), *self._first],
            "rates": {id: [rate.right, rate.wrong, self._due[id]] for id, rate in self._rates.items()},
            "late": {id: list(late) for id, late in self._late.items()},
        }

    def _next(self) -> str:
        """The next task of which the rest is over. There is one within `LONGEST_REST` epochs."""
        while True:
            epoch, at = divmod(self._position, len(self._tasks))
            if at == 0 or not self._order:
                self._order = sorted(self._tasks)
                random.Random(f"{self._seed} {epoch}").shuffle(self._order)
            self._position += 1
            if self._find_due(self._order[at]) <= epoch:
                return self._order[at]

    def _find_due(self, id: str) -> int:
        return max(self._find_usual_due(id), self._late.get(id, (0, 0))[1])

    def _find_usual_due(self, id: str) -> int:
        if not self._group:
            return 0
        if id not in self._due:
            # Those that begin with a rest do not all end it in the same epoch.
            share = random.Random(f"{self._seed} {id}").random()
            return int(share * self._find_rest(self.find_rate(id)))
        return self._due[id]

    def _find_rest(self, rate: Rate) -> int:
        """Epochs in which one draw is enough; at least 1."""
        return round(min(LONGEST_REST, 1 / rate.find_chance(self._group))) if self._group else 1
