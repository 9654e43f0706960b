"""How solutions are drawn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict


class SamplingConfig(Strict):
    """16 solutions a problem (paper section 4.1)."""

    n: Annotated[int, Field(ge=1)] = 16
    """Samples a problem: the paper's 16. Fewer tell a hard problem from an unsolved one less surely."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """The paper evaluates at 0.7 (section 5). At 0 all samples of a problem are the same, so that only one can be
    asked for (n: 1)."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """1 cuts nothing off: a pass rate should count all that the model would say."""
    top_k: Annotated[int, Field(ge=0)] = 0
    """Only the k likeliest tokens; 0 is all of them. It is sent to servers by name, as a model's own defaults (20 for
    Qwen3) would hold otherwise and shift every pass rate."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Only tokens at least this likely, as a share of the likeliest one's probability; 0 cuts nothing off."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """Longest completion. Small enough for the embedded model on a CPU; a model that reasons needs many times as many,
    and with them a larger `model.max_model_len`."""
    first_tokens: Annotated[int, Field(ge=1)] | None = None
    """With `stop: early`: a sample is asked for with so many tokens first, and one that is cut there is continued up to
    `max_tokens` only where its problem cannot be decided without it. None asks for all of them at once. A server has to
    be vLLM's."""
    stop_strings: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Cut a completion where a base model would go on to a question of its own."""
    stop: Literal["early", "confident", "full"] = "early"
    """`early` stops a problem when no outcome of its remaining samples can change its decision; `full` takes all n.
    `confident` reckons with the pass rates of the run, and stops when more samples are not worth their price."""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """With `stop: confident`: n more samples are worth taking where they set more than 1 - confidence decisions right.
    At 0.8 a set takes 10 or 11 samples a problem with the errors of 16 each."""
    missed: Annotated[float, Field(gt=0)] = 1.5
    """With `stop: confident`: a problem wrongly dropped counts as so many wrongly kept. It is lost, and the other costs
    a few groups of rollouts. At 1.5 precision and recall fall by about as much when samples are saved; a higher number
    is for recall."""
    floor: Annotated[int, Field(ge=1)] = 4
    """With `stop: confident`: the samples that every problem gets. The pass rates of the run are learned from them."""
    n_max: Annotated[int, Field(ge=1)] | None = None
    """With `stop: confident`: the most samples a problem gets; none is 2n. "Never solved" deserves more than n looks,
    and few problems take them."""
    audit: Annotated[float, Field(ge=0, le=1)] = 0.02
    """With `stop: confident`: the share of problems that get all n_max samples whatever they say, so that what is said
    of the errors can be checked. One in 50 costs half a sample a problem."""
    audit_seed: int = 0
    """Which problems these are: they are drawn by this number and their id."""

    @property
    def ceiling(self) -> int:
        """The most samples that a problem gets with `stop: confident`."""
        return 2 * self.n if self.n_max is None else self.n_max

    @property
    def planned(self) -> int:
        """The most samples that a problem gets."""
        return self.ceiling if self.stop == "confident" else self.n

    @property
    def price(self) -> float:
        """What a sample costs with `stop: confident`, in wrong decisions."""
        return (1 - self.confidence) / self.n

    @model_validator(mode="after")
    def _ordered(self) -> "SamplingConfig":
        if self.n_max is not None and self.n_max < self.n:
            raise ValueError(f"sampling.n_max is the most and sampling.n the usual number; {self.n_max} < {self.n}")
        if self.first_tokens is not None and self.first_tokens >= self.max_tokens:
            raise ValueError(
                f"sampling.first_tokens ({self.first_tokens}) has to be less than sampling.max_tokens "
                f"({self.max_tokens}), up to which a cut sample is continued; lower it, or leave it out"
            )
        if self.first_tokens is not None and self.stop == "confident":
            raise ValueError(
                "sampling.first_tokens does not go with sampling.stop: confident: the samples that have ended by then "
                "are the short ones, which are right more often, and the pass rates learned from them would be too "
                "high; set stop to early, or leave first_tokens out"
            )
        return self

    @model_validator(mode="after")
    def _differ(self) -> "SamplingConfig":
        if self.temperature == 0 and self.planned > 1:
            raise ValueError(
                f"sampling.temperature is 0, and a problem gets up to {self.planned} samples: they would all be the "
                "same and say nothing of its pass rate; raise sampling.temperature (0.7 is usual), or set sampling.n "
                "to 1 with sampling.stop: early"
            )
        return self
