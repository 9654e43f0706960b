"""Where two statements with the same mathematics differ, and whether that makes them two problems.

Both are read without filler and with one word for all that are interchangeable (`Statement.told`), and aligned. Each
place where they still differ must then be explained as no change of the problem: a misspelling, a clause that moved, a
name that is another throughout, a sentence around the problem that speaks of nothing in it, a little word more. What
is left is either known to turn a question (`largest` for `smallest`), or only not known to be harmless.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from pipeline.dedup.reading import is_hard
from pipeline.dedup.statement import Statement, read_turning
from pipeline.dedup.vocabulary import CONTRARY_WORDS, NEGATING_PREFIXES, PLACE_WORDS, TURNING_WORDS

Weight = Literal["harmless", "unknown", "turning"]
"""What differences make of two statements: one problem, nobody knows, or two."""

MOVED = 3
"""Tokens of a clause that has moved whole. A word or two that moved may say something else: `got more heads`."""
ADDED = 4
"""Words that only one side says, from which on they may be a premise: the other side is a problem without it."""
STEADY_WORDS = frozenset({"number", "all"})
"""Words of which the place says nothing; any other that has moved alone may have changed places with another."""
COMPARED = 400
"""Pairs of words that are looked at for misspellings, or of places for moved clauses: more, and the texts are not
alike."""


@dataclass
class Difference:
    """One place: what the first statement says there, and what the second does."""

    removed: list[str]
    added: list[str]


def weigh_differences(a: Statement, b: Statement, is_story: bool) -> Weight:
    """What the differences of two statements make of them; `is_story`: its numbers make the problem, not its words.

    The same whichever comes first.
    """
    if b.tokens < a.tokens:
        a, b = b, a
    b = _respell(b, a)
    a = _respell(a, b)
    rest, other = _leave_equal(a.told, b.told)
    if not rest or not other:
        return _weigh_frame(rest or other, b.told if rest else a.told)
    differences = _align([token for told in rest for token in told], [token for told in other for token in told])
    _cancel_moved(differences)
    pairs: list[tuple[str, str]] = []
    left: list[Difference] = []
    for difference in differences:
        _drop_places(difference)
        if len(difference.removed) == len(difference.added):
            pairs += zip(difference.removed, difference.added, strict=True)
        elif difference.removed or difference.added:
            left.append(difference)
    renamed = _find_renamed(a, b, pairs) if is_story else frozenset()
    left += [Difference([here], [there]) for here, there in pairs if (here, there) not in renamed]
    return _weigh_left(left)


def _find_renamed(a: Statement, b: Statement, pairs: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The names that are another name on the other side wherever they stand, each only one."""
    instead: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for here, there in pairs:
        instead[here].add(there)
        back[there].add(here)
    said = {word for told in a.told for word in told} & {word for told in b.told for word in told}
    return frozenset(
        (here, there)
        for here, there in pairs
        if here in a.names
        and there in b.names
        and len(instead[here]) == len(back[there]) == 1
        and said.isdisjoint((here, there))
        and not (_is_turning(here) or _is_turning(there))
    )


def exchanges(a: Statement, b: Statement) -> bool:
    """Whether two tokens stand in each other's place: first a heart and then a club, or first a club."""
    differences = _align([token for told in a.told for token in told], [token for told in b.told for token in told])
    return _is_exchanged(
        (here, there)
        for difference in differences
        if len(difference.removed) == len(difference.added)
        for here, there in zip(difference.removed, difference.added, strict=True)
    )


def _is_exchanged(pairs: Iterable[tuple[str, str]]) -> bool:
    put = set(pairs)
    return any((there, here) in put for here, there in put)


def _weigh_left(left: Sequence[Difference]) -> Weight:
    if not left:
        return "harmless"
    for difference in left:
        words = difference.removed + difference.added
        if any(_is_turning(word) for word in words) or negates(difference.removed, difference.added):
            return "turning"
        if _has_ideograph(difference.removed) and _has_ideograph(difference.added):
            return "turning"
        if max(len(difference.removed), len(difference.added)) >= ADDED and not (
            difference.removed and difference.added
        ):
            return "turning"
    gone = {d.removed[0] for d in left if len(d.removed) == 1 and not d.added}
    come = {d.added[0] for d in left if len(d.added) == 1 and not d.removed}
    if gone & come - STEADY_WORDS:
        return "turning"
    single = ((d.removed[0], d.added[0]) for d in left if len(d.removed) == len(d.added) == 1)
    return "turning" if _is_exchanged(single) else "unknown"


def _leave_equal(
    told: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The sentences that only one side has, in their order: those that both have may have changed places."""
    both = Counter(told) & Counter(other)
    return _leave(told, both.copy()), _leave(other, both.copy())


def _leave(told: Sequence[tuple[str, ...]], both: Counter[tuple[str, ...]]) -> list[tuple[str, ...]]:
    rest = []
    for sentence in told:
        if both[sentence]:
            both[sentence] -= 1
        else:
            rest.append(sentence)
    return rest


def _weigh_frame(frame: Sequence[tuple[str, ...]], whole: Sequence[tuple[str, ...]]) -> Weight:
    """Sentences that one side has more: harmless where they speak of nothing that the problem speaks of."""
    words = {word for told in frame for word in told}
    if not words:
        return "harmless"
    if any(is_hard(word) or word in read_turning(TURNING_WORDS) for word in words):
        return "turning"
    spoken = {word for told in whole for word in told}
    return "turning" if words & spoken - PLACE_WORDS else "harmless"


def _align(tokens: Sequence[str], other: Sequence[str]) -> list[Difference]:
    steps = SequenceMatcher(None, tokens, other, autojunk=False).get_opcodes()
    return [
        Difference(list(tokens[start:end]), list(other[start_other:end_other]))
        for step, start, end, start_other, end_other in steps
        if step != "equal"
    ]


def _cancel_moved(differences: Sequence[Difference]) -> None:
    """Take out clauses that one side says here and the other there."""
    if len(differences) ** 2 > COMPARED:
        return
    for here in differences:
        for there in differences:
            while here is not there and len(here.removed) >= MOVED <= len(there.added):
                match = SequenceMatcher(None, here.removed, there.added, autojunk=False).find_longest_match()
                if match.size < MOVED:
                    break
                del here.removed[match.a : match.a + match.size]
                del there.added[match.b : match.b + match.size]


def _drop_places(difference: Difference) -> None:
    """Take out little words that say where, where only one side has any."""
    here, there = (PLACE_WORDS.intersection(side) for side in (difference.removed, difference.added))
    if not (here and there):
        difference.removed = [word for word in difference.removed if word not in PLACE_WORDS]
        difference.added = [word for word in difference.added if word not in PLACE_WORDS]


def _respell(statement: Statement, other: Statement) -> Statement:
    """The statement with the words of the other where it misspells them."""
    strange = statement.words.keys() - other.words.keys()
    if len(strange) * len(other.words) > 20 * COMPARED:
        return statement
    spelt = {
        word: right
        for word in sorted(strange)
        for right in sorted(other.words)
        if is_misspelt(word, right) and not CONTRARY_WORDS.issuperset((word, right))
    }
    if not spelt:
        return statement
    return Statement(" ".join(spelt.get(token, token) for token in statement.tokens), statement.written_names)


def _is_turning(word: str) -> bool:
    """Whether a word, or a token of the mathematics, makes another problem where it is another."""
    return is_hard(word) or word in read_turning(CONTRARY_WORDS)


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
