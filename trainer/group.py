"""What the trainer learns from: groups of rollouts of one problem, with their rewards. Frozen data."""

from dataclasses import dataclass

from trainer.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Group:
    """A problem's rollouts with a reward each; those that could not be verified have been left out.

    `correct` says which of them are right, whatever else they are rewarded for. `prompt` is its tokens, `max_tokens`
    how many a completion could have.
    """

    problem_id: str
    prompt: tuple[int, ...]
    rollouts: tuple[Rollout, ...]
    rewards: tuple[float, ...]
    correct: tuple[bool, ...]
    max_tokens: int

    @property
    def has_signal(self) -> bool:
        """Whether rewards differ; a group in which all are equal has no advantage (paper, section 2.1)."""
        return max(self.rewards) > min(self.rewards)
