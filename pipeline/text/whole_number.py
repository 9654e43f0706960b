"""Whole numbers as rows, options and counts are numbered, read from text that may be anything."""

LONGEST = 18
"""Digits, which 64 bits hold. Python refuses to read more than 4,300."""


def read_whole(text: str) -> int | None:
    """The number that `text` is; None where it is none, or a longer one. A superscript or a digit of another script,
    which `str.isdigit` lets pass, is none."""
    return int(text) if len(text) <= LONGEST and text.isascii() and text.isdigit() else None
