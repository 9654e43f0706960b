"""The reward as TRL calls it, for a TRL without Goldilocks beside it: `from reward import goldilocks`."""

from collections.abc import Sequence
from typing import Any

from pipeline.reward.client import judge


def goldilocks(
    completions: Sequence[Any],
    ground_truth: Sequence[str],
    statement: Sequence[str | None] | None = None,
    prompts: Sequence[Any] | None = None,
    **_: Any,
) -> list[float | None]:
    """What GRPOTrainer asks for (TRL 1.16): a reward for each completion, text or messages; None where none is
    known."""
    statements = statement or [None] * len(completions)
    ends = [prompt[-100:] if isinstance(prompt, str) else None for prompt in prompts or [None] * len(completions)]
    items = [
        {"ground_truth": truth, "completion": _read(completion), "statement": text} | ({"prompt": end} if end else {})
        for truth, completion, text, end in zip(ground_truth, completions, statements, ends, strict=True)
    ]
    return [result["reward"] for result in judge(items)]


def _read(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    contents = [message.get("content") or "" for message in completion if message.get("role") == "assistant"]
    return "".join(
        text if isinstance(text, str) else "".join(part.get("text", "") for part in text) for text in contents
    )
