"""Reads what stands behind a value as its condition: `8 when x = 2`, but not `8 if x > 0, 9 if x < 0`."""

from __future__ import annotations

import re

from pipeline.verify.reader.values import Unreadable

_WORDS = r"(?:if|when|whenever|where|for|with|at|such that|provided|given|as long as)\b"
CONDITION = re.compile(rf"(?i)\s*,?\s*(?:{_WORDS}|(?:otherwise|unless)\b)")
"""What holds otherwise, or unless something else does, equals only what is written alike."""
_JOIN = re.compile(r"(?i)[,;]|\b(?:and|or|but)\b")
_ELSE = re.compile(r"(?i)\b(?:else|elsewhere|elif|instead)\b")
_LATER = re.compile(rf"(?i)\S.*?(?<![^\W\d_]){_WORDS}")
_BOUND = re.compile(r"(?i)\s*,?\s*at\s+(?:most|least)\b")
_AMOUNT_OF = re.compile(r"(?i)-?\d[\d.]*\s+(?!otherwise|unless)[^\W\d_]{3,}")


def check_condition(text: str) -> None:
    """Raises Unreadable where a condition goes on to another value (one that has a condition of its own, or that holds
    where the first does not), or is none: `12 at most`."""
    if _BOUND.match(text):
        raise Unreadable("a bound, not a value")
    if _ELSE.search(text):
        raise Unreadable("a value for all other cases")
    for part in _JOIN.split(text)[1:]:
        part = part.strip()
        if _LATER.match(part) or _AMOUNT_OF.match(part):
            raise Unreadable("several values, each with its condition")
