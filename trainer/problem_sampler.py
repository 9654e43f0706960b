"""Which problem is next: every epoch in an order of its own, and after a resume first what was under way."""

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.errors import InputError
from trainer.problems import Task


class Feed:
    """Hands out tasks without end. What is taken stays pending until it is `done`, so that a kill skips nothing.

    `state()` is what a checkpoint keeps; the same tasks, seed and state give the same order again.
    """

    def __init__(self, tasks: Sequence[Task], seed: str, position: int = 0, pending: Iterable[str] = ()) -> None:
        if not tasks:
            raise ValueError("a feed needs a task")
        self._tasks = {task.id: task for task in tasks}
        self._seed, self._position = seed, position
        self._first = deque(id for id in pending if id in self._tasks)
        self._pending: Counter[str] = Counter()
        self._dropped: set[str] = set()
        self._order: list[str] = []

    @classmethod
    def resume(cls, tasks: Sequence[Task], seed: str, state: Mapping[str, Any]) -> "Feed":
        """The feed that `state` was taken from; empty for a new one. Old checkpoints call what is pending `owed`."""
        return cls(tasks, seed, state.get("position", 0), state.get("pending", state.get("owed", ())))

    def take(self) -> Task:
        """The next task."""
        while True:
            id = self._first.popleft() if self._first else self._next()
            if id not in self._dropped:
                self._pending[id] += 1
                return self._tasks[id]

    def done(self, id: str) -> None:
        """A task's group was trained on, or had no signal."""
        self._pending[id] -= 1

    def put_back(self, id: str) -> None:
        """A task's group was too old to train on: it is the next one."""
        self.done(id)
        self._first.append(id)

    def drop(self, id: str) -> None:
        """A task that cannot be sampled (its prompt is too long) does not come again. Raises InputError where none is
        left."""
        self.done(id)
        self._dropped.add(id)
        if len(self._dropped) == len(self._tasks):
            raise InputError(
                f"the engine takes the prompt of none of the {len(self._tasks)} problems; raise model.max_model_len, "
                "or train on shorter ones"
            )

    def state(self) -> dict[str, Any]:
        """Position, and what is pending: in flight, verified and waiting, or still waiting since the last resume."""
        return {"position": self._position, "pending": [*self._pending.elements(), *self._first]}

    def _next(self) -> str:
        epoch, at = divmod(self._position, len(self._tasks))
        if at == 0 or not self._order:
            self._order = sorted(self._tasks)
            random.Random(f"{self._seed} {epoch}").shuffle(self._order)
        self._position += 1
        return self._order[at]
