"""From a judgement to a reward, as the Magistral paper has it (arXiv 2506.10910, section 2.2). Pure functions.

Format 0.1, correctness 0.9, a length penalty down to -0.1, a language bonus of 0.1. A broken format is worth 0 and
nothing else is graded, and so is an answer over a limit that stands whenever it is judged (`Cause.ANSWER_LIMIT`): the
callers give it NOTHING, or such answers would be a way out of a reward. What else could not be verified has no reward
at all: infrastructure trouble must not teach a model anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.text.thoughts import check_thoughts
from pipeline.verify.extract import extract_answer
from schemas.reasons import Verdict

FORMAT, CORRECTNESS, LENGTH, LANGUAGE = 0.1, 0.9, -0.1, 0.1


@dataclass(frozen=True, slots=True)
class RewardParts:
    """The parts of a reward, and their sum."""

    format: float
    correctness: float
    length: float
    language: float

    @property
    def total(self) -> float:
        """The sum: -0.1 + 0.1 to 1.1, and exactly 0 for a broken format."""
        return self.format + self.correctness + self.length + self.language


NOTHING = RewardParts(0.0, 0.0, 0.0, 0.0)


def check_format(completion: str, format: Literal["none", "think"]) -> Literal[True] | tuple[Literal[False], str]:
    """Whether a math completion keeps the format, or (False, what breaks it).

    `think`: it starts with thoughts, has exactly one pair of their tags (`<think>`...`</think>`, or those of another
    family of models: pipeline/text/thoughts.py), and a box with something in it after them. `none`: anything will do.
    """
    if format == "none":
        return True
    if (thoughts := check_thoughts(completion)) is not True:
        return thoughts
    if extract_answer(completion, "boxed") is None:
        return False, "no boxed answer after the thoughts"
    return True


def penalize_length(tokens: int, l_max: int, l_cache: int) -> float:
    """0 up to `l_max - l_cache` tokens, then linear down to -0.1 at `l_max`, -0.1 beyond. Lengths in tokens.

    Raises ValueError unless 0 <= l_cache <= l_max and tokens >= 0.
    """
    if not 0 <= l_cache <= l_max or tokens < 0:
        raise ValueError(f"want 0 <= l_cache <= l_max and tokens >= 0, not {l_cache=}, {l_max=}, {tokens=}")
    over = tokens - (l_max - l_cache)
    if over <= 0:
        return 0.0
    return LENGTH if over >= l_cache else LENGTH * over / l_cache


def reward(
    verdict: Verdict,
    format_ok: bool,
    tokens: int = 0,
    l_max: int | None = None,
    l_cache: int = 0,
    language_ok: bool = False,
) -> RewardParts | None:
    """The reward of one completion; None when its verdict is unknown: leave the sample out.

    `l_max` None: no length penalty. `language_ok`: problem, thoughts and answer are in one language, as
    `pipeline.language.keeps_language` tells of a statement and its completion.
    """
    if not format_ok:
        return NOTHING
    if verdict is Verdict.UNKNOWN:
        return None
    return RewardParts(
        format=FORMAT,
        correctness=CORRECTNESS if verdict is Verdict.CORRECT else 0.0,
        length=0.0 if l_max is None else penalize_length(tokens, l_max, l_cache),
        language=LANGUAGE if language_ok else 0.0,
    )
