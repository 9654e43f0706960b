"""How an answer is extracted and compared."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


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
    tests: Annotated[int, Field(ge=1)] = 20
    """Tests of a code problem that are drawn for its samples, as many as in the paper; its id decides which, so the
    whole group has the same ones."""
