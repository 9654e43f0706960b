"""Stages over shards as Prefect tasks: retried, cached by content, never mistaken about what the folder holds."""

import hashlib
from collections.abc import Collection
from operator import attrgetter
from typing import Any

import polars as pl
from prefect import task
from prefect.context import TaskRunContext

from pipeline.code_tests.languages import count_copies
from pipeline.inference.engine import Engine, EngineDied
from pipeline.run.evidence import find_stages
from pipeline.run.layout import REJECTED, key_name, rejected_name, split_name, stage_folder, stage_name, table_name
from pipeline.run.storage import RunFolder
from pipeline.sandbox import SandboxUnavailable
from pipeline.stage import STAGES
from schemas.config import Config
from schemas.errors import InputError

SECTIONS = {"court": ("court", "sandbox"), "judge": ("screen.judge",)}
"""What of the config a stage's outcome depends on, where that is not the section of its name."""

LABEL_CHECK = {"timeout", "memory_mb"}
"""Keys of the verify section that decide which labels screen can parse."""


def stage_key(config: Config, folder: RunFolder, stage: str, shard: str, room: str) -> str:
    """Hash of all that a stage's outcome depends on: the shard's content, the stage's config and our version."""
    from importlib.metadata import version

    content = hashlib.sha256(folder.read_bytes(table_name(room, shard))).hexdigest()
    sections = [attrgetter(name)(config) for name in SECTIONS.get(stage, (stage,))]
    rules = "\n".join(section.model_dump_json(exclude={"mode", "workers"}) for section in sections)
    if stage == "screen":
        # Defaults leave no trace, so that runs made before screen read this section keep their keys.
        changed = config.verify.model_dump_json(include=LABEL_CHECK, exclude_defaults=True)
        rules += "" if changed == "{}" else f"\n{changed}"
    said = [folder.root, stage, shard, version("goldilocks"), content, rules]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def asked_key(config: Config, folder: RunFolder, engine: Engine, stage: str, shard: str, room: str) -> str:
    """`stage_key` of a stage that asks a model: its outcome depends on which."""
    key = stage_key(config, folder, stage, shard, room)
    return hashlib.sha256(f"{key} {engine.model} {engine.revision}".encode()).hexdigest()


def _key_of_run(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    return str(parameters["key"])


def can_be_retried(task: Any, run: Any, state: Any) -> bool:
    """Bad input stays bad, a lost engine lost and a sandbox refused; all other failures are tried again."""
    return not isinstance(state.result(raise_on_failure=False), InputError | EngineDied | SandboxUnavailable)


@task(name="stage", cache_key_fn=_key_of_run, persist_result=True)
def run_stage_on_shard(
    config: Config, folder: RunFolder, stage: str, shard: str, room: str, key: str
) -> dict[str, int]:
    """Run one stage over one shard of `room`; kept rows go to stages/NAME/, the rest to rejected/NAME-. Counts them."""
    problems = folder.read_table(table_name(room, shard))
    kept, rejected = STAGES[stage][0](problems, config)
    if problems.height + count_copies(kept) != kept.height + rejected.height:
        raise AssertionError(f"{stage} took {problems.height} rows of {shard}, gave {kept.height} + {rejected.height}")
    write_stage(folder, stage, shard, kept, rejected, key)
    return {"in": problems.height, "kept": kept.height, "rejected": rejected.height}


def write_stage(
    folder: RunFolder, stage: str, shard: str, kept: pl.DataFrame, rejected: pl.DataFrame, key: str
) -> None:
    """Put a stage's outcome into the folder, and last of all the `key` that says what it came from.

    The old key goes first: a run that is killed in between must not be taken for the one before it.
    """
    folder.remove(key_name(stage, shard))
    folder.write_table(stage_name(stage, shard), kept)
    folder.write_table(rejected_name(stage, shard), rejected)
    folder.write_bytes(key_name(stage, shard), key.encode())


def forget_stages(folder: RunFolder, but: Collection[str]) -> None:
    """Remove what stages other than `but` left in an earlier run, so that a run without them grades what it should."""
    for stage in set(find_stages(folder)) - set(but):
        for name in folder.list(REJECTED):
            if split_name(name).stage == stage:
                folder.remove(name)
        folder.remove(stage_folder(stage))


def is_stale(folder: RunFolder, stage: str, shard: str, key: str) -> bool:
    """Whether the folder holds another outcome than `key`'s, so that a cached result must not be believed."""
    name = key_name(stage, shard)
    return not folder.exists(name) or folder.read_bytes(name).decode() != key
