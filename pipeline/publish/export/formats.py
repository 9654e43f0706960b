"""The table of formats: who reads each, with which columns and types, in which files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from pipeline.publish.export import rows
from pipeline.publish.export.item import Item
from pipeline.publish.export.rows import Row

TEXT = pl.String()
MESSAGES = pl.List(pl.Struct({"role": TEXT, "content": TEXT}))
ABOUT: dict[str, Any] = {
    **dict.fromkeys(("id", "domain", "language", "source", "statement"), TEXT),
    "pass_rate": pl.Float64(),
    "answer_origin": TEXT,
    "label_posterior": pl.Float64(),
    "kill_rate": pl.Float64(),
}
"""What every row carries of its problem. The last three are what is known of its label and its tests, null where
nothing is: whether the answer is the source's or repaired, its probability by the witnesses, and the share of wrong
programs that the tests catch.
"""
TRACE: dict[str, Any] = {**ABOUT, "model": TEXT}


@dataclass(frozen=True)
class Format:
    """One format. `columns` are the trainer's own with their types, where `PROMPT` is what the run's prompt is:
    messages or a text. `data`: problems to train on by reinforcement, supervised traces, or pairs.
    """

    name: str
    reader: str
    data: Literal["problems", "traces", "pairs"]
    columns: dict[str, Any]
    suffix: Literal[".parquet", ".jsonl"] = ".parquet"
    write: Callable[[Item, int, str], Row] | None = None
    chat_only: bool = False
    """Whether a raw prompt becomes a user's message, because the trainer puts every prompt through a chat template."""

    def schema(self, chat: bool) -> dict[str, Any]:
        """Column -> type, where the run's prompt is a chat or not."""
        prompt = MESSAGES if chat else TEXT
        return {name: prompt if dtype is PROMPT else dtype for name, dtype in self.columns.items()}


PROMPT = pl.Object()
"""Stands for the type of the run's own prompt."""

TABLE = (
    Format(
        "trl", "TRL's GRPOTrainer", "problems", {"prompt": PROMPT, "ground_truth": TEXT, **ABOUT}, write=rows.write_trl
    ),
    Format(
        "verl",
        "verl's RLHFDataset",
        "problems",
        {
            "data_source": TEXT,
            "prompt": MESSAGES,
            "ability": TEXT,
            "reward_model": pl.Struct({"style": TEXT, "ground_truth": TEXT}),
            "extra_info": pl.Struct({"index": pl.Int64(), "split": TEXT, **ABOUT}),
        },
        write=rows.write_verl,
        chat_only=True,
    ),
    Format(
        "openrlhf",
        "OpenRLHF's PromptDataset",
        "problems",
        {"input": PROMPT, "label": TEXT, "datasource": TEXT, **ABOUT},
        write=rows.write_openrlhf,
    ),
    Format(
        "prime-rl",
        "verifiers' Taskset, which prime-rl trains on",
        "problems",
        {"prompt": TEXT, "system_prompt": TEXT, "ground_truth": TEXT, **ABOUT},
        suffix=".jsonl",
        write=rows.write_task,
        chat_only=True,
    ),
    Format(
        "nemo-rl",
        "NeMo RL's ResponseDataset",
        "problems",
        {"input": TEXT, "output": TEXT, **ABOUT},
        suffix=".jsonl",
        write=rows.write_nemo_rl,
        chat_only=True,
    ),
    Format(
        "nemo-gym",
        "NeMo Gym, with our resources server",
        "problems",
        {
            "responses_create_params": pl.Struct({"input": MESSAGES}),
            "agent_ref": pl.Struct({"type": TEXT, "name": TEXT}),
            "ground_truth": TEXT,
            **ABOUT,
        },
        suffix=".jsonl",
        write=rows.write_nemo_gym,
        chat_only=True,
    ),
    Format(
        "open-instruct",
        "open-instruct's grpo_fast",
        "problems",
        {"messages": MESSAGES, "ground_truth": TEXT, "dataset": TEXT, **ABOUT},
        write=rows.write_open_instruct,
        chat_only=True,
    ),
    Format(
        "sft", "TRL's SFTTrainer, OpenRLHF's SFTDataset", "traces", {"prompt": PROMPT, "completion": PROMPT, **TRACE}
    ),
    Format(
        "sft-messages",
        "open-instruct, NeMo RL, verl: whole conversations",
        "traces",
        {"messages": MESSAGES, **TRACE},
        chat_only=True,
    ),
    Format(
        "dpo",
        "TRL's DPOTrainer, OpenRLHF's RewardDataset",
        "pairs",
        {"prompt": PROMPT, "chosen": PROMPT, "rejected": PROMPT, **TRACE},
    ),
)
FORMATS: dict[str, Format] = {format.name: format for format in TABLE}
