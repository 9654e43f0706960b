"""What the evidence means: the keep window and the rest of the decision."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.config.base import Share, Strict


class KeepConfig(Strict):
    """The window of difficulty, in correct samples of 16 (scaled when n differs). The paper prints no thresholds."""

    min: Annotated[int, Field(ge=0)] = 1
    """At least one success, or there is nothing to reinforce."""
    max: Annotated[int, Field(ge=0)] = 12
    """Past three in four, most groups are all correct and give no advantage."""
    of: Annotated[int, Field(ge=1)] = 16
    """The number of samples that `min` and `max` count in, whatever `sampling.n` is."""
    forecast: bool = False
    """Keep a problem that the second pass did not ask for (with `stop: confident`), where the first one leaves no
    question that is worth a sample. Its row says so, and has no pass rate. Without it, what is kept was graded."""

    @model_validator(mode="after")
    def _ordered(self) -> "KeepConfig":
        if not self.min <= self.max <= self.of:
            raise ValueError(f"keep needs min <= max <= of, not {self.min}, {self.max}, {self.of}")
        return self


class DecideConfig(Strict):
    """What the evidence means beside the keep window."""

    contradiction_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """A label is contradicted when more than this share of the samples agree on one answer that is not the label's,
    and it has more votes than the label's."""
    max_unknown: Annotated[int, Field(ge=0)] = 2
    """Up to this many unknown samples of n are left out; with more, the problem is undetermined where they matter."""
    suspect_share: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """A suspect is kept when more than this share of its samples reach the label: three of 16. Of 27 problems that a
    person read and found broken, 25 are reached by fewer than one sample in ten: that is what guessing at a missing
    figure or choice comes to. Three in 16 happen to such a guess once in 15 times at the most, and are missed by one
    sound problem in twenty with a pass rate of 0.35."""
    missing_share: Annotated[float, Field(gt=0, le=1)] = 0.15
    """A premise is suspected to be missing when more than this share of a problem's samples say so. Over the answers of
    twelve models to 829 problems, half of them cut, that finds 0.85 of the cut ones; one sound problem in 40 is said to
    lack something by as many, and is kept as its label is reached."""
    guess_share: Share = 0.3
    """Labels of math that one guess (a constant, a number of the statement) hits more often than this within a source
    or a template of 20 problems or more are told in the report. Of 7,473 labels of GSM8K the commonest is 4%."""
    translations: Literal["own", "match"] = "own"
    """A translation is kept by its own pass rate; `match` also wants it to be about its original's (their 90% intervals
    overlap), which catches what the check of the text cannot see, and drops what is only harder in that language."""
