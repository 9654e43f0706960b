"""Units and currencies: a translation names those of its original and no others, so that nothing is converted."""

import re
from functools import lru_cache
from pathlib import Path

UNITS = Path(__file__).parent / "units.txt"


def compare_units(prose: str, translated: str, language: str) -> tuple[set[str], set[str]]:
    """The kinds of units that are gone from a translation, and those that are new in it ("mile", "dollar")."""
    was, may_be = find_units(prose, "en")
    is_, may_now = find_units(translated, language)
    return was - is_ - may_now, is_ - was - may_be


def find_units(prose: str, language: str) -> tuple[set[str], set[str]]:
    """The kinds that prose names, and those that it may mean: in `units.txt` a word after `~` has other senses too."""
    prose = prose.lower()
    return tuple(  # type: ignore[return-value]
        {kind for kind, *patterns in _patterns(language) if (pattern := patterns[at]) and pattern.search(prose)}
        for at in (0, 1)
    )


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None], ...]:
    patterns = []
    for line in UNITS.read_text(encoding="utf-8").splitlines():
        head, _, listed = line.partition(": ")
        kind, spoken = head.split()
        if spoken == language:
            words = listed.split()
            sure = "|".join(_bounded(word) for word in words if not word.startswith("~"))
            maybe = "|".join(_bounded(word[1:]) for word in words if word.startswith("~"))
            patterns.append((kind, re.compile(sure) if sure else None, re.compile(maybe) if maybe else None))
    return tuple(patterns)


def _bounded(word: str) -> str:
    """Letters make whole words, though digits may touch them; signs and Chinese stand anywhere."""
    return word if re.match(r"[%€$¢\\一-鿿]", word) else rf"(?<![^\W\d_])(?:{word})(?![^\W\d_])"
