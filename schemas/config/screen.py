"""Format filtering."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class JudgeConfig(Strict):
    """The model-judged second look at what the rules kept."""

    enabled: bool = False
    """Off: the rules alone meet their aims, and a small model loses more good problems than it finds bad ones."""
    max_tokens: Annotated[int, Field(ge=1)] = 256
    """The reply is one line; the rest is for a model that reasons before it."""


class ScreenConfig(Strict):
    """Format filtering (paper section 4.1): complete problems with an answer that a rule can verify."""

    choice: Literal["rewrite", "reject"] = "rewrite"
    """Multiple choice becomes an open problem, as in the paper; `reject` drops it."""
    reject_guessable: bool = True
    """Yes/no and true/false give a reward of one half for guessing."""
    suspects: Literal["keep", "reject"] = "keep"
    """What becomes of a problem that a rule suspects without knowing. `keep`: it goes on, marked in its history, and
    the samples settle it (`decide.suspect_share`); a model solves half of what looks incomplete. `reject`: the
    suspicion is enough, for a set that nobody will sample."""
    multi_part: Literal["reject", "last"] = "reject"
    """Several questions under one label. `reject` as the paper does; `last`: the label may answer the last question, so
    the problem is a suspect, and kept when the samples reach the label."""
    asymptote: Literal["keep", "reject"] = "keep"
    """A figure given as Asymptote code is in the statement, so the problem is complete."""
    judge: JudgeConfig = JudgeConfig()
