"""What changed since a run was last made, by name, so that work that is done again is explained."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.run.layout import MANIFEST
from pipeline.run.storage import RunFolder
from schemas.config import Config

LONGEST = 300
"""Characters of a value in a message."""


def describe_changes(config: Config, folder: RunFolder, version: str) -> list[str]:
    """A line for each setting that differs from the manifest's, and for another `version` of this package.

    Where the run's folder lies is no setting. Empty where the run has no manifest yet, or one that cannot be read.
    """
    try:
        manifest = folder.read_json(MANIFEST)
        before = dict(_flatten(Config.model_validate(manifest["config"]).model_dump(mode="json")))
    except (FileNotFoundError, KeyError, ValueError):
        return []
    now = dict(_flatten(config.model_dump(mode="json")))
    lines = [
        f"{key}: {_show(before, key)}, now {_show(now, key)}"
        for key in sorted(before.keys() | now.keys())
        if key != "run" and (key not in before or key not in now or before[key] != now[key])
    ]
    if (made := manifest.get("goldilocks")) != version:
        lines.append(f"goldilocks: {made}, now {version}")
    return lines


def _flatten(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value with its dotted path; an empty list or mapping is a value."""
    inner = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    if not inner or not node:
        yield path, node
        return
    for key, value in inner:
        yield from _flatten(value, f"{path}.{key}".lstrip("."))


def _show(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return "not set"
    text = repr(values[key])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
