"""How an answer is extracted and compared."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict
from schemas.config.model import ModelConfig


class SecondOpinionConfig(Strict):
    """A model that is asked where no rule can tell: labels in words, and pairs that the rules leave unknown."""

    enabled: bool = False
    """Off: a rule can be checked, and a judge be talked round. On, problems whose label is prose are graded at all.
    Training and the reward service ask no model: there such a completion stays unknown."""
    model: ModelConfig | None = None
    """Who is asked; null is the model that is graded, which then judges itself."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """The reply is one word; the rest is for a model that reasons before it."""


class VerifyConfig(Strict):
    """How an answer is found and compared; the same for curation and for the reward."""

    extract: Literal["boxed", "last"] = "boxed"
    """`boxed` is the paper's: the last box, or of a program the first fenced block that names its language. `last` is
    for models that do neither: it takes the last number or expression, or a bare function."""
    format: Literal["none", "think"] = "none"
    """`think` also demands the paper's format (section 2.2); grading asks only whether the answer is right."""
    thoughts: Literal["marked", "opened"] = "marked"
    """`opened`: the prompt itself ends in `<think>`, as many chat templates do, and completions come without it. Our
    own engine sees that; say it for a server that is not vLLM, and for another trainer."""
    timeout: Annotated[float, Field(gt=0)] = 5.0
    """Seconds of a process for one hard comparison (four times as many on the clock); past it the process is killed and
    the verdict is unknown."""
    memory_mb: Annotated[int, Field(ge=256)] = 1024
    """MiB that one process may take over what its libraries take; past it the verdict is unknown."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Processes for hard comparisons; common answers need none."""
    second_opinion: SecondOpinionConfig = SecondOpinionConfig()
    """Never overrules a rule."""
    tests: Annotated[int, Field(ge=1)] = 20
    """Tests of a code problem that are drawn for its samples, as many as in the paper; its id decides which, so the
    whole group has the same ones."""
