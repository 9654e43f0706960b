"""Generators that never wait (paper, section 3): problems go out, verified groups come back through a bounded queue.

Each worker samples one group, has it verified, and puts it into the queue where its rewards differ; where they do not,
another problem is asked for in its place, so that a batch always has its size. In flight and waiting together are never
more than `train.max_async_batches` batches, which bounds how far off-policy a batch is on the whole; a group that began
more than `train.max_off_policy_steps` steps ago is dropped, and ended before its end where it still generates.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from pipeline.inference.engine import EngineFailure
from pipeline.verify.problem import ProblemVerifier
from schemas.config import TrainConfig, TrainStage
from trainer.group import Group
from trainer.problem_sampler import Feed
from trainer.reward import Judged, judge_group
from trainer.rollout import Sampled, Sampler, TooOld

STARVED = 50
"""Batches of groups in a row without any signal, after which a stage is given up: nothing in it teaches any more."""


class StarvedError(Exception):
    """No batch can be filled: nearly all groups have equal rewards."""


@dataclass
class Harvest:
    """What was sampled since the last batch, whether or not it was trained on."""

    groups: int = 0
    with_signal: int = 0
    unknown: int = 0
    over_limit: int = 0
    failed: int = 0
    stale: int = 0
    """Groups that were too old when they were complete."""
    cancelled: int = 0
    """Groups that were ended while they generated, because they could only come too late."""
    too_slow: int = 0
    """Problems that rest because their groups were too old again and again."""
    rewards: list[float] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    cut: int = 0

    def summarise(self) -> dict[str, float]:
        """Means over rollouts, and the share of groups with signal; none where nothing was sampled."""
        counts: dict[str, float] = {
            "groups": self.groups,
            "unknown": self.unknown,
            "over_limit": self.over_limit,
            "failed": self.failed,
            "stale": self.stale,
            "cancelled": self.cancelled,
            "too_slow": self.too_slow,
            "sampled_tokens": sum(self.lengths),
        }
        if not self.rewards:
            return counts
        return counts | {
            "signal": self.with_signal / self.groups,
            "reward": fmean(self.rewards),
            "pass_rate": fmean(self.correct),
            "length": fmean(self.lengths),
            "cut": self.cut / len(self.lengths),
        }


class Generators:
    """Workers around one engine."""

    def __init__(
        self,
        engine: Sampler,
        feed: Feed,
        verifier: ProblemVerifier,
        train: TrainConfig,
        stage: TrainStage,
        max_tokens: int,
    ) -> None:
        self.engine, self.feed, self.verifier = engine, feed, verifier
        self.train, self.stage, self.max_tokens = train, stage, max_tokens
        self.harvest = Harvest()
        self._fruitless = 0
        self.solved: dict[str, bool] = {}
        """Problem -> whether its last group was solved throughout."""
        bound = max(1, math.floor(train.max_async_batches * stage.prompts_per_batch))
        self._outstanding = asyncio.Semaphore(bound)
        self._ready: asyncio.Queue[Group] = asyncio.Queue()
        self._workers = [] if train.synchronous else [asyncio.create_task(self._work()) for _ in range(bound)]

    async def collect(self, version: int) -> tuple[list[Group], float]:
        """A batch of groups with signal, and the seconds waited for it; `version` is of the weights to be trained.

        A group's age is that of its oldest token: of the rollout that began first, under whatever weights it went on.
        A group of more than `max_off_policy_steps` versions is dropped. With the batch complete the next version is
        sure to come, so groups that will be too old then are ended at once. Raises StarvedError, EngineDied.
        """
        began = time.monotonic()
        batch: list[Group] = []
        while len(batch) < self.stage.prompts_per_batch:
            missing = self.stage.prompts_per_batch - len(batch)
            for group in await self._wave(missing) if self.train.synchronous else [await self._next()]:
                if version - min(rollout.versions[0] for rollout in group.rollouts) > self.train.max_off_policy_steps:
                    self.harvest.stale += 1
                    self._put_back(group.problem_id)
                else:
                    batch.append(group)
        if not self.train.synchronous:
            await self.engine.drop_older(version + 1 - self.train.max_off_policy_steps)
        return batch, time.monotonic() - began

    async def _wave(self, size: int) -> list[Group]:
        """As many groups as are missing, all by the weights of now; those without signal are left out."""
        wave = await asyncio.gather(*(self._generate() for _ in range(size)))
        return [group for group in wave if group is not None]

    async def _next(self) -> Group:
        """The next group that a worker has ready, or the error of one that failed."""
        ready = asyncio.create_task(self._ready.get())
        done, _ = await asyncio.wait({ready, *self._workers}, return_when=asyncio.FIRST_COMPLETED)
        if ready not in done:
            ready.cancel()
            for worker in done:
                worker.result()
        self._outstanding.release()
        return await ready

    def take_harvest(self) -> Harvest:
        """What was sampled since the last call."""
        harvest, self.harvest = self.harvest, Harvest()
        return harvest

    async def stop(self) -> None:
        """End the workers; what they had in hand stays pending in the feed."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._outstanding.acquire()
            group = await self._generate()
            if group is None:
                self._outstanding.release()
            else:
                self._ready.put_nowait(group)

    async def _generate(self) -> Group | None:
        task = self.feed.take()
        try:
            sampled = await self.engine.sample(task.prompt, self.train.num_generations, self.max_tokens)
        except TooOld:
            self.harvest.cancelled += 1
            self._put_back(task.id)
            return None
        except EngineFailure as failure:
            self.harvest.failed += 1
            self.feed.drop(task.id, str(failure))
            return None
        judged = await judge_group(task, sampled, self.verifier, self.stage, self.max_tokens)
        group = judged.group
        self._note(sampled, judged)
        if group is None or not group.has_signal:
            self.feed.done(task.id)
            self._fruitless += 1
            if self._fruitless > STARVED * self.stage.prompts_per_batch:
                raise StarvedError
            return None
        self._fruitless = 0
        return group

    def _put_back(self, id: str) -> None:
        self.harvest.too_slow += not self.feed.put_back(id)

    def _note(self, sampled: Sampled, judged: Judged) -> None:
        harvest, group = self.harvest, judged.group
        harvest.groups += 1
        harvest.unknown += judged.unknown
        harvest.over_limit += judged.over_limit
        harvest.lengths += [len(rollout.tokens) for rollout in sampled.rollouts]
        harvest.cut += sum(rollout.finish_reason == "length" for rollout in sampled.rollouts)
        if group is not None:
            harvest.with_signal += group.has_signal
            harvest.rewards += group.rewards
            harvest.correct += group.correct
            self.solved[group.problem_id] = all(group.correct)
            self.feed.note(group.problem_id, group.correct)


def count_tokens(batch: Sequence[Group]) -> int:
    """Of all completions of a batch."""
    return sum(len(rollout.tokens) for group in batch for rollout in group.rollouts)


def measure_lag(batch: Sequence[Group], version: int) -> dict[str, float]:
    """How many versions behind `version` the batch's rollouts began, and how many of them span several."""
    rollouts = [rollout for group in batch for rollout in group.rollouts]
    lags = [version - rollout.versions[0] for rollout in rollouts]
    return {
        "lag": fmean(lags),
        "max_lag": max(lags),
        "mixed": fmean(rollout.versions[0] != rollout.versions[1] for rollout in rollouts),
    }
