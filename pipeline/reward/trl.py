"""The reward as TRL's GRPOTrainer calls it.

trainer = GRPOTrainer(model, reward_funcs=TrlReward.of_run("runs/mine"), train_dataset=load_dataset("exports/trl", ...))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.reward.rewarder import Answered, Rewarder
from schemas.config import SandboxConfig, VerifyConfig
from schemas.errors import InputError
from schemas.reasons import Verdict

Completion = str | Sequence[Mapping[str, Any]]


class TrlReward:
    """A reward function with TRL's signature (TRL 1.16, `GRPOTrainer`): completions as text or as messages, the columns
    of the dataset by name. It reads `ground_truth` and, for the language bonus, `statement`: `goldilocks export trl`.

    None is returned where the verdict is unknown; TRL leaves such a completion out of its group's baseline and gives it
    no advantage. `l_max` and `l_cache`, in tokens, set the length penalty. TRL's log gets the shares of correct and
    unknown completions.
    """

    __name__ = "goldilocks"

    def __init__(
        self,
        verify: VerifyConfig | None = None,
        sandbox: SandboxConfig | None = None,
        l_max: int | None = None,
        l_cache: int = 0,
    ) -> None:
        self._rewarder = Rewarder(verify, sandbox)
        self.l_max, self.l_cache = l_max, l_cache

    @classmethod
    def of_run(cls, run: str, l_max: int | None = None, l_cache: int = 0) -> TrlReward:
        """With the verifier that curated a run. Raises InputError where no run is."""
        from pipeline.publish.export.run import read_run_config

        _, config = read_run_config(run)
        return cls(config.verify, config.sandbox, l_max, l_cache)

    def close(self) -> None:
        """Ends the verifier's processes."""
        self._rewarder.close()

    def __call__(
        self,
        completions: Sequence[Completion],
        ground_truth: Sequence[str] | None = None,
        statement: Sequence[str | None] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        prompts: Sequence[Any] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """A reward for each completion. Raises InputError where the dataset has no `ground_truth`."""
        if ground_truth is None:
            raise InputError(
                f"the dataset has no column ground_truth (it has {', '.join(sorted(columns))}); "
                "write it with `goldilocks export trl`"
            )
        statements = statement or [None] * len(completions)
        lengths = [len(ids) for ids in completion_ids] if completion_ids is not None else [0] * len(completions)
        seen = [prompt if isinstance(prompt, str) else None for prompt in prompts or [None] * len(completions)]
        graded = self._rewarder.grade(
            [
                Answered(truth, read_completion(completion), text, tokens, self.l_max, self.l_cache, prompt)
                for truth, completion, text, tokens, prompt in zip(
                    ground_truth, completions, statements, lengths, seen, strict=True
                )
            ]
        )
        if log_metric is not None and graded:
            for verdict in (Verdict.CORRECT, Verdict.UNKNOWN):
                log_metric(f"goldilocks/{verdict.value}", sum(one.verdict is verdict for one in graded) / len(graded))
        return [one.reward for one in graded]


def read_completion(completion: Completion) -> str:
    """The text of a completion: as it is, or what the messages of the assistant say."""
    if isinstance(completion, str):
        return completion
    return "".join(_text(message.get("content")) for message in completion if message.get("role") == "assistant")


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(str(part.get("text", "")) for part in content)
