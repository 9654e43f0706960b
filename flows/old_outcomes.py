"""Outcomes of stages that an older version wrote: they are recognised, so that a finished run is not done again.

An outcome's key is made of sections of the config, and the manifest still holds those as they were, with settings that
are constants now. Up to the first 0.1.0 the folder's name was in the key as well, and stages had the names in
`schemas.aliases`. An outcome that is recognised gets today's key, since the run that goes on writes the manifest in
today's form.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from pydantic_core import to_json

from flows.outcomes import SILENT, hash_content, hash_text, key_of
from pipeline.inference.engine import Engine
from pipeline.run.layout import MANIFEST, REJECTED, WHOLE_SET, key_name, rejected_name, split_name, stage_folder
from pipeline.run.storage import RunFolder
from pipeline.stages import Stage
from schemas.aliases import CONFIG_KEYS, STAGE_NAMES, find_removed, old_stage_names
from schemas.config import Config


def rename_stages(folder: RunFolder) -> None:
    """Move what stages left under old names to today's; keys are moved last, as they are written last."""
    for old, new in STAGE_NAMES.items():
        rejected = [name for name in folder.list(REJECTED) if split_name(name).stage == old]
        moves = {name: rejected_name(new, split_name(name).shard) for name in rejected}
        kept = folder.list(stage_folder(old), suffix="")
        for name in sorted(kept, key=lambda name: name.endswith(".key")):
            moves[name] = name.replace(stage_folder(old), stage_folder(new), 1)
        for name, today in moves.items():
            if not folder.exists(today):
                folder.rename(name, today)
        folder.remove(stage_folder(old))


def adopt_outcome(
    config: Config,
    folder: RunFolder,
    stage: Stage,
    shard: str,
    source: str,
    key: str,
    engine: Engine | None = None,
) -> bool:
    """Whether the folder holds the outcome of `key` under a key of an older version; it then gets `key` itself."""
    return _adopt(folder, stage, shard, key, _old_keys(config, folder, stage, shard, source, engine))


def adopt_set(config: Config, folder: RunFolder, stage: Stage, shards: Sequence[str], source: str, key: str) -> bool:
    """`adopt_outcome` for the key of a stage over the whole set."""
    forms = zip(*(_old_keys(config, folder, stage, shard, source) for shard in shards), strict=True)
    return _adopt(folder, stage, WHOLE_SET, key, [hash_text(*keys) for keys in forms])


def _adopt(folder: RunFolder, stage: Stage, shard: str, key: str, old: Sequence[str]) -> bool:
    name = key_name(stage.name, shard)
    if not folder.exists(name) or folder.read_bytes(name).decode() not in old:
        return False
    folder.write_bytes(name, key.encode())
    return True


def _old_keys(
    config: Config, folder: RunFolder, stage: Stage, shard: str, source: str, engine: Engine | None = None
) -> list[str]:
    """The key in each form that it had; none where the run has no manifest, or its config gives this stage another
    outcome.
    """
    written = _read_config(folder)
    if written is None or stage.others(config) or any(value != now for _, value, now in find_removed(written)):
        return []
    before = Config.model_validate(written)
    if any(_outcome_of(before, path) != _outcome_of(config, path) for path in stage.sections):
        return []
    rules = [to_json(_find_section(written, path)).decode() for path in stage.sections]
    name = next(iter(old_stage_names(stage.name)), stage.name)
    content = hash_content(folder, shard, source)
    first = hash_text(before.run, name, shard, version("goldilocks"), content, *rules)
    if engine is not None:
        first = hash_text(f"{first} {engine.model} {engine.revision}")
    return [first, key_of(stage, shard, content, rules, engine)]


def _outcome_of(config: Config, path: str) -> dict[str, Any]:
    section: dict[str, Any] = attrgetter(path)(config).model_dump(exclude=SILENT)
    return section


def _read_config(folder: RunFolder) -> dict[str, Any] | None:
    """The config as the manifest has it, under the names of its time; None where there is none that can be read."""
    try:
        config = folder.read_json(MANIFEST)["config"]
        Config.model_validate(config)
    except (FileNotFoundError, KeyError, ValueError):
        return None
    return dict(config)


def _find_section(config: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The section that is at `path` today, under the name that it has in `config`, without what changes no outcome."""
    section: Any = config
    for part in path.split("."):
        old = next((old for old, new in CONFIG_KEYS.items() if new == part), part)
        section = section[part if part in section else old]
    return {key: value for key, value in section.items() if key not in SILENT}
