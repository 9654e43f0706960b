"""What an engine and its vLLM worker process say to each other: frozen data, pickled through a pipe.

The first message is `WorkerSettings`; the worker answers with `Ready` or `Fatal`. Every later message to it but
`Close` has a number, under which it answers. `busy` is always the seconds that the worker has spent generating so far.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.inference.engine import Completion, Request


@dataclass(frozen=True)
class WorkerSettings:
    """`engine` are vLLM's EngineArgs by name.

    With `trains`, completions come with their tokens and log-probabilities, and prefix-cache blocks of other weights
    are kept apart, so that weights can be loaded while it generates. The first ones are version 0.
    """

    engine: Mapping[str, Any]
    trains: bool = False


@dataclass(frozen=True)
class Generate:
    """Answered by `Finished` or `Refused`."""

    number: int
    request: Request


@dataclass(frozen=True)
class Cancel:
    """Forget the request of that number; there is no answer."""

    number: int


@dataclass(frozen=True)
class DropOlder:
    """Forget every request of which a token is of weights before `version`. Answered by `Dropped`; the requests have no
    other answer. Only of a worker that `trains`."""

    number: int
    version: int


@dataclass(frozen=True)
class LoadWeights:
    """Take all weights from `path` (trainer/weights.py) between two steps; what is in flight goes on under them.
    Answered by `Done`.
    """

    number: int
    path: str
    version: int


@dataclass(frozen=True)
class Pause:
    """Generate nothing until `Resume`; requests are taken and wait. Answered by `Done`."""

    number: int


@dataclass(frozen=True)
class Resume:
    """Answered by `Done`."""

    number: int


@dataclass(frozen=True)
class Sleep:
    """Let go of the GPU's memory, weights and cache alike, and generate nothing; requests are kept. Answered by
    `Done`."""

    number: int


@dataclass(frozen=True)
class Wake:
    """Take the memory of `part` again. Weights come back without values: load some before the cache, whose waking lets
    it go on; what was in flight is computed again up to where it was. Answered by `Done`.
    """

    number: int
    part: Literal["weights", "kv_cache"]


@dataclass(frozen=True)
class Close:
    """Let go of the device and exit."""


ToWorker = Generate | Cancel | DropOlder | LoadWeights | Pause | Resume | Sleep | Wake | Close


@dataclass(frozen=True)
class Ready:
    """The engine is loaded."""


@dataclass(frozen=True)
class Fatal:
    """No engine can be made of these settings, so starting again is of no use."""

    reason: str


@dataclass(frozen=True)
class TokenTrace:
    """The tokens of one completion, the model's own log-probability of each at temperature 1, and the first and the
    last version of the weights that took part.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    versions: tuple[int, int]


@dataclass(frozen=True)
class Answer:
    """The completions of one request. `prompt` (its tokens) and `traces` are there where the worker `trains`."""

    number: int
    completions: tuple[Completion, ...]
    prompt: tuple[int, ...] = ()
    traces: tuple[TokenTrace, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The requests that one step of the engine finished."""

    busy: float
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Refused:
    """This request alone cannot be answered, such as one whose prompt is `too_long`."""

    number: int
    reason: str
    too_long: bool = False


@dataclass(frozen=True)
class Done:
    """What was asked for under `number` is done."""

    busy: float
    number: int


@dataclass(frozen=True)
class Dropped:
    """What was asked for under `number` is done: the requests of `dropped` are forgotten."""

    number: int
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Heartbeat:
    """A sign of life while it generates."""

    busy: float


FromWorker = Ready | Fatal | Finished | Refused | Done | Dropped | Heartbeat
