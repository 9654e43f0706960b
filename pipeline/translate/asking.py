"""Prompts for a translation, and what a reply says. The prompts are data files with places in braces."""

import re
from functools import lru_cache
from pathlib import Path

from pipeline.text.thoughts import answer_section

PROMPTS = Path(__file__).parent / "prompts"
NAMES = {"fr": "French", "es": "Spanish", "it": "Italian", "de": "German", "zh": "Chinese", "ru": "Russian"}
_PLACES = re.compile(r"(\{statement\}|\{language\}|\{wrong\})")
_MARKED = re.compile(r"<translation>(.*?)</translation>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)
_OPENING = re.compile(r"</?translation>", re.IGNORECASE)


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
