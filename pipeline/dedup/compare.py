"""The real similarity of two statements, by which a candidate pair becomes a duplicate or does not.

Two ways to be the same problem. A *copy* has the same mathematics in the same order (sentences may change places) and
nearly the same words; what its few other words say must not turn the question (`largest` for `smallest`, two names
swapped). A *paraphrase* tells the same story in other words: the same numbers, none of them said of another thing, and
much of the same vocabulary. Neither ever joins two problems whose numbers differ.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import Literal

from pipeline.dedup.reading import END, is_hard, is_number, is_ordinal
from pipeline.dedup.vocabulary import ASKING_WORDS, CONTRARY_WORDS, LITTLE_WORDS, NEGATING_PREFIXES
from schemas.config import SameConfig

TRIVIAL_SIGNS = frozenset("()-/*+,=")
"""Signs that a word problem may have in one telling and not in the other: `2x3`, `2 * 3`, `$4-$5`."""

OPERATORS = frozenset("-/+")
"""Those of them that are never a way to write another."""


NEAR = 5
"""Words before and after a number that it belongs to."""
COMPARED = 60
"""Numbers of which each is compared with each other one: a table of hundreds would take seconds."""
SWAPPED = 2
"""Words more that two numbers must share with each other's places than with their own, and twice as many."""
FEW_NUMBERS = 2
"""Different numbers, besides 1, below which they do not distinguish a story from another."""
FEW_SIMILARITY = 0.38
"""Jaccard of vocabulary that word problems with only so many numbers need: two are shared by chance, so more words
must be."""
SHARED_WORDS = 5
"""Stems that two tellings share at least: short stories of ages and prices share three or four with each other."""


@dataclass(frozen=True)
class Likeness:
    """In what way two statements are one problem, and how alike they are, from 0 to 1."""

    how: Literal["copy", "paraphrase"]
    score: float


class Statement:
    """One canonical line and what comparing asks of it, each worked out once."""

    def __init__(self, line: str) -> None:
        self.tokens = line.split(" ") if line else []

    @cached_property
    def sentences(self) -> list[list[str]]:
        """Tokens by sentence."""
        split: list[list[str]] = [[]]
        for token in self.tokens:
            if token == END:
                split.append([])
            else:
                split[-1].append(token)
        return split

    @cached_property
    def hard(self) -> list[str]:
        """The mathematics in its order."""
        return [token for token in self.tokens if is_hard(token)]

    @cached_property
    def words(self) -> Counter[str]:
        """The words with their counts."""
        return Counter(token for token in self.tokens if token != END and not is_hard(token))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers there are. `1` does not count: one telling has `a week` where another has `1 week`."""
        return frozenset(token for token in self.hard if is_number(token)) - {"1"}

    @cached_property
    def counts(self) -> Counter[str]:
        """The same with how often each is said: in nearly equal words one more `2` is another problem."""
        return Counter(token for token in self.hard if is_number(token) and token != "1")

    @cached_property
    def ordinals(self) -> frozenset[str]:
        """Ordinals from `3rd` on: another telling may say `Wednesday`."""
        return frozenset(token for token in self.hard if is_ordinal(token))

    @cached_property
    def symbols(self) -> Counter[str]:
        """Hard tokens that are neither numbers nor ordinals nor such signs as a word problem may have."""
        return Counter(token for token in self.hard if not token[0].isdigit() and token not in TRIVIAL_SIGNS)

    @cached_property
    def content(self) -> frozenset[str]:
        """Stems of the words that tell this story from another."""
        return read_content({token for token in self.tokens if token != END and not is_hard(token)})

    @cached_property
    def signs(self) -> Counter[str]:
        """The signs within mathematics: `x^2 + tx + 12` is not `x^2 + tx - 12`."""
        return Counter(sign for sentence in self.sentences for sign in _signs(sentence, is_term))

    @cached_property
    def surroundings(self) -> dict[str, frozenset[str]]:
        """Number said once -> stems of the words near it in its sentence."""
        near: dict[str, frozenset[str]] = {}
        for sentence in self.sentences:
            for at, token in enumerate(sentence):
                if is_number(token) and token != "1" and self.counts[token] == 1:
                    words = sentence[max(0, at - NEAR) : at + NEAR + 1]
                    near[token] = read_content(word for word in words if not is_hard(word))
        return near

    @cached_property
    def counted(self) -> dict[str, set[str]]:
        """Thing -> the numbers said of it: the word after each number."""
        numbers: dict[str, set[str]] = defaultdict(set)
        for number, thing in zip(self.tokens, self.tokens[1:], strict=False):
            if is_number(number) and thing not in LITTLE_WORDS and thing != END and not is_hard(thing):
                numbers[stem(thing)].add(number)
        return numbers


def is_term(token: str) -> bool:
    """Whether a token stands in a formula: mathematics, or two letters such as the product `tx`."""
    return is_hard(token) or (len(token) == 2 and token not in LITTLE_WORDS)


@lru_cache(maxsize=1 << 14)
def prepare(line: str) -> Statement:
    """The statement of a canonical line."""
    return Statement(line)


@lru_cache(maxsize=1 << 18)
def stem(word: str) -> str:
    """A word without its usual English endings; crude, and the same for both sides."""
    for ending in ("ies", "ing", "ed", "es", "s", "e", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def read_content(words: Iterable[str]) -> frozenset[str]:
    """The stems of words that tell one story from another."""
    return frozenset(stem(word) for word in words if len(word) > 1 and word not in LITTLE_WORDS)


def compare(line: str, other: str, config: SameConfig) -> Likeness | None:
    """In what way two canonical lines are one problem; None where they are two."""
    if line == other:
        return Likeness("copy", 1.0)
    a, b = prepare(line), prepare(other)
    score = score_words(a, b)
    if score >= config.copy_similarity:
        is_same = a.hard == b.hard or (len(a.hard) == len(b.hard) and _sort_hard(a) == _sort_hard(b))
        if a.hard != b.hard and swaps_numbers(a, b):
            return None
        if is_same:
            is_told_apart = len(a.numbers) < FEW_NUMBERS and changes_words(a, b)
            return None if is_told_apart or turns_question(a, b) else Likeness("copy", score)
        if a.counts != b.counts or a.signs != b.signs or _sort_numbers(a) != _sort_numbers(b):
            return None
    return compare_stories(a, b, config) if config.paraphrases else None


def _sort_numbers(statement: Statement) -> list[list[str]]:
    """In nearly equal words, numbers that changed places, and another sign between them, ask something else: `8 - 3`,
    `3 - 8` and `8 + 3`.
    """
    return sorted(
        numbers for s in statement.sentences if (numbers := [token for token in s if is_number(token)] + _signs(s))
    )


def _signs(sentence: Sequence[str], beside: Callable[[str], bool] = is_number) -> list[str]:
    """The signs that stand between two numbers, or two tokens of another kind."""
    threes = zip(sentence, sentence[1:], sentence[2:], strict=False)
    return [sign for left, sign, right in threes if sign in OPERATORS and beside(left) and beside(right)]


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


def turns_question(a: Statement, b: Statement) -> bool:
    """Whether the few words in which two near-equal statements differ make the one another problem than the other."""
    removed, added, _ = _changes(a, b)
    if removed and added and (not CONTRARY_WORDS.isdisjoint({*removed, *added}) or negates(removed, added)):
        return True
    if removed and added and _has_ideograph(removed) and _has_ideograph(added):
        return True
    # One `and` more is a comma of a list less; in place of an `or` it was seen above.
    lone = [word for word in removed or added if word != "and"]
    if not CONTRARY_WORDS.isdisjoint(lone) and len(removed or added) < 4:
        return True
    moved = {word for word in removed if b.words[word] and word not in LITTLE_WORDS}
    arrived = {word for word in added if a.words[word] and word not in LITTLE_WORDS}
    return bool(moved and arrived) or swaps_words(a, b)


def _has_ideograph(tokens: Iterable[str]) -> bool:
    """Whether a token is a Chinese character, each of which is a word's part that means something."""
    return any("\u4e00" <= token[:1] <= "\u9fff" for token in tokens)


def negates(removed: Iterable[str], added: Iterable[str]) -> bool:
    """Whether a word of one side is the negation of a word of the other: `indistinguishable` of `distinguishable`."""
    return any(
        longer == prefix + shorter
        for word in removed
        for other in added
        for longer, shorter in ((word, other), (other, word))
        for prefix in NEGATING_PREFIXES
    )


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


def changes_words(a: Statement, b: Statement) -> bool:
    """Whether a word that means something is only in one of the two. Without numbers the words are the problem: `the
    n-th hexagonal number` and `the n-th octagonal number` are two. The name in a function's head does not count.
    """
    removed, added, _ = _changes(_leave_heads(a), _leave_heads(b))
    return read_content({*removed} - ASKING_WORDS) != read_content({*added} - ASKING_WORDS)


def _leave_heads(statement: Statement) -> Statement:
    kept = [sentence for sentence in statement.sentences if sentence[:1] != ["def"]]
    return statement if len(kept) == len(statement.sentences) else Statement(f" {END} ".join(map(" ".join, kept)))


def swaps_words(a: Statement, b: Statement) -> bool:
    """Whether words have changed places with each other; a sentence or a clause that moved is no swap."""
    if _sort_stories(a) == _sort_stories(b):
        return False
    story, other = _tell(a.tokens), _tell(b.tokens)
    put: set[tuple[str, str]] = set()
    gone: set[str] = set()
    come: set[str] = set()
    for _, start, end, start_other, end_other in SequenceMatcher(None, story, other, autojunk=False).get_opcodes():
        here, there = story[start:end], other[start_other:end_other]
        if here == there:
            continue
        if len(here) == len(there) == 1:
            put.add((here[0], there[0]))
        elif len(here) + len(there) == 1:
            (gone if here else come).update(here or there)
    swapped = any((there, here) in put or (there in gone and here in come) for here, there in put)
    return swapped or not gone.isdisjoint(come)


def _tell(tokens: Sequence[str]) -> list[str]:
    return [token for token in tokens if token != END and token not in LITTLE_WORDS and not is_hard(token)]


def _sort_stories(statement: Statement) -> list[list[str]]:
    return sorted(words for sentence in statement.sentences if (words := _tell(sentence)))


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
    return Likeness("paraphrase", shared)


@lru_cache(maxsize=1 << 16)
def is_misspelt(word: str, other: str) -> bool:
    """Whether one word is the other with a letter swapped with its neighbour, or, in a long word, added or missing."""
    if abs(len(word) - len(other)) > 1 or min(len(word), len(other)) < 4:
        return False
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    if len(word) == len(other):
        here, there = word[start:], other[start:]
        return here[:2] == there[1::-1] and here[2:] == there[2:]
    longer, shorter = (word, other) if len(word) > len(other) else (other, word)
    return len(shorter) >= 5 and not longer.endswith("s") and longer[start + 1 :] == shorter[start:]
