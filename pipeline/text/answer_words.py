"""The words that stand around an answer in the seven languages: what announces it, joins it, or changes it."""

import re
from functools import lru_cache
from pathlib import Path

WORDS = Path(__file__).parent / "answer_words.txt"
_HAN = re.compile(r"[\u4e00-\u9fff]")


@lru_cache(maxsize=16)
def answer_words(kind: str) -> frozenset[str]:
    """All phrases of one kind (`announce`, `copula`, `or`, `and`, `around`, `changes`, `denies` (before a
    value), `denied` (behind it), `contrast`), in small letters."""
    phrases: list[str] = []
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        head, _, listed = line.partition(": ")
        if head.split()[0] == kind:
            phrases += [phrase.strip().lower() for phrase in listed.split("|")]
    return frozenset(phrases)


@lru_cache(maxsize=16)
def phrase_pattern(kind: str) -> str:
    """A pattern for any phrase of a kind: whole words in scripts with spaces, anywhere in Chinese."""
    phrases = sorted(answer_words(kind), key=len, reverse=True)
    return "|".join(
        re.escape(phrase)
        if _HAN.search(phrase)
        else rf"(?<![^\W\d_])(?:{re.escape(phrase)})(?![^\W\d_])".replace(r"\ ", r"\s+")
        for phrase in phrases
    )
