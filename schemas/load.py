"""Read a run config: YAML, then `--set`, then checks that name the file, the line and the nearest right key."""

import difflib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from schemas.aliases import find_removed, rename_keys, rename_path
from schemas.config import Config
from schemas.errors import InputError
from schemas.yaml_text import YamlError, read_yaml

LOG = logging.getLogger(__name__)


class ConfigError(InputError):
    """A config that cannot be used; the message says where and how to fix it."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read `path` and apply `overrides` such as `keep.max=10` (values are YAML; numbers index: `sources.0.size=8`)."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; give the path of a run config such as configs/quickstart.yaml"
        ) from None
    try:
        data = read_yaml(text)
    except YamlError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a config is a mapping of keys to values, not {type(data).__name__}")
    lines = _lines(text)
    _check_removed(data, str(path), lines)
    for old, new in _rename(data, str(path))[1]:
        place = f"{path}:{lines[old]}" if old in lines else str(path)
        LOG.warning("%s: %s is now called %s", place, ".".join(map(str, old)), new)
        if old in lines:
            lines[(*old[:-1], new)] = lines[old]
    return build_config(data, overrides, where=str(path), lines=lines)


def build_config(
    data: dict[str, Any],
    overrides: Sequence[str] = (),
    where: str = "config",
    lines: dict[tuple[Any, ...], int] | None = None,
) -> Config:
    """Check `data` with `overrides` applied; raises ConfigError with every fault, a line each."""
    data = _rename(data, where)[0]
    for override in overrides:
        changed = apply_override(data, override)
        _check_removed(changed, f"--set {override}", {})
        data, renamed = _rename(changed, f"--set {override}")
        for old, new in renamed:
            LOG.warning("--set %s: %s is now called %s", override, ".".join(map(str, old)), new)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        faults = [_explain(fault, where, lines or {}) for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from None


def apply_override(data: dict[str, Any], override: str) -> dict[str, Any]:
    """Return `data` with one `path.to.key=value` set; `data` itself is left as it was."""
    path, equals, value = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {override}: write path.to.key=value, such as keep.max=10")
    try:
        parsed = read_yaml(value) if value else None
    except YamlError:
        raise ConfigError(f"--set {override}: the value is not YAML; quote it") from None
    today = rename_path(keys)
    if today != keys:
        LOG.warning("--set %s: %s is now called %s", override, path.strip(), ".".join(today))
    return dict(_with(data, today, parsed, override))


def _rename(data: dict[str, Any], where: str) -> tuple[dict[str, Any], list[tuple[tuple[Any, ...], str]]]:
    try:
        return rename_keys(data)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_removed(data: dict[str, Any], where: str, lines: dict[tuple[Any, ...], int]) -> None:
    """Warn of keys that are constants now; raises ConfigError where one is set to another value."""
    for path, value, constant in find_removed(data):
        place = f"{where}:{lines[path]}" if path in lines else where
        key = ".".join(map(str, path))
        if value != constant:
            raise ConfigError(f"{place}: {key} is no longer a key: it is always {constant!r}, not {value!r}; remove it")
        LOG.warning("%s: %s is no longer a key: it is always %r; remove it", place, key, constant)


def _with(node: Any, keys: list[str], value: Any, override: str) -> Any:
    if not keys:
        return value
    head, rest = keys[0], keys[1:]
    if isinstance(node, list | tuple):
        if node and not head.isdigit():
            path = override.partition("=")[0].strip().split(".")
            at = ".".join(path[: len(path) - len(keys)])
            raise ConfigError(
                f"--set {override}: {at} is a list of {len(node)} here; say which one by its place, such as {at}.0"
            )
        if not head.isdigit() or int(head) >= len(node):
            raise ConfigError(f"--set {override}: list index {head} is out of range (0 to {len(node) - 1})")
        return [_with(item, rest, value, override) if i == int(head) else item for i, item in enumerate(node)]
    if node is not None and not isinstance(node, dict):
        raise ConfigError(f"--set {override}: {head!r} would be set inside a plain value, {node!r}")
    return {**(node or {}), head: _with((node or {}).get(head), rest, value, override)}


def _explain(fault: Any, where: str, lines: dict[tuple[Any, ...], int]) -> str:
    loc = tuple(fault["loc"])
    line = next((lines[loc[:cut]] for cut in range(len(loc), 0, -1) if loc[:cut] in lines), None)
    place = f"{where}:{line}" if line else where
    key = ".".join(str(part) for part in loc)
    if fault["type"] == "extra_forbidden":
        known = _known_keys(loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"{place}: {key}: unknown key; {hint}"
    message = fault["msg"].removeprefix("Value error, ")
    given = "" if fault["type"] in ("missing", "value_error") else f" (given: {fault['input']!r})"
    return f"{place}: {key}: {message}{given}" if key else f"{place}: {message}"


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    model: Any = Config
    for part in loc:
        if isinstance(part, int) or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        annotation = model.model_fields[str(part)].annotation
        inner = [
            a
            for a in (annotation, *getattr(annotation, "__args__", ()))
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        model = inner[0] if inner else None
    return list(model.model_fields) if model is not None else []


def _lines(text: str) -> dict[tuple[Any, ...], int]:
    """Line (from 1) of every key of a YAML text, by its path."""
    lines: dict[tuple[Any, ...], int] = {}

    def walk(node: yaml.Node | None, path: tuple[Any, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[(*path, key.value)] = key.start_mark.line + 1
                walk(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                lines[(*path, i)] = value.start_mark.line + 1
                walk(value, (*path, i))

    walk(yaml.compose(text), ())
    return lines
