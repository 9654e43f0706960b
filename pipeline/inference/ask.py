"""One completion a prompt, for the stages that ask a model for a judgement, a program or a translation."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from pipeline.inference.engine import Completion, Engine, EngineFailure, Request, SamplingParams
from pipeline.inference.prompts import Prompt
from pipeline.progress import track


def ask(engine: Engine, prompts: Sequence[str], params: SamplingParams) -> list[str | None]:
    """The text of one completion for each user message of `prompts`; null where its request failed.

    At most `engine.capacity` of them are in flight. Raises EngineDied.
    """
    waiting: deque[Future[tuple[Completion, ...]]] = deque()
    texts: list[str | None] = []
    with track("ask the model", len(prompts), "requests", part=True) as work:

        def take_first() -> None:
            texts.append(_text(waiting.popleft()))
            work.advance()

        for prompt in prompts:
            if len(waiting) >= engine.capacity:
                take_first()
            waiting.append(engine.submit(Request(Prompt((("user", prompt),), None, ""), 1, params)))
        while waiting:
            take_first()
    return texts


@dataclass
class Asker:
    """`ask` with the engine and parameters filled in, as a stage takes it; counts the requests that failed."""

    engine: Engine
    params: SamplingParams
    failed: int = 0

    @property
    def model(self) -> str:
        """The name of what is asked."""
        return self.engine.model

    def __call__(self, prompts: Sequence[str]) -> list[str | None]:
        texts = ask(self.engine, prompts, self.params)
        self.failed += texts.count(None)
        return texts


def _text(future: "Future[tuple[Completion, ...]]") -> str | None:
    try:
        return future.result()[0].text
    except EngineFailure:
        return None
