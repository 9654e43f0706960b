"""Words that known copies of one problem have in each other's place: `interchangeable.txt`, and where it is applied."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

Phrase = tuple[str, ...]


def read_groups() -> Iterator[list[str]]:
    """The groups of the list, each with the word first that stands for all."""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [phrase.strip() for phrase in line.split("|")]


@cache
def _read_phrases() -> dict[str, list[tuple[Phrase, str]]]:
    """First word -> the phrases that begin with it, the longest first, each with what stands for it."""
    phrases: dict[str, list[tuple[Phrase, str]]] = {}
    for group in read_groups():
        for phrase in group:
            words = tuple(phrase.split())
            phrases.setdefault(words[0], []).append((words, group[0].replace(" ", "_")))
    for known in phrases.values():
        known.sort(key=lambda entry: -len(entry[0]))
    return phrases


def replace_alike(tokens: Sequence[str]) -> list[str]:
    """Tokens in which every known word or phrase is the one that stands for its group; the longest match is taken."""
    phrases = _read_phrases()
    replaced: list[str] = []
    at = 0
    while at < len(tokens):
        for words, stands in phrases.get(tokens[at], ()):
            if len(words) == 1 or tuple(tokens[at : at + len(words)]) == words:
                replaced.append(stands)
                at += len(words)
                break
        else:
            replaced.append(tokens[at])
            at += 1
    return replaced
