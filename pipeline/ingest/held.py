"""How many rows may be held at once, by what they hold rather than by their number alone."""

from collections.abc import Iterator
from typing import Any

HELD_CHARACTERS = 32 << 20
"""Of rows held together, but for the last: Python and Polars each have them once."""


def take(rows: Iterator[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The next rows: at most `most`, fewer where they are large; none at the end."""
    taken: list[dict[str, Any]] = []
    held = 0
    for row in rows:
        taken.append(row)
        held += count_characters(row)
        if len(taken) == most or held > HELD_CHARACTERS:
            break
    return taken


def count_characters(value: Any) -> int:
    """Characters of all texts in a row's value."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(map(count_characters, value.values()))
    return sum(map(count_characters, value)) if isinstance(value, list | tuple) else 0
