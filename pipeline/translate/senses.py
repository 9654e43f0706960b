"""Words of mathematics that a translator by rules takes in another sense: `odd` as strange, `times` as hours.

    find_wrong_sense("Is 3 odd?", "¿Es 3 extraño?", "es")   # "odd"

`senses.txt` has, a line each, the word, where it stands in English, and how each language says it in this sense.
"""

import re
from functools import lru_cache
from pathlib import Path

WORDS = Path(__file__).parent / "senses.txt"


def find_wrong_sense(prose: str, translated: str, language: str) -> str:
    """A word of English prose that its translation does not have as often in the sense of mathematics, or ""."""
    for name, english, translations in _senses():
        if len(english.findall(prose)) > len(translations[language].findall(translated)):
            return name
    return ""


@lru_cache(maxsize=1)
def _senses() -> tuple[tuple[str, re.Pattern[str], dict[str, re.Pattern[str]]], ...]:
    senses = []
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        (name, english), *translations = (part.split(": ", 1) for part in line.split(" | "))
        patterns = {language: re.compile(words, re.IGNORECASE) for language, words in translations}
        senses.append((name, re.compile(english, re.IGNORECASE), patterns))
    return tuple(senses)
