"""Ratios, `3:2` and `3 to 2`, which may also be times of day."""

from __future__ import annotations

import re

from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.structure import split
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Ratio, Value

_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")


def read_ratio(tokens: tuple[Token, ...]) -> Value | None:
    """The ratio that tokens write, or None."""
    members = split(tokens, _parts)
    if len(members) == 1:
        return None
    text = "".join(token.text for token in tokens)
    nodes = tuple(Reader(part).whole() for part, _ in members)
    return Ratio(nodes, text if _CLOCK.fullmatch(text) else "")


def _parts(token: Token) -> bool:
    if token.kind in ("word", "text"):
        return token.text.strip() == "to"
    return token.text == ":" and token.kind in ("mark", "command")
