"""Whether a stage is done: the key of what an outcome came from lies in the run's folder beside the outcome.

That key alone decides. It is the same for every user, machine and place of the folder: it is made of the shard's
content, the stage's config, the model that is asked, and the package's version.
"""

import hashlib
from collections.abc import Collection, Sequence
from importlib.metadata import version
from operator import attrgetter

from pipeline.inference.engine import FOLDER_REVISION, Engine
from pipeline.run.evidence import find_stages
from pipeline.run.layout import (
    REJECTED,
    key_name,
    rejected_name,
    split_name,
    stage_folder,
    stage_name,
    summary_name,
    table_name,
)
from pipeline.run.storage import RunFolder
from pipeline.stages import Stage, StageResult
from schemas.config import Config

SILENT = {"mode", "workers"}
"""Keys of a section that change no outcome: how many processes do the work, and behind which walls."""


def stage_key(
    config: Config, folder: RunFolder, stage: Stage, shard: str, source: str, engine: Engine | None = None
) -> str:
    """Hash of all that a stage's outcome over one shard of `source` depends on. `engine` is what it asks, if any."""
    rules = [attrgetter(name)(config).model_dump_json(exclude=SILENT) for name in stage.sections]
    return key_of(stage, shard, hash_content(folder, shard, source), [*rules, *stage.others(config)], engine)


def key_of(stage: Stage, shard: str, content: str, rules: Sequence[str], engine: Engine | None) -> str:
    """The key of a shard with this `content` under `rules`: the stage's settings as text."""
    asked = [] if engine is None else [_name_model(engine), engine.revision]
    return hash_text(stage.name, shard, version("goldilocks"), content, *rules, *asked)


def hash_content(folder: RunFolder, shard: str, source: str) -> str:
    return hashlib.sha256(folder.read_bytes(table_name(source, shard))).hexdigest()


def hash_text(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def write_outcome(folder: RunFolder, stage: str, shard: str, result: StageResult, key: str) -> None:
    """Put a stage's outcome into the folder, and last of all the `key` that says what it came from.

    The old key goes first: a run that is killed in between must not be taken for the one before it. An outcome with
    pending requests gets a key that matches no other, so that the next run asks again.
    """
    folder.remove(key_name(stage, shard))
    folder.write_table(stage_name(stage, shard), result.kept)
    folder.write_table(rejected_name(stage, shard), result.rejected)
    if result.summary is not None:
        folder.write_json(summary_name(stage, shard), result.summary)
    signed = f"{key} pending" if result.pending else key
    folder.write_bytes(key_name(stage, shard), signed.encode())


def is_stale(folder: RunFolder, stage: str, shard: str, key: str) -> bool:
    """Whether the folder holds no outcome of `key`."""
    name = key_name(stage, shard)
    return not folder.exists(name) or folder.read_bytes(name).decode() != key


def forget_stages(folder: RunFolder, but: Collection[str]) -> None:
    """Remove what stages other than `but` left in an earlier run, so that a run without them grades what it should."""
    for stage in set(find_stages(folder)) - set(but):
        for name in folder.list(REJECTED):
            if split_name(name).stage == stage:
                folder.remove(name)
        folder.remove(stage_folder(stage))


def _name_model(engine: Engine) -> str:
    """The model's name; the revision of a folder's weights is their content, wherever the folder lies."""
    return "folder" if engine.revision.startswith(FOLDER_REVISION) else engine.model
