"""Stages over shards as Prefect tasks: retried, cached by content, never mistaken about what the folder holds."""

import hashlib
from typing import Any

from prefect import task
from prefect.context import TaskRunContext

from pipeline.folder import RunFolder
from pipeline.sample.engine import EngineDied
from pipeline.stage import STAGES
from schemas.config import Config
from schemas.errors import InputError


def stage_key(config: Config, folder: RunFolder, stage: str, shard: str, room: str) -> str:
    """Hash of all that a stage's outcome depends on: the shard's content, the stage's config and our version."""
    from importlib.metadata import version

    content = hashlib.sha256(folder.read_bytes(f"{room}/{shard}.parquet")).hexdigest()
    section = getattr(config, stage, None)
    said = [folder.root, stage, shard, version("goldilocks"), content, section.model_dump_json() if section else ""]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _key_of_run(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    return str(parameters["key"])


def can_be_retried(task: Any, run: Any, state: Any) -> bool:
    """Bad input stays bad and a lost engine stays lost; all other failures are tried again."""
    return not isinstance(state.result(raise_on_failure=False), InputError | EngineDied)


@task(name="stage", cache_key_fn=_key_of_run, persist_result=True)
def run_stage_on_shard(
    config: Config, folder: RunFolder, stage: str, shard: str, room: str, key: str
) -> dict[str, int]:
    """Run one stage over one shard of `room`; kept rows go to stages/NAME/, the rest to rejected/NAME-. Counts them."""
    problems = folder.read_table(f"{room}/{shard}.parquet")
    kept, rejected = STAGES[stage][0](problems, config)
    if problems.height != kept.height + rejected.height:
        raise AssertionError(f"{stage} took {problems.height} rows of {shard}, gave {kept.height} + {rejected.height}")
    folder.write_table(f"stages/{stage}/{shard}.parquet", kept)
    folder.write_table(f"rejected/{stage}-{shard}.parquet", rejected)
    folder.write_bytes(marker(stage, shard), key.encode())
    return {"in": problems.height, "kept": kept.height, "rejected": rejected.height}


def marker(stage: str, shard: str) -> str:
    """Where the key of the outputs that lie in the folder is written down, last of all."""
    return f"stages/{stage}/{shard}.key"


def is_stale(folder: RunFolder, stage: str, shard: str, key: str) -> bool:
    """Whether the folder holds another outcome than `key`'s, so that a cached result must not be believed."""
    name = marker(stage, shard)
    return not folder.exists(name) or folder.read_bytes(name).decode() != key
