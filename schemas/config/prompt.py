"""How a problem is put to the model."""

from schemas.config.base import Strict


class PromptConfig(Strict):
    """How a problem is put to the model."""

    template: str = "think"
    """A file of pipeline/inference/prompts by name, or a path: `think` as in the paper, `plain` the bare statement."""
    chat: bool = True
    """Through the model's chat template; off for raw continuation."""
