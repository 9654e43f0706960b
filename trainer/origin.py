"""What a stage's checkpoints were learned from: data, objective, model and seed. They fit while these are the same.

How it was computed (micro-batches, processes, gradient checkpointing, compilation, what shares a device) and how long
it trains may change under a checkpoint. A setting is taken to matter unless it stands in `FREE`, so that one that is
added later does.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.aliases import rename_path, restore_keys
from schemas.config import Config, TrainConfig, TrainStage, VerifyConfig
from trainer.problems import Task

ORIGIN = "origin.json"
OLD_KEY = "key"
"""A hash of more than what was learned from; versions before `ORIGIN` wrote it."""
OLD_TRAIN = {
    "num_generations",
    "learning_rate",
    "warmup",
    "eps_low",
    "eps_high",
    "importance_cap",
    "clip_norm",
    "minibatches",
    "microbatch_tokens",
    "max_async_batches",
    "synchronous",
    "colocate",
    "gradient_checkpointing",
    "compile",
    "lora",
    "processes",
    "seed",
}
OLD_STAGE = {"name", "data", "steps", "prompts_per_batch", "max_tokens", "l_cache", "plateau"}
OLD_VERIFY = {"extract", "format", "timeout", "memory_mb", "tests"}
"""The settings that went into `OLD_KEY`, in the sections' own order."""
FREE = {
    "stages",
    "evaluation",
    "folder",
    "checkpoint_every",
    "keep_checkpoints",
    "microbatch_tokens",
    "max_async_batches",
    "max_off_policy_steps",
    "synchronous",
    "colocate",
    "gradient_checkpointing",
    "compile",
    "processes",
    "on_servers",
    "rollout_engine",
    "grader_only",
    "draw",
}
"""Settings of `train` that may change under a checkpoint. What a stage starts from is told by the model's revision."""
FREE_IN_STAGE = {"name", "steps", "plateau", "patience"}
FREE_IN_VERIFY = {"workers", "timeout", "memory_mb"}
Origin = Mapping[str, Any]
"""Path of a setting, `model` (its revision) or `problems` (their hash) -> its value."""


def describe_origin(config: Config, stage: TrainStage, tasks: Sequence[Task], model: str) -> Origin:
    """What `stage` learns from, starting from the weights whose revision is `model`."""
    problems = "\n".join(f"{task.id} {task.prompt.key} {task.repaired}".rstrip() for task in tasks)
    return {
        "model": model,
        "problems": f"{len(tasks)} {hashlib.sha256(problems.encode()).hexdigest()[:16]}",
        **_describe_settings(config.train, stage, config.verify),
        "train.stages.*.max_tokens": stage.max_tokens or config.sampling.max_tokens,
        "sampling.stop_strings": list(config.sampling.stop_strings),
    }


def list_changes(before: Origin, now: Origin) -> list[str]:
    """What differs, in words. A setting that `before` does not know was at its default."""
    known = {".".join(rename_path(key.split("."))): value for key, value in before.items()}
    was = _describe_settings(TrainConfig(), TrainStage(name="any"), VerifyConfig()) | known
    changes = [f"{key} was {json.dumps(was.get(key))}" for key in now if was.get(key) != now[key] and "." in key]
    if was.get("model") != now["model"]:
        changes.append("it started from other weights")
    if was.get("problems") != now["problems"]:
        changes.append("it had other problems or prompts")
    return changes


def find_misfit(folder: Path, now: Origin, old_key: str | None) -> str:
    """Why what lies in a stage's folder was not learned from `now`; empty where it was."""
    if (folder / ORIGIN).is_file():
        return ", ".join(list_changes(json.loads((folder / ORIGIN).read_text()), now))
    if (folder / OLD_KEY).is_file():
        same = (folder / OLD_KEY).read_text() == old_key
        return "" if same else "an older version trained it from other data, settings or weights"
    return "nothing says what it was trained from"


def hash_old_key(config: Config, stage: TrainStage, tasks: Sequence[Task], model: str) -> str | None:
    """What an older version, which averaged over the minibatch, wrote as the key; None for what it did not have."""
    train, caps = config.train, {"none": "null", "token_truncate": json.dumps(config.train.importance_cap)}
    if train.objective != "dapo" or train.mask_overlong or train.importance not in caps:
        return None
    # Older versions had no "as the device asks for" where today's default is that.
    then = {"gradient_checkpointing": bool(train.gradient_checkpointing), "processes": train.processes or 1}
    text = train.model_copy(update=then).model_dump_json(include=OLD_TRAIN)
    parts = [
        restore_keys("train.stages.*", stage.model_dump_json(include=OLD_STAGE)),
        restore_keys("train", re.sub(r'"importance_cap":[^,]*', f'"importance_cap":{caps[train.importance]}', text)),
        config.prompt.model_dump_json(include={"template", "chat"}),
        config.verify.model_dump_json(include=OLD_VERIFY),
        json.dumps(config.sampling.stop_strings),
        model,
        *(f"{task.id} {task.prompt.key}" for task in tasks),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _describe_settings(train: TrainConfig, stage: TrainStage, verify: VerifyConfig) -> dict[str, Any]:
    sections = {
        "train": train.model_dump(mode="json", exclude=FREE),
        "train.stages.*": stage.model_dump(mode="json", exclude=FREE_IN_STAGE),
        "verify": verify.model_dump(mode="json", exclude=FREE_IN_VERIFY),
    }
    return {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
