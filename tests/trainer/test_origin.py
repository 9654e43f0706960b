"""A checkpoint fits what it was learned from, however that was computed and for how long."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.inference.prompts import Prompt
from schemas.config import Config, TrainConfig, TrainStage
from trainer.origin import FREE, FREE_IN_STAGE, OLD_KEY, describe_origin, find_misfit, hash_old_key, list_changes
from trainer.problems import Task

TASKS = [Task(id * 16, "What?", "math", "en", Prompt(None, "What?", key * 16), "1") for id, key in ("ak", "bl")]
BASE: dict[str, Any] = {"learning_rate": 1e-5, "stages": [{"name": "one", "steps": 4, "prompts_per_batch": 2}]}
NOW_FREE = {
    "microbatch_tokens": 64,
    "max_async_batches": 1.0,
    "max_off_policy_steps": 3,
    "grader_only": True,
    "synchronous": True,
    "colocate": True,
    "gradient_checkpointing": True,
    "compile": True,
    "processes": 8,
    "on_servers": True,
    "rollout_engine": {"max_num_seqs": 9},
    "checkpoint_every": 3,
    "keep_checkpoints": 9,
    "draw": "evenly",
    "folder": "elsewhere",
    "evaluation": {"n": 3},
}


def configure(train: dict[str, Any] | None = None, **sections: Any) -> Config:
    base = {"run": "r", "sources": [{"name": "s", "files": "f"}], "sampling": {"stop_strings": ["\n"]}}
    base |= {"model": {"url": "http://127.0.0.1:8000/v1"}}
    return Config.model_validate({**base, "train": BASE | (train or {}), "verify": {"extract": "last"}, **sections})


def origin(config: Config, tasks: list[Task] = TASKS, model: str = "folder-0123") -> Any:
    return describe_origin(config, config.train.stages[0], tasks, model)


def test_every_free_setting_is_one_of_training_and_is_tried() -> None:
    assert set(TrainConfig.model_fields) >= FREE
    assert set(NOW_FREE) | {"stages"} == FREE
    assert set(TrainStage.model_fields) >= FREE_IN_STAGE


@pytest.mark.parametrize("key", NOW_FREE)
def test_how_it_is_computed_may_change(key: str) -> None:
    changed = configure({key: NOW_FREE[key]})
    assert changed != configure()
    assert list_changes(origin(configure()), origin(changed)) == []


@pytest.mark.parametrize(("key", "value"), [("steps", 40), ("plateau", 0.0), ("patience", 10), ("max_tokens", 1024)])
def test_how_long_it_trains_may_change(key: str, value: Any) -> None:
    """A limit of tokens that is spelled out is the one that sampling had."""
    changed = configure({"stages": [{**BASE["stages"][0], key: value}]})
    assert changed != configure()
    assert list_changes(origin(configure()), origin(changed)) == []


@pytest.mark.parametrize(
    ("train", "sections", "change"),
    [
        ({"learning_rate": 2e-5}, {}, "train.learning_rate was 1e-05"),
        ({"seed": 1}, {}, "train.seed was 0"),
        ({"objective": "grpo"}, {}, 'train.objective was "magistral"'),
        ({"lora": {}}, {}, "train.lora was null"),
        ({"stages": [{"name": "one", "prompts_per_batch": 3}]}, {}, "train.stages.*.prompts_per_batch was 2"),
        ({"stages": [{"name": "one", "prompts_per_batch": 2, "max_tokens": 9}]}, {}, "max_tokens was 1024"),
        ({}, {"verify": {"extract": "boxed"}}, 'verify.extract was "last"'),
        ({}, {"sampling": {"stop_strings": []}}, 'sampling.stop_strings was ["\\n"]'),
    ],
)
def test_another_objective_is_named_with_what_it_was(train: Any, sections: Any, change: str) -> None:
    (told,) = list_changes(origin(configure()), origin(configure(train, **sections)))
    assert told.endswith(change)


def test_other_problems_and_weights_are_named() -> None:
    config = configure()
    assert list_changes(origin(config), origin(config, TASKS[:1])) == ["it had other problems or prompts"]
    assert list_changes(origin(config), origin(config, model="folder-9")) == ["it started from other weights"]


def test_a_setting_of_a_later_version_counts_from_its_default_on() -> None:
    old = {key: value for key, value in origin(configure()).items() if key != "train.mask_overlong"}
    assert list_changes(old, origin(configure())) == []
    assert list_changes(old, origin(configure({"mask_overlong": True}))) == ["train.mask_overlong was false"]


def test_a_renamed_setting_is_the_same_setting() -> None:
    old = {key.replace("num_generations", "group"): value for key, value in origin(configure()).items()}
    assert "train.group" in old
    assert list_changes(old, origin(configure())) == []
    assert list_changes(old | {"train.group": 3}, origin(configure())) == ["train.num_generations was 3"]


OLD_KEYS = {
    "none": "10bd2ae089674d12d6b794b49a9103e5474ec57d7e12f12c5ab7447ea1133cc2",
    "token_truncate": "4df49f578eb5937337770aa69a2dccaf87235c531cfdd8a105ad1f515a4a30ff",
}
"""As the version before this file wrote them: with `importance_cap` none, and 2.0."""


@pytest.mark.parametrize("importance", OLD_KEYS)
def test_a_stage_of_an_older_version_fits_the_config_that_means_the_same(importance: str, tmp_path: Path) -> None:
    config = configure({"objective": "dapo", "importance": importance})
    key = hash_old_key(config, config.train.stages[0], TASKS, "folder-0123")
    assert key == OLD_KEYS[importance]
    (tmp_path / OLD_KEY).write_text(OLD_KEYS[importance])
    assert find_misfit(tmp_path, origin(config), key) == ""


def test_a_stage_of_an_older_version_does_not_fit_another_objective(tmp_path: Path) -> None:
    config = configure()
    assert hash_old_key(config, config.train.stages[0], TASKS, "folder-0123") is None
    (tmp_path / OLD_KEY).write_text(OLD_KEYS["none"])
    assert "an older version" in find_misfit(tmp_path, origin(config), None)
