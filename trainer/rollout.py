"""What a rollout engine hands over: completions with the sampler's own log-probabilities. Frozen data."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.inference.engine import EngineFailure
from pipeline.inference.prompts import Prompt


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled completion.

    `tokens` are those after the prompt, the end token included; `logprobs` the sampler's own log-probability of each at
    temperature 1, which are the old ones of the objective. `versions` are the first and the last version of the
    weights that took part: generation goes on while new weights come in.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    text: str
    finish_reason: str
    versions: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sampled:
    """`rollouts` of one prompt; `prompt` is its tokens."""

    prompt: tuple[int, ...]
    rollouts: tuple[Rollout, ...]


class TooOld(EngineFailure):
    """A request was dropped before its end: some of its tokens are of weights that are too old to learn from."""


class Sampler(Protocol):
    """What rolls out: the engine, or a stand-in of a test."""

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled: ...

    async def drop_older(self, version: int) -> None:
        """End every request of which a token is of weights before `version`: its `sample` raises TooOld."""
        ...
