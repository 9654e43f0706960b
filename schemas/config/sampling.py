"""How solutions are drawn."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class SamplingConfig(Strict):
    """16 solutions a problem (paper section 4.1)."""

    n: Annotated[int, Field(ge=1)] = 16
    """Samples a problem: the paper's 16. Fewer tell a hard problem from an unsolved one less surely."""
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """The paper evaluates at 0.7 (section 5)."""
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
    stop_strings: tuple[str, ...] = ()
    """Cut a completion where a base model would go on to a question of its own."""
    stop: Literal["early", "full"] = "early"
    """`early` stops a problem when no outcome of its remaining samples can change its decision; `full` takes all n."""
