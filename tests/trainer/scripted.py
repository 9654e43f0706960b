"""A sampler whose completions are written down: for tests of what stands around the engine."""

import asyncio
import random
from collections.abc import Callable

from pipeline.inference.engine import EngineFailure
from pipeline.inference.prompts import Prompt
from trainer.rollout import Rollout, Sampled, TooOld


class ScriptedSampler:
    """Answers `prompt` with what `answer(prompt text, number of the sample)` says, after a pause of its own.

    Those of `endless` never end but by `drop_older`.
    """

    def __init__(self, answer: Callable[[str, int], str], pause: float = 0.0, version: Callable[[], int] = int) -> None:
        self.answer, self.pause, self.version = answer, pause, version
        self.in_flight = self.most = 0
        self.asked: list[str] = []
        self.began: list[int] = []
        """The versions under which what was `asked` began."""
        self.refused: frozenset[str] = frozenset()
        self.endless: frozenset[str] = frozenset()
        self._endings: dict[asyncio.Future[None], int] = {}

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled:
        text = prompt.text or ""
        self.asked.append(text)
        began = self.version()
        self.began.append(began)
        self.in_flight += n
        self.most = max(self.most, self.in_flight)
        try:
            await (self._wait_for_end(began) if text in self.endless else asyncio.sleep(self.pause * random.random()))
        finally:
            self.in_flight -= n
        if text in self.refused:
            raise EngineFailure("the prompt is too long")
        said = [self.answer(text, number) for number in range(n)]
        return Sampled(
            prompt=(1, 2, 3),
            rollouts=tuple(
                Rollout((4,) * max(1, len(text)), (-0.5,) * max(1, len(text)), text, "stop", (began, self.version()))
                for text in said
            ),
        )

    async def drop_older(self, version: int) -> None:
        for ending, began in self._endings.items():
            if began < version and not ending.done():
                ending.set_exception(TooOld("too old"))

    async def _wait_for_end(self, began: int) -> None:
        ending = asyncio.get_running_loop().create_future()
        self._endings[ending] = began
        await ending
