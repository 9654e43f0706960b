"""What generators hand to the trainer: groups of rollouts of one problem, with their rewards. Frozen data, no code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled completion.

    `tokens` are those after the prompt, the end token included; `logprobs` the sampler's own log-probability of each at
    temperature 1, which are the old ones of the objective. `versions` are the first and the last version of the
    weights that took part: generation goes on while new weights come in.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    text: str
    finish_reason: str
    versions: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sampled:
    """`rollouts` of one prompt; `prompt` is its tokens."""

    prompt: tuple[int, ...]
    rollouts: tuple[Rollout, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A problem's rollouts with a reward each; those that could not be verified have been left out.

    `correct` says which of them are right, whatever else they are rewarded for.
    """

    problem_id: str
    prompt: tuple[int, ...]
    rollouts: tuple[Rollout, ...]
    rewards: tuple[float, ...]
    correct: tuple[bool, ...]

    @property
    def has_signal(self) -> bool:
        """Whether rewards differ; a group in which all are equal has no advantage (paper, section 2.1)."""
        return max(self.rewards) > min(self.rewards)
