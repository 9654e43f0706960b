"""Names that older versions used, each with its name today. An old name in a config is accepted with a warning."""

import re
from collections.abc import Mapping
from typing import Any

CONFIG_KEYS: Mapping[str, str] = {
    "court": "code_tests",
    "train.group": "num_generations",
    "train.micro_tokens": "microbatch_tokens",
    "train.ahead": "max_async_batches",
    "train.share_device": "colocate",
    "train.stages.*.groups": "prompts_per_batch",
}
"""Old path of a config key -> the last part's name today; `*` is a place in a list. The values mean what they meant."""

_DEDUP_CONSTANTS: Mapping[str, Any] = {
    "paraphrase_few_similarity": 0.38,
    "paraphrase_words": 5,
    "paraphrase_numbers": 2,
    "permutations": 48,
    "band_rows": 2,
    "copy_agreement": 0.2,
    "paraphrase_agreement": 0.14,
}

REMOVED_KEYS: Mapping[str, Any] = {
    **{f"dedup.{key}": constant for key, constant in _DEDUP_CONSTANTS.items()},
    **{f"decontaminate.same.{key}": constant for key, constant in _DEDUP_CONSTANTS.items()},
    "decontaminate.same.trusted": [],
    "code_tests.min_kill": 0.8,
    "code_tests.candidates": 40,
    "code_tests.rounds": 4,
    "code_tests.seed": 0,
    "decontaminate.containment": 0.6,
    "decontaminate.ngram": 4,
}
"""Path of a key that nobody set and that is a constant now -> the constant."""

OLD_VALUES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {"train.importance_cap": (None, {"importance": "none"})}
"""Path of a key -> (a value that it could have, the keys beside it that mean the same now)."""

STAGE_NAMES: Mapping[str, str] = {"court": "code_tests"}
"""Old name of a stage, as in the folders and tables of old runs -> the name today."""


def rename_keys(data: Any) -> tuple[Any, list[tuple[tuple[Any, ...], str]]]:
    """Return a raw config under today's names, and the renamed keys: the path as it was written and the name today.

    Removed keys are left out, and old values are written as they are today.
    Raises ValueError where a section has a key under both names.
    """
    renamed: list[tuple[tuple[Any, ...], str]] = []
    return _rename(data, (), renamed), renamed


def find_removed(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any, Any]]:
    """The removed keys of a raw config: (path under today's names, the value there, the constant)."""
    if not isinstance(data, Mapping):
        return []
    removed = []
    for key, value in data.items():
        name = (*path, CONFIG_KEYS.get(_pattern((*path, key)), key))
        if _pattern(name) in REMOVED_KEYS:
            removed.append((name, value, REMOVED_KEYS[_pattern(name)]))
        removed += find_removed(value, name)
    return removed


def rename_path(keys: list[str]) -> list[str]:
    """The path of a `--set` under today's names."""
    return [CONFIG_KEYS.get(_pattern(keys[: i + 1]), key) for i, key in enumerate(keys)]


def restore_keys(section: str, text: str) -> str:
    """`text`, the JSON of one section, under the old names: a hash over it stays what it was before the rename."""
    for path, new in CONFIG_KEYS.items():
        parent, _, old = path.rpartition(".")
        if parent == section:
            text = re.sub(rf'(?<=[{{,])"{new}":', f'"{old}":', text)
    return text


def _rename(node: Any, path: tuple[Any, ...], renamed: list[tuple[tuple[Any, ...], str]]) -> Any:
    if isinstance(node, list | tuple):
        return [_rename(item, (*path, i), renamed) for i, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    result: dict[Any, Any] = {}
    for key, value in node.items():
        if _pattern((*path, key)) in REMOVED_KEYS:
            continue
        old_value, replacement = OLD_VALUES.get(_pattern((*path, key)), (_NOTHING, {}))
        if value is old_value:
            result.update(replacement)
            continue
        new = CONFIG_KEYS.get(_pattern((*path, key)))
        if new is not None:
            if new in node:
                where = ".".join(map(str, (*path, key)))
                raise ValueError(f"{where} is the old name of {new}, which is set as well; remove {where}")
            renamed.append(((*path, key), new))
        result[new or key] = _rename(value, (*path, new or key), renamed)
    return result


_NOTHING = object()


def _pattern(path: Any) -> str:
    return ".".join("*" if isinstance(part, int) or str(part).isdigit() else str(part) for part in path)


def old_stage_names(stage: str) -> list[str]:
    """The names that `stage` had in older versions."""
    return [old for old, new in STAGE_NAMES.items() if new == stage]
