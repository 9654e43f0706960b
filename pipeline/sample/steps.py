"""Sampling in two steps (`sampling.first_tokens`): what was cut early is continued only where a decision needs it.

A first step that was cut is no outcome. Whatever it would become is one of the outcomes that `early` enumerates for a
sample that is missing, so a problem that is decided without it is decided as all samples would decide it.

Until one sample is right, new ones are asked for before cut ones are continued: a right one tells most, and short ones
are right more often. From then on a decision mostly lacks samples that are not right, which the long ones are, so cut
ones are continued first. New ones first all the way cost up to 13% more tokens than one step where completions are
much of one length, and this way at most 5% (`python -m benchmarks.first_tokens`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.inference.continuing import Begun
from pipeline.inference.engine import Completion, Engine, Request, SamplingParams
from pipeline.inference.prompts import Prompt
from schemas.config import SamplingConfig
from schemas.errors import InputError
from schemas.reasons import Verdict
from schemas.sample import CUT, FIRST_STEP

Row = dict[str, Any]
"""A stored first step, by column."""


@dataclass(frozen=True)
class Steps:
    """How samples are asked for: up to the limit (`whole`), and for a start (`first`) where that is less."""

    whole: SamplingParams
    first: SamplingParams | None = None

    @classmethod
    def of(cls, config: SamplingConfig) -> "Steps":
        """One step where every sample is needed whole."""
        whole, first = SamplingParams.of(config), config.first_tokens
        if first is None or config.stop != "early":
            return cls(whole)
        return cls(whole, replace(whole, max_tokens=first))

    def choose(self, needed: int, missing: int, correct: int, begun: dict[int, Row]) -> tuple[int, list[Row]]:
        """(new samples, first steps to continue) of the next `needed` ones of a problem that lacks `missing`, of which
        some are `begun`; takes those out there. `correct` of its samples are so far.

        So many outcomes are needed whatever they are, so none is continued in vain. In one step, too, what is begun
        goes first: it is paid for in part.
        """
        new_first = self.first is not None and correct == 0
        new = min(needed, max(0, missing - len(begun))) if new_first else max(0, needed - len(begun))
        return new, [begun.pop(index) for index in sorted(begun)[: needed - new]]

    def begin(self, prompt: Prompt, n: int) -> Request:
        """What asks for new samples."""
        return Request(prompt, n, self.first or self.whole, resumable=self.first is not None)

    def go_on(self, prompt: Prompt, row: Mapping[str, Any]) -> Request:
        """What continues a first step."""
        return Request(prompt, 1, self.whole, begun=Begun(row["completion"], row["token_ids"]))

    def is_open(self, completion: Completion) -> bool:
        """Whether a new sample was cut by the first step, and not by the model's context."""
        if self.first is None or completion.finish_reason != CUT:
            return False
        if completion.token_ids is None:
            raise RuntimeError("the engine was asked for the tokens of what is cut, and gave none")
        return len(completion.token_ids) >= self.first.max_tokens


def read_completion(completion: Completion, begun: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns of a sample's row that are its completion's, which may be that of a first step continued."""
    return {
        "completion": completion.text,
        "tokens": completion.tokens,
        "finish_reason": completion.finish_reason,
        "seconds": completion.seconds + (0.0 if begun is None else begun["seconds"]),
        "token_ids": None,
    }


def open_outcome(completion: Completion, verifier: str) -> dict[str, Any]:
    """The columns in which the row of a first step differs from that of a sample that is not judged yet."""
    return {
        "finish_reason": FIRST_STEP,
        "answer": None,
        "answer_key": None,
        "verdict": Verdict.UNKNOWN.value,
        "verdict_detail": f"first step: cut after {completion.tokens} tokens, and not needed further",
        "verifier": verifier,
        "says_missing": None,
        "token_ids": completion.token_ids,
    }


def end_begun(row: Mapping[str, Any]) -> Completion:
    """A first step as the whole of a completion that can get no longer."""
    return Completion(row["completion"], row["tokens"], CUT, 0.0)


def refuse_steps(sampling: SamplingConfig, engine: Engine) -> None:
    """Raise InputError where an engine that cannot continue is to be asked in two steps."""
    if Steps.of(sampling).first is not None and not engine.continues:
        raise InputError(
            f"sampling.first_tokens: the server of {engine.model} cannot continue a completion that was cut; "
            "serve the model by vLLM, or leave first_tokens out"
        )
