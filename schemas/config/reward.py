"""The reward service."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict


class RewardConfig(Strict):
    """What the reward service takes on (`goldilocks reward`). Past these it says so and takes nothing."""

    queue: Annotated[int, Field(ge=1)] = 16384
    """Completions accepted and not yet judged: a batch of 1,024 groups of 16. Past it 429, and the trainer asks
    again."""
    batch: Annotated[int, Field(ge=1)] = 1024
    """Completions in one request; past it 413."""
    body_mb: Annotated[int, Field(ge=1)] = 64
    """Of one request; past it 413. A thousand completions of 16k tokens are about as much."""
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    """For the body of one request to come; past it 408. The largest takes a second on a slow network."""
    memory_mb: Annotated[int, Field(ge=1)] = 512
    """Of all requests in hand, as they arrive and as text once they are read: up to four times their bytes. It bounds
    memory, to about twice this; past it 429."""
    token_env: str = "GOLDILOCKS_REWARD_TOKEN"
    """Name of the environment variable with the token that every request has to carry, so that none stands in a file.
    Without one the service listens on loopback alone: whoever reaches it can have programs run in the sandbox."""
