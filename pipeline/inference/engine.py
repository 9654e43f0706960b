"""One small interface to whatever generates."""

from array import array
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from pipeline.inference.continuing import Begun
from pipeline.inference.prompts import Prompt
from schemas.config import SamplingConfig

FOLDER_REVISION = "folder-"
"""How the revision of a model in a folder begins: the rest is a hash of its files, the same wherever they lie."""


class EngineFailure(RuntimeError):
    """One request got no answer. Its samples stay missing: that is unknown, never wrong."""


class PromptRefused(EngineFailure):
    """The model takes every other prompt, but not this one, and would not take it another time.

    `too_long`: whether that is because it does not fit the model, and not for what it says.
    """

    def __init__(self, message: str, too_long: bool) -> None:
        super().__init__(message)
        self.too_long = too_long


class EngineDied(RuntimeError):
    """No request will get an answer any more. The message says why, with the end of the engine's log, and what to
    do.
    """


@dataclass(frozen=True)
class SamplingParams:
    """How one completion is drawn: at most `max_tokens` tokens, cut before the first of the strings in `stop`.

    `fixed_length` makes every completion `max_tokens` long, so that a benchmark compares equal work.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()
    fixed_length: bool = False

    @classmethod
    def of(cls, config: SamplingConfig) -> "SamplingParams":
        """What the config asks for; how many completions a problem gets (`n`, `stop`) is the caller's."""
        return cls(
            max_tokens=config.max_tokens,
            temperature=config.temperature,
            top_p=config.top_p,
            top_k=config.top_k,
            min_p=config.min_p,
            stop=config.stop_strings,
        )


@dataclass(frozen=True)
class Request:
    """`n` completions of one prompt.

    With `resumable`, those that are cut at `max_tokens` come with their tokens. With `begun`, a completion that was cut
    so is continued up to `max_tokens` in all (n is 1), and comes whole. Both ask for an engine that `continues`.
    """

    prompt: Prompt
    n: int
    params: SamplingParams
    resumable: bool = False
    begun: Begun | None = None

    @property
    def tokens_left(self) -> int:
        """How many tokens it may generate for each completion."""
        return self.params.max_tokens - (len(self.begun.tokens) if self.begun is not None else 0)


@dataclass(frozen=True)
class Completion:
    """One completion. `tokens` is None where a server does not say; `seconds` run from the engine's taking the
    request. `token_ids` are there where it was cut and its request was `resumable`.
    """

    text: str
    tokens: int | None
    finish_reason: str
    seconds: float
    token_ids: "array[int] | None" = None


Completions = Future[tuple[Completion, ...]]
"""The answer to a request."""


@dataclass(frozen=True)
class EngineStats:
    """Since the engine was opened: `tokens` generated, `requests` answered, `busy` seconds with work in hand,
    `restarts`.
    """

    tokens: int = 0
    requests: int = 0
    busy: float = 0.0
    restarts: int = 0


class Engine(Protocol):
    """Takes requests from any thread and answers each through its future, in the order in which they finish.

    A future fails with EngineFailure (this request alone; PromptRefused where that is for good) or EngineDied (all of
    them). `model` and `revision` are what samples are stored under. `capacity` is how many samples are worth having in
    flight. `continues`: whether it goes on from the tokens of a completion that was cut.
    """

    model: str
    revision: str
    capacity: int
    continues: bool

    def submit(self, request: Request) -> Completions: ...

    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        ...

    @property
    def is_dead(self) -> bool:
        """Whether every request fails with EngineDied from now on."""
        ...

    @property
    def stats(self) -> EngineStats: ...

    def close(self) -> None:
        """End it; what is unanswered fails with EngineDied. Nothing of it stays behind."""
        ...
