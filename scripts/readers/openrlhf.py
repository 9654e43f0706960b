"""OpenRLHF's datasets, and both ways in which it asks for a reward, on exports."""

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from openrlhf.datasets.prompts_dataset import PromptDataset
from openrlhf.datasets.reward_dataset import RewardDataset
from openrlhf.datasets.sft_dataset import SFTDataset
from openrlhf.datasets.utils import blending_datasets
from openrlhf.utils.agent import SingleTurnAgentExecutor
from transformers import AutoTokenizer

folder = Path(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(folder / "model")


def read(name, **keys):
    """A strategy as OpenRLHF's command line makes one, and the export's rows."""
    data = SimpleNamespace(apply_chat_template=True, **keys)
    args = SimpleNamespace(use_ms=False, data=data)
    strategy = SimpleNamespace(args=args, is_rank_0=lambda: True, print=lambda *_: None)
    return strategy, blending_datasets(str(folder / name / "train.parquet"), strategy=strategy)


strategy, rows = read("openrlhf", input_key="input", label_key="label")
prompts = PromptDataset(rows, tokenizer, strategy)
_, texts, labels, _ = prompts.collate_fn([prompts[at] for at in range(len(prompts))])
assert len(texts) == 22, len(texts)
strategy, rows = read("sft", input_key="prompt", output_key="completion")
traces = SFTDataset(rows, tokenizer, 4096, strategy, num_processors=1)
assert len(traces) == rows.num_rows > 22
assert all(traces[at][2].sum() > 0 for at in range(len(traces)))
strategy, rows = read("dpo", prompt_key="prompt", chosen_key="chosen", rejected_key="rejected")
pairs = RewardDataset(rows, tokenizer, 4096, strategy, is_dpo=True, num_processors=1)
assert len(pairs) == rows.num_rows > 22
for place in (str(folder / "openrlhf" / "reward.py"), os.environ["GOLDILOCKS_REWARD_URL"] + "/get_reward"):
    executor = SingleTurnAgentExecutor([place])
    ask = executor._fetch_rewards_via_func if place.endswith(".py") else executor._fetch_rewards_via_http
    rewards = [
        asyncio.run(ask([f"{texts[0]}\\boxed{{{answer}}}<|end|>"], [texts[0]], [labels[0]]))[0]
        for answer in (labels[0], "-99")
    ]
    assert [float(one["scores"][0]) for one in rewards] == [1.0, 0.0], rewards
print(f"openrlhf: {len(texts)} problems, {len(traces)} traces, {len(pairs)} pairs, rewards {rewards[0]['rewards']}")
