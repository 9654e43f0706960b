"""A completion that was cut goes on from its own tokens, and becomes one text with what comes then.

A tokenizer is no function of the text: what it makes of the text again is often not what the model wrote, and a cut may
fall into a character. So the tokens are kept, and texts are joined by decoding all of them.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

BROKEN = "\ufffd"
"""What decoders write for part of a character."""


@dataclass(frozen=True)
class Begun:
    """A completion as far as it came: its text as it was given out, and all of its tokens."""

    text: str
    tokens: "array[int]"


def keep_tokens(tokens: Sequence[int]) -> "array[int]":
    """Tokens in four bytes each: a list of Python's numbers takes nine times as much."""
    return array("i", tokens)


def join_text(begun: str, first: str, whole: str, stop: Sequence[str]) -> tuple[str, bool]:
    """(the text of a completion that was continued, whether one of `stop` ends it).

    `first` and `whole` are what the tokens of the first step and all of them decode to. Between the two the text given
    out grows as they do; what it began with (an opening tag, a blank) stays. A stop string that lies across the cut is
    seen by nobody but here.
    """
    text = begun + whole[len(first.rstrip(BROKEN)) :].rstrip(BROKEN)
    ends = [at for string in stop if (at := text.find(string, max(0, len(begun) - len(string) + 1))) >= 0]
    return (text[: min(ends)], True) if ends else (text, False)
