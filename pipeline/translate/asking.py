"""What is asked of a translator and what it replies; the prompts for a model are data files with places in braces."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.text.thoughts import answer_section

PROMPTS = Path(__file__).parent / "prompts"
NAMES = {"fr": "French", "es": "Spanish", "it": "Italian", "de": "German", "zh": "Chinese", "ru": "Russian"}
_PLACES = re.compile(r"(\{statement\}|\{language\}|\{wrong\})")
_MARKED = re.compile(r"<translation>(.*?)</translation>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)
_OPENING = re.compile(r"</?translation>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A statement in English, and the language it is wanted in; `wrong` says why an earlier reply was refused."""

    statement: str
    language: str
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that its translator knows to be broken: `why` as `check_translation` says it."""

    why: str


Reply = str | Refusal | None
"""A translation (perhaps empty); None where the request failed."""
Translator = Callable[[Sequence[Wanted]], Sequence[Reply]]
"""Gives one reply for each request."""
Generate = Callable[[list[str]], Sequence[str | None]]
"""Prompts -> one completion each, null where the request failed."""


def ask_model(generate: Generate) -> Translator:
    """The translator that prompts a model.

    Raises ValueError when `generate` returns another number of completions than it was given prompts.
    """

    def translate(wanted: Sequence[Wanted]) -> list[Reply]:
        completions = list(generate([build_prompt(want.statement, want.language, want.wrong) for want in wanted]))
        return [None if text is None else parse_reply(text) or "" for text in completions]

    return translate


def build_prompt(statement: str, language: str, wrong: str | None = None) -> str:
    """The prompt for one statement; after a refused attempt `wrong` says why. Its braces are left alone."""
    places = {"{statement}": statement, "{language}": NAMES[language], "{wrong}": wrong or ""}
    return "".join(places.get(part, part) for part in _PLACES.split(_read("retry" if wrong else "translate")))


def parse_reply(reply: str | None) -> str | None:
    """The translation in a reply: what stands last between its tags, else all of it; None where there is nothing.

    Thoughts before `</think>` and a fence around the whole are left out.
    """
    section = answer_section(reply or "")
    marked = _MARKED.findall(section)
    text = (marked[-1] if marked else _OPENING.sub("", section)).strip()
    fenced = _FENCED.match(text)
    return (fenced[1].strip() if fenced else text) or None


@lru_cache(maxsize=4)
def _read(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
