"""The curriculum: difficulty bands, the order of problems, and when rollouts say that it is out of date."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict

Trainer = Literal["trl", "verl", "prime-rl", "nemo-rl", "open-instruct"]
RETIRED = "retired"
"""The band of what rollouts solve nearly always: out of the order until it is graded again."""
Share = Annotated[float, Field(gt=0, le=1)]


class CurriculumConfig(Strict):
    """In which order, or how often, a trainer sees the problems (`goldilocks export curriculum`)."""

    trainer: Trainer | None = None
    """Whose rows are written beside the table of problems, sorted; none writes the table alone."""
    bands: dict[str, Share] = {"hard": 0.25, "medium": 0.5, "easy": 1.0}
    """Band -> its highest pass rate, ascending to 1. Thirds of the default keep window: 1 to 4, 5 to 8 and 9 to 12
    correct of 16."""
    grader: str | None = None
    """Whose pass rates set the bands, by model name: name the model that is trained where another one decided. None is
    the one that decided."""
    order: Literal["easy_to_hard", "hard_to_easy", "target", "random"] = "easy_to_hard"
    """Of the problems: by pass rate, by its distance from `target`, or by id, which is a hash."""
    target: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The pass rate that comes first under `order: target`: half right has the largest variance of rewards, so the
    strongest gradient."""
    quotas: dict[Literal["math", "code"], Share] = {}
    """Domain -> its share of the order, in every stretch of it; problems beyond what the scarcest domain allows are
    left out. None takes what there is. Weights follow the quotas without leaving anything out."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Band -> how often its problems are drawn, over how many there are; 1 where nothing is said. For trainers that
    draw by weight."""
    shards: Annotated[int, Field(ge=1)] = 4
    """Files of a Parquet trainer, in order: one that shuffles whatever it is given takes them one after another."""
    correct_reward: float = 0.5
    """A rollout is right when its reward is above this, where its log has no verdict. Ours is at most 0.2 for a wrong
    one, and at least 0.9 for a right one."""
    recent: Annotated[int, Field(ge=1)] = 32
    """Rollouts of a problem that its present pass rate is taken from, the newest: two groups of 16."""
    min_recent: Annotated[int, Field(ge=1)] = 8
    """Fewer rollouts than this move no problem."""
    regrade_moved: Share = 0.3
    """Grade again when more than this share of the problems in the logs is no longer in the band that they were graded
    into."""
    regrade_signal: Share = 0.3
    """Grade again when fewer than this share of the last ten steps' groups has both right and wrong rollouts: as
    `plateau` of a stage of our own trainer."""

    @model_validator(mode="after")
    def _sound(self) -> "CurriculumConfig":
        bounds = list(self.bands.values())
        if not bounds or bounds != sorted(set(bounds)) or bounds[-1] != 1:
            raise ValueError(f"curriculum.bands wants ascending pass rates up to 1, not {bounds}")
        if RETIRED in self.bands:
            raise ValueError(
                f"curriculum.bands: {RETIRED!r} is the band of what is solved nearly always; name it otherwise"
            )
        if unknown := self.weights.keys() - self.bands.keys():
            raise ValueError(f"curriculum.weights names no band: {', '.join(sorted(unknown))}")
        if self.quotas and abs(sum(self.quotas.values()) - 1) > 1e-6:
            raise ValueError(f"curriculum.quotas add up to {sum(self.quotas.values()):g}, not 1")
        return self
