"""Who else graded the problems: other models, earlier runs, samples in files."""

from pydantic import model_validator

from schemas.config.base import Strict
from schemas.config.model import ModelConfig


class AlsoGraded(Strict):
    """One more grader, whose samples are witnesses and whose pass rates are published, while decisions stay with
    `model`.

    Exactly one of `model`, `run`, `samples`.
    """

    model: ModelConfig | None = None
    """A model that is asked as well, under the run's own prompt and sampling parameters."""
    run: str | None = None
    """The folder of another run: its samples of problems that are here as well, whichever model they are of. With
    `sampling.stop: confident` they save samples, as those of a file do."""
    samples: str | None = None
    """Parquet or JSONL with `problem_id` or `source_id`, `completion` and `model`, as `goldilocks grade` takes."""

    @model_validator(mode="after")
    def _one_place(self) -> "AlsoGraded":
        given = [kind for kind in ("model", "run", "samples") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"also_graded_by names {' and '.join(given) or 'no grader'}; give exactly one of model, run, samples"
            )
        return self
