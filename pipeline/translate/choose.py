"""Which problems are translated, and into what: by a hash of the id, so that a set that grows changes no choice."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from schemas.config import TranslateConfig
from schemas.suspects import find_suspects

SOURCE_LANGUAGE = "en"
_COMMAND = re.compile(r"\\(?!text|mbox)[A-Za-z]+")
_WORD = re.compile(r"[^\W\d_]{3,}")


def choose_for_translation(problems: pl.DataFrame, config: TranslateConfig) -> dict[str, str]:
    """Problem id -> the language it is to be translated into, for `config.share` of the English problems.

    Needs `id`, `language`, `statement` and, where there are any, `answer` and `history`. A problem whose answer is made
    of words is never chosen: they would have to be translated too, and the label must not change. Nor is a suspect:
    what its samples will say of it they would say of its translation, and what is cut off in English is not whole in
    another language. Choice and language hang on the id alone: more problems, another order or another share move no
    problem from one language to another.
    """
    suspects = set(find_suspects(problems)["problem_id"])
    return {
        row["id"]: pick_language(row["id"], config)
        for row in problems.iter_rows(named=True)
        if row["id"] not in suspects and is_translatable(row) and _hash(row["id"], "chosen") < config.share
    }


def is_translatable(row: Mapping[str, Any]) -> bool:
    """Whether it is in English, says something, and its answer has no words in it."""
    return (
        row["language"] == SOURCE_LANGUAGE
        and bool((row["statement"] or "").strip())
        and not has_words(row.get("answer"))
    )


def has_words(answer: str | None) -> bool:
    """Whether an answer holds words ("Monday", `\\text{odd}`) beside numbers, variables and commands."""
    return bool(answer) and bool(_WORD.search(_COMMAND.sub(" ", answer or "")))


def pick_language(problem_id: str, config: TranslateConfig) -> str:
    """One of the config's languages, each as often as the others."""
    return config.languages[int(_hash(problem_id, "language") * len(config.languages))]


def _hash(problem_id: str, purpose: str) -> float:
    """From 0 up to 1, evenly, and differently for each purpose."""
    digest = hashlib.sha256(f"translate {purpose} {problem_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
