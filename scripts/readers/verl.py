"""verl's dataset and its custom reward function, on an export."""

import sys
from pathlib import Path

from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

folder = Path(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(folder / "model")
settings = {"max_prompt_length": 4096, "cache_dir": str(folder / "cache"), "filter_overlong_prompts_workers": 1}
data = RLHFDataset(str(folder / "verl" / "train.parquet"), tokenizer, OmegaConf.create(settings))
assert len(data) == 22, len(data)
batch = collate_fn([data[at] for at in range(len(data))])
assert {"raw_prompt", "data_source", "reward_model", "extra_info"} <= batch.keys()
custom = {"path": str(folder / "verl" / "reward.py"), "name": "compute_score", "reward_kwargs": {}}
score = get_custom_reward_fn(OmegaConf.create({"reward": {"custom_reward_function": custom}}))
row = next(data[at] for at in range(len(data)) if data[at]["ability"] == "math")
truth = row["reward_model"]["ground_truth"]
scores = [
    score(data_source=row["data_source"], solution_str=text, ground_truth=truth, extra_info=row["extra_info"])
    for text in (f"\\boxed{{{truth}}}", "\\boxed{-99}")
]
assert [one["acc"] for one in scores] == [1.0, 0.0], scores
print(f"verl: {len(data)} problems, rewards {[one['score'] for one in scores]}")
