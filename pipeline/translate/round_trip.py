"""Whether a translation that is translated back says what its original says, word by word.

    find_changed_words("Tom buys a red tie.", "zqaa buys a red bow.")   # ["tie"]

A word that was taken in another sense seldom comes back as itself: `tie` is `lazo` is `bow`. One that has both senses
in both languages does (`draw`, `dibujar`), which is what `senses.txt` is for.
"""

import re
from collections import Counter

_LITTLE = frozenset(
    str.split(
        "a an the of in on at to for by with from into and or nor but if then than as so that this these those there "
        "is are was were be been being am it its he him his she her hers they them their theirs we us our you your i "
        "me my who whom whose which what when where how why do does did done has have had having will would shall "
        "should can could may might must not no yes each every all any some both either let suppose also just very "
        "many much compute calculate find determine evaluate given"
    )
)
"""Words of grammar, which each language has in other numbers and places; and those that ask, which the check
compares."""
_WORD = re.compile(r"[a-z]+")
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ations?|ions?|ingly|ings?|ies|ely|ly|es|ed|er|e|s|y)$")


def find_changed_words(english: str, back: str) -> list[str]:
    """The words of meaning that `english` has more often than `back`, by their stems, one for each time."""
    there = Counter(_find_stem(word) for word in _list_words(back))
    changed = []
    for word in _list_words(english):
        stem = _find_stem(word)
        if there[stem] > 0:
            there[stem] -= 1
        else:
            changed.append(word)
    return changed


def count_words(english: str) -> int:
    """How many words of meaning it has."""
    return len(_list_words(english))


def _list_words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _LITTLE and not word.startswith("zq")]


def _find_stem(word: str) -> str:
    stem = _ENDING.sub("", word)
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem
