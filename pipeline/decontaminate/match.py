"""Whether a problem is, or holds, an item of a benchmark, and in what way.

Four ways, and the first that holds is named: the item formatted otherwise or in other words (`copy`, `paraphrase`, by
the comparison of dedup); the item inside the problem, perhaps shortened or stretched (`contains`); the item in another
language (`translation`); the item's text with other numbers (`variant`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from pipeline.decontaminate.index import RUN, Entry, Index, cut_runs, drop_ends
from pipeline.dedup.compare import FEW_NUMBERS, compare, compare_stories
from pipeline.dedup.labels import disagree
from pipeline.dedup.reading import END, is_number
from pipeline.dedup.statement import Statement
from pipeline.dedup.vocabulary import CONTRARY_WORDS, LITTLE_WORDS
from schemas.config import DecontaminateConfig

How = Literal["copy", "paraphrase", "contains", "translation", "variant"]
CONTAINMENT = 0.6
"""Share of an item's runs, by weight, that a problem has before it counts as containing the item. Chosen on the truth
set: items embedded, shortened by a sentence or stretched by one are detected, and no clean problem is."""
SHORT = 8
"""Tokens below which an item must be a whole sentence of the problem: `simplify \\sqrt 242` may begin a longer one."""
SHOWN = 160
"""Characters of shared text that a detail shows."""
AGREED = 0.5
"""Share of the vocabulary of a paraphrase that is enough where the labels agree too. Of 3,000 problems of GSM8K train
and the test items, pairs with three and more numbers, all equal, and equal labels share at most a tenth of their
words; retellings share a fifth and more."""
AGREED_WORDS = 4
"""Stems that such tellings share at least: those pairs share two at most."""
SIGNS = frozenset("+-*/=")
FOREIGN = 0.12
"""Share of English little words among a text's words below which it is in another language; English has 0.35."""
FOREIGN_WORDS = 5
"""Words of a translation that its item does not have: a formula behind an English order is in no other language."""
NAMED_NUMBERS, UNNAMED_NUMBERS = 3, 5
"""Different numbers that a translation shares with its item, with a name in common and without."""


@dataclass(frozen=True)
class Match:
    """The item that a problem matches, how, how much (0 to 1), and the longest text that both have."""

    how: How
    entry: Entry
    score: float
    shared: str

    @property
    def detail(self) -> str:
        """For the reject's `detail`: benchmark, item, way and shared text."""
        item = self.entry.item
        return f"{self.how} of {item.benchmark} {item.id} ({self.score:.2f}): {self.shared}"


def find_match(line: str, index: Index, config: DecontaminateConfig, answer: str | None = None) -> Match | None:
    """The best match of a problem's canonical line, None where it is clean. Ties go to the first item."""
    problem = Statement(line)
    tokens = drop_ends(problem.tokens)
    if not tokens:
        return None
    covered = dict(_cover(tokens, index))
    candidates = {place for place, share in covered.items() if share >= CONTAINMENT / 2}
    candidates |= {place for place in index.by_numbers.get(problem.numbers, ()) if len(problem.numbers) > 1}
    for sentence in (tokens, *problem.sentences):
        candidates |= set(index.by_sentence.get(" ".join(sentence), ()))
    variant: Match | None = None
    best: Match | None = None
    for place in sorted(candidates):
        match = _judge(problem, tokens, index.entries[place], covered.get(place, 0.0), config, answer)
        if match is None:
            continue
        if match.how == "variant":
            variant = match if variant is None or match.score > variant.score else variant
        elif best is None or match.score > best.score:
            best = match
    return best or _find_translation(problem, tokens, index) or variant


def _cover(tokens: tuple[str, ...], index: Index) -> Iterator[tuple[int, float]]:
    """Place of each item that shares a run, with the share of its runs that the problem has, by weight."""
    shared: dict[int, float] = defaultdict(float)
    for run in set(cut_runs(tokens)):
        for place in index.by_run.get(run, ()):
            shared[place] += index.entries[place].runs[run]
    for place, weight in shared.items():
        yield place, weight / index.entries[place].weight


def _judge(
    problem: Statement,
    tokens: tuple[str, ...],
    entry: Entry,
    covered: float,
    config: DecontaminateConfig,
    answer: str | None,
) -> Match | None:
    line = " ".join(problem.tokens)
    for text in {entry.line, " ".join(entry.core.tokens)}:
        like = compare(text, line, config.same)
        if like and not (like.how == "paraphrase" and disagree(answer or "", entry.item.answer or "")):
            return Match(like.how, entry, like.score, _share(tokens, entry.tokens))
    if (score := _retells(problem, entry, config, answer)) is not None:
        return Match("paraphrase", entry, score, _share(tokens, entry.tokens))
    if len(entry.tokens) < SHORT:
        whole = list(entry.tokens)
        is_there = whole == list(tokens) or any(sentence == whole for sentence in problem.sentences)
        return Match("contains", entry, 1.0, " ".join(whole)) if is_there else None
    if covered < CONTAINMENT or _turns(entry, problem) or _count_shared(tokens, entry) < SHORT:
        return None
    missing, extra = entry.core.numbers - problem.numbers, problem.numbers - entry.core.numbers
    ours, theirs = _count_terms(tokens), _count_terms(entry.tokens)
    # A shortened item lacks numbers and a stretched one has more; one that does both says other numbers.
    how: How = "variant" if (missing or theirs - ours) and (extra or ours - theirs) else "contains"
    return Match(how, entry, covered, _share(tokens, entry.tokens))


def _retells(problem: Statement, entry: Entry, config: DecontaminateConfig, answer: str | None) -> float | None:
    """The share of the vocabulary of two word problems with the same numbers and labels; None where it is no retelling.

    The label is evidence that dedup's comparison does not have: so many equal numbers that lead to an equal answer are
    hardly ever another story.
    """
    same, theirs = config.same, entry.item.answer
    if not (same.paraphrases and answer and theirs and problem.numbers == entry.core.numbers):
        return None
    if len(problem.numbers) <= FEW_NUMBERS or disagree(answer, theirs):
        return None
    loose = same.model_copy(update={"paraphrase_similarity": same.paraphrase_similarity * AGREED})
    like = compare_stories(entry.core, problem, loose, AGREED_WORDS)
    return like.score if like else None


def _count_terms(tokens: tuple[str, ...]) -> Counter[str]:
    """The numbers beside a sign. There a `1` is no article, and `2 + 2` has a number more than `2 + x`."""
    around = zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False)
    return Counter(token for left, token, right in around if is_number(token) and SIGNS & {left, right})


def _count_shared(tokens: tuple[str, ...], entry: Entry) -> int:
    """How many of an item's tokens lie in runs that the problem has: few, and they are a phrase of the trade."""
    there = set(cut_runs(tokens))
    runs = list(cut_runs(entry.tokens))
    return len({at + step for at, run in enumerate(runs) if run in there for step in range(RUN)})


def _turns(entry: Entry, problem: Statement) -> bool:
    """Whether the problem lacks a word on which the item's question turns and has another such word for it."""
    lost = entry.core.words.keys() - problem.words.keys()
    gained = problem.words.keys() - entry.core.words.keys()
    return bool(CONTRARY_WORDS & lost) and bool(CONTRARY_WORDS & gained) and len(lost) <= 4


def _share(tokens: tuple[str, ...], item: tuple[str, ...]) -> str:
    """The longest run of tokens that both have."""
    shared = SequenceMatcher(None, tokens, item, autojunk=False).find_longest_match()
    text = " ".join(tokens[shared.a : shared.a + shared.size])
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " ..."


def _find_translation(problem: Statement, tokens: tuple[str, ...], index: Index) -> Match | None:
    count = problem.words.total()
    little = sum(number for word, number in problem.words.items() if word in LITTLE_WORDS)
    if not count or little / count >= FOREIGN or len(problem.numbers) < NAMED_NUMBERS:
        return None
    shared: Counter[int] = Counter(place for n in problem.numbers for place in index.by_number.get(n, ()))
    best: Match | None = None
    for place, both in sorted(shared.items()):
        entry = index.entries[place]
        names = {word for word in problem.words if len(word) > 2 and word in entry.core.words} - LITTLE_WORDS
        if both < (NAMED_NUMBERS if names else UNNAMED_NUMBERS) or both < len(problem.numbers):
            continue
        if len(problem.words.keys() - entry.core.words.keys()) < FOREIGN_WORDS:
            continue
        score = both / max(len(entry.core.numbers), 1)
        if score >= 2 / 3 and (best is None or score > best.score):
            rare = [token for token in tokens if (is_number(token) and token in entry.core.numbers) or token in names]
            best = Match("translation", entry, score, " ".join(token for token in rare if token != END)[:SHOWN])
    return best
