"""The problems as a task set of verifiers (0.4.0), which prime-rl trains on and `vf-eval` evaluates with."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import verifiers.v1 as vf

from pipeline.reward.client import UnknownVerdict, judge


class ProblemData(vf.TaskData):  # type: ignore[misc]
    """One problem, and its label as text."""

    ground_truth: str
    domain: str
    language: str
    source: str
    statement: str
    pass_rate: float | None = None
    answer_origin: str | None = None
    label_posterior: float | None = None
    kill_rate: float | None = None


class ProblemTask(vf.Task[ProblemData]):  # type: ignore[misc]
    """A problem whose reward is the verifier's. A rollout without a verdict is an error of the rollout, never a
    zero."""

    @vf.reward(weight=1.0)  # type: ignore[untyped-decorator]
    async def goldilocks(self, trace: vf.Trace) -> float:
        """The reward of the last message. Thoughts that the server has cut off it stand before it again."""
        last = trace.assistant_messages[-1] if trace.assistant_messages else None
        thoughts = getattr(last, "reasoning_content", None)
        completion = f"<think>{thoughts}</think>{trace.last_reply}" if thoughts else trace.last_reply
        item = {"ground_truth": self.data.ground_truth, "completion": completion, "statement": self.data.statement}
        [result] = await asyncio.to_thread(judge, [item])
        if result["reward"] is None:
            raise UnknownVerdict(f"no verdict on a completion: {result['detail']}")
        return float(result["reward"])


class ProblemsConfig(vf.TasksetConfig):  # type: ignore[misc]
    """Which part of the problems."""

    split: Literal["train", "test"] = "train"


class Problems(vf.Taskset[ProblemTask, ProblemsConfig]):  # type: ignore[misc]
    """The problems of this folder."""

    def load(self) -> Iterator[Any]:
        """Each problem of the split, read as it is asked for."""
        with (Path(__file__).parent / f"{self.config.split}.jsonl").open(encoding="utf-8") as file:
            for line in file:
                yield ProblemTask(ProblemData(**json.loads(line)), self.config.task)


__all__ = ["Problems"]
