"""Text from data as a terminal, a log or a table may show it."""

from typing import TextIO

REPLACEMENT = "�"
_DIRECTIONS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)))
"""Marks that change the order in which later characters are shown."""


def make_visible(text: str) -> str:
    """`text` without what a terminal obeys: control characters but newline and tab, marks of direction, and halves of
    surrogate pairs are shown as a replacement character."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(REPLACEMENT if _is_obeyed(c) else c for c in text)


def print_visible(text: str, file: TextIO | None = None) -> None:
    """Print a line, at once; whatever of it comes from data is made visible."""
    print(make_visible(text), file=file, flush=True)


def make_line(text: str) -> str:
    """`text` so, and on one line."""
    return " ".join(make_visible(text).replace("\u2028", " ").replace("\u2029", " ").split())


def _is_obeyed(c: str) -> bool:
    code = ord(c)
    if c in "\n\t":
        return False
    return code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000 or c in _DIRECTIONS
