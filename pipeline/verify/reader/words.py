"""Answers in words: a name, a day, yes or no, a phrase of few words."""

from __future__ import annotations

import re

from pipeline.verify.reader.grammar import Reader
from pipeline.verify.reader.structure import strip_words
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Quantity, Unreadable, Value, Word

MAX_WORDS = 6
MAX_WORD = 40
_SHORT_WORDS = r"[A-Z][a-z]+|yes|no|odd|all|none|red|one|two|six|ten|win|tie|oui|non|ja|nein|si|sim"
_CAPITALS = frozenset(("YES", "NO", "DNE", "NONE", "TRUE", "ODD"))
"""Words that may be written in capitals, which otherwise name points."""


def read_words(tokens: tuple[Token, ...]) -> Value | None:
    """The words of text and word tokens, a letter alone as a symbol, or None for what may be a product of letters."""
    text = strip_words(tokens)
    if not any(character.isalpha() for character in text) or any(len(word) > MAX_WORD for word in text.split()):
        raise Unreadable(f"cannot read {text[:12]!r}")
    if len(text) == 1 and text.isascii():
        return Quantity(Reader((Token("word", text),)).whole())
    if (
        len(tokens) == 1
        and tokens[0].kind == "word"
        and len(text) < 4
        and not re.fullmatch(_SHORT_WORDS, tokens[0].text)
        and tokens[0].text not in _CAPITALS
    ):
        english = len(text) == 3 and re.search(r"[aeiou]", text) and re.search(r"[^aeiou]", text) and text.islower()
        if tokens[0].text.isascii() and not english:
            return None
    if len(tokens) == 1 and tokens[0].kind == "text" and re.fullmatch(r"\(?[A-Za-z]\)?", text):
        return Quantity(Reader((Token("word", text.strip("()")),)).whole())
    if len(text.split()) > MAX_WORDS:
        raise Unreadable("a sentence")
    return Word(text.lower())


def may_be_words(tokens: tuple[Token, ...]) -> bool:
    """Whether words and their marks are all that stands here, and not a formula of letters such as `-i`."""
    if any(token.kind not in ("text", "word", "mark") or token.text in "+*/^_" for token in tokens):
        return False
    marks = [token.text for token in tokens if token.kind == "mark"]
    if any(mark not in (".", "'", "-", "!") for mark in marks):
        return False
    return not marks or any(token.kind == "text" or len(token.text) > 1 for token in tokens if token.kind != "mark")
