"""YAML as plain data, whoever wrote it: no key twice, no alias that stands for more than a limit, no depth without
end."""

from collections.abc import Hashable
from typing import Any

import yaml

MAX_BYTES = 4 << 20
"""PyYAML reads a megabyte in some seconds."""
MAX_DEPTH = 64
MAX_VALUES = 100_000
"""Values of a run config, with many sources."""


class YamlError(ValueError):
    """A text that is not read; the message says what is wrong, and in which line."""


def read_yaml(text: str, most: int = MAX_VALUES, key: str | None = None) -> Any:
    """The value of a YAML text with at most `most` values (`key` sets that), aliases followed. Raises YamlError."""
    if len(text) > MAX_BYTES:
        raise YamlError(f"over {MAX_BYTES >> 20} MiB of YAML")
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            hint = f" ({key})" if key else ""
            _check(node, most, f"over {most} values, aliases followed{hint}")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {error}") from None
    except RecursionError:
        raise YamlError(f"nested over {MAX_DEPTH} deep") from None
    except (ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
        if isinstance(error, YamlError):
            raise
        raise YamlError(f"not YAML: {error}") from None


def _check(root: yaml.Node, most: int, too_many: str) -> None:
    """Raise YamlError for a key that comes twice, more values than `most`, more depth than MAX_DEPTH, and a value that
    holds itself. Each node is looked at once, however many aliases lead to it."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        line = node.start_mark.line + 1
        if id(node) in open_:
            raise YamlError(f"line {line}: a value that holds itself")
        if depth > MAX_DEPTH:
            raise YamlError(f"line {line}: nested over {MAX_DEPTH} deep")
        open_.add(id(node))
        held = 1
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            held += sum(size(part, depth + 1) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            held += sum(size(part, depth + 1) for part in node.value)
        open_.discard(id(node))
        if held > most:
            raise YamlError(f"line {line}: {too_many}")
        sizes[id(node)] = held
        return held

    size(root, 0)


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[Hashable] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            raise YamlError(f"line {key.start_mark.line + 1}: the key {key.value!r} comes twice")
        seen.add((key.tag, key.value))
