"""The reward as OpenRLHF calls it: `--reward.remote_url reward.py`."""

import re
from collections.abc import Sequence
from typing import Any

from pipeline.reward.client import UnknownVerdict, judge

_ENDS = re.compile(r"(?:\s*(?:<\|[\w-]{1,40}\|>|</s>|<eos>|<end_of_turn>))+\s*$")
"""Special tokens at the end of a text, which OpenRLHF decodes with it."""

PROMPT_END = 100
"""Characters of a prompt that show whether it opens the thoughts."""


def cut_completion(query: str, prompt: str) -> str:
    """The completion in a query, which is the prompt and it, decoded with special tokens. A prompt that was cut, or
    came back otherwise from its tokens, is not at the beginning; then the query is all there is."""
    return _ENDS.sub("", query[len(prompt) :] if query.startswith(prompt) else query)


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **_: Any) -> dict[str, Any]:
    """What OpenRLHF's single-turn executor asks for (OpenRLHF 0.11.2): rewards, and scores of 0 or 1 for its filter.

    It has no word for an unknown verdict: UnknownVerdict.
    """
    import torch

    asked = zip(queries, prompts, labels, strict=True)
    results = judge(
        [
            {"ground_truth": label, "completion": cut_completion(q, prompt), "prompt": prompt[-PROMPT_END:]}
            for q, prompt, label in asked
        ]
    )
    for result in results:
        if result["reward"] is None:
            raise UnknownVerdict(f"no verdict on a completion: {result['detail']}; OpenRLHF has no word for that")
    return {
        "rewards": torch.tensor([result["reward"] for result in results]),
        "scores": torch.tensor([float(result["verdict"] == "correct") for result in results]),
        "extra_logs": {},
    }
