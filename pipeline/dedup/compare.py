"""The real similarity of two statements, by which a candidate pair becomes a duplicate or does not.

Two ways to be the same problem. A *copy* has the same mathematics in the same order (sentences may change places) and
nearly the same words, and each place where the two still differ is explained (`differences.py`). A *paraphrase* tells
the same story in other words: the same numbers, none of them said of another thing, the same formulas, the same words
on which a question turns, and much of the same vocabulary. Neither ever joins two problems whose numbers differ.

Either may be proved by the texts alone, or only likely: what the texts leave open, labels that agree must confirm.
What is neither is two problems, since a good problem lost costs more than a copy kept.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pipeline.dedup.differences import exchanges, is_misspelt, weigh_differences
from pipeline.dedup.reading import is_hard, is_number
from pipeline.dedup.statement import Statement, find_signs, prepare, read_turning
from pipeline.dedup.vocabulary import OPPOSITES
from schemas.config import SameConfig

COMPARED = 60
"""Numbers of which each is compared with each other one: a table of hundreds would take seconds."""
SWAPPED = 2
"""Words more that two numbers must share with each other's places than with their own, and twice as many."""
FEW_NUMBERS = 2
"""Different numbers, besides 1, below which they do not distinguish a story from another."""
FEW_SIMILARITY = 0.38
"""Jaccard of vocabulary that word problems with only so many numbers need: two are shared by chance, so more words
must be."""
CLOSE_SIMILARITY = 0.6
"""The same where one says a number once more than the other, or a word on which a question may turn."""
SHARED_WORDS = 5
"""Stems that two tellings share at least: short stories of ages and prices share three or four with each other."""
GROUPING = frozenset("()*")
"""Signs that one hand writes around a formula or in it, and another does not."""
REWORDED = 0.5
"""Share of `copy_similarity` that the words need where filler and synonyms may make up for the rest."""


@dataclass(frozen=True)
class Likeness:
    """In what way two statements are one problem, how alike they are, from 0 to 1, and whether their texts prove it."""

    how: Literal["copy", "paraphrase"]
    score: float
    is_proved: bool = True


def compare(line: str, other: str, config: SameConfig, names: str = "", names_other: str = "") -> Likeness | None:
    """In what way two canonical lines are one problem; None where they are two.

    `names` are what each text writes as names (`reading.read_names`).
    """
    if line == other:
        return Likeness("copy", 1.0)
    a, b = prepare(line, names), prepare(other, names_other)
    score = score_words(a, b)
    is_near = score >= config.copy_similarity
    if is_near and a.hard != b.hard and swaps_numbers(a, b):
        return None
    if score >= config.copy_similarity * REWORDED and _has_same_hard(a, b):
        is_story = len(a.numbers) >= FEW_NUMBERS
        score = score if is_near else score_told(a, b)
        weight = weigh_differences(a, b, is_story) if score >= config.copy_similarity else "turning"
        if weight == "harmless" or (weight == "unknown" and is_story):
            return Likeness("copy", score, weight == "harmless")
        if is_near:
            return None
    elif is_near and (
        a.counts != b.counts or a.signs != b.signs or _sort_numbers(a) != _sort_numbers(b) or exchanges(a, b)
    ):
        return None
    return compare_stories(a, b, config) if config.paraphrases else None


def _sort_numbers(statement: Statement) -> list[list[str]]:
    """In nearly equal words, numbers that changed places, and another sign between them, ask something else: `8 - 3`,
    `3 - 8` and `8 + 3`.
    """
    return sorted(
        numbers for s in statement.sentences if (numbers := [token for token in s if is_number(token)] + find_signs(s))
    )


def _has_same_hard(a: Statement, b: Statement) -> bool:
    return a.hard == b.hard or (len(a.hard) == len(b.hard) and _sort_hard(a) == _sort_hard(b))


def _sort_hard(statement: Statement) -> list[list[str]]:
    return sorted(hard for s in statement.sentences if (hard := [token for token in s if is_hard(token)]))


def _changes(a: Statement, b: Statement) -> tuple[list[str], list[str], list[str]]:
    """Words only in `a`, words only in `b`, and those more that one spells otherwise than the other."""
    removed, added = list((a.words - b.words).elements()), list((b.words - a.words).elements())
    misspelt: list[str] = []
    if len(removed) * len(added) <= 400:
        for word in tuple(removed):
            near = next((other for other in added if is_misspelt(word, other)), None)
            if near is not None:
                removed.remove(word)
                added.remove(near)
                misspelt += [word, near]
    return removed, added, misspelt


def score_words(a: Statement, b: Statement) -> float:
    """The share of words that both have (Dice over counts); a misspelling costs half a word."""
    count = a.words.total() + b.words.total()
    if not count:
        return 1.0
    removed, added, misspelt = _changes(a, b)
    return 1 - (len(removed) + len(added) + len(misspelt) / 2) / count


def score_told(a: Statement, b: Statement) -> float:
    """The same over what both tell: without filler, and with one word for all that are interchangeable."""
    told, other = (Counter(token for told in s.told for token in told if not is_hard(token)) for s in (a, b))
    return 2 * (told & other).total() / max(1, told.total() + other.total())


def swaps_numbers(a: Statement, b: Statement) -> bool:
    """Whether two numbers have changed places: each is said among the words that the other is said among there.

    `48 sweets, 6 a day` and `6 sweets, 48 a day` have the same numbers and the same words.
    """
    both = sorted(a.surroundings.keys() & b.surroundings.keys())[:COMPARED]
    for at, number in enumerate(both):
        for other in both[at + 1 :]:
            here, there = a.surroundings[number], a.surroundings[other]
            own, others = b.surroundings[number], b.surroundings[other]
            kept = len(here & own) + len(there & others)
            if len(here & others) + len(there & own) >= max(2 * kept, kept + SWAPPED):
                return True
    return False


def compare_stories(a: Statement, b: Statement, config: SameConfig, words: int = SHARED_WORDS) -> Likeness | None:
    """Whether two word problems tell one story: the same numbers of the same things, and a shared vocabulary of `words`
    stems at least.
    """
    if a.numbers != b.numbers or len(a.numbers) < FEW_NUMBERS or a.symbols != b.symbols:
        return None
    if not (a.ordinals <= b.ordinals or b.ordinals <= a.ordinals):
        return None
    both = len(a.content & b.content)
    shared = both / max(1, len(a.content | b.content))
    needed = config.paraphrase_similarity
    if len(a.numbers) == FEW_NUMBERS:
        needed = max(needed, FEW_SIMILARITY)
    if both < words or shared < needed:
        return None
    for thing in a.counted.keys() & b.counted.keys():
        if a.counted[thing].isdisjoint(b.counted[thing]):
            return None
    if swaps_numbers(a, b):
        return None
    if not _has_same_formulas(a, b) or _has_opposites(a, b):
        return None
    is_few = len(a.numbers) == FEW_NUMBERS
    is_equal = a.counts == b.counts and a.turning == b.turning
    if is_few and shared < CLOSE_SIMILARITY and not is_equal:
        return None
    return Likeness("paraphrase", shared, not is_few and is_equal)


def _has_same_formulas(a: Statement, b: Statement) -> bool:
    """Whether both have the same formulas: nobody tells them in other words."""
    if a.formulas == b.formulas:
        return True
    return [t for t in a.hard if t not in GROUPING] == [t for t in b.hard if t not in GROUPING]


def _has_opposites(a: Statement, b: Statement) -> bool:
    """Whether one says the contrary of what the other says: `not`, or `before` where the other says `after`."""
    if ("not" in a.contrary) != ("not" in b.contrary):
        return True
    lost, gained = a.contrary - b.contrary, b.contrary - a.contrary
    return any(not kind.isdisjoint(lost) and not kind.isdisjoint(gained) for kind in read_opposites())


@cache
def read_opposites() -> tuple[frozenset[str], ...]:
    """`OPPOSITES` as `Statement.told` has them."""
    return tuple(read_turning(kind) for kind in OPPOSITES)
