"""Decides whether an answer is right: by the reader and the comparison of values.

A construct that the reader names but does not evaluate (integrals, limits, determinants) is left to math-verify and
SymPy in a killable process. Everything else is decided here: an answer that cannot be read is wrong, and a label that
cannot be read is unverifiable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.verify.compare.values import accept
from pipeline.verify.guard import MAX_ANSWER, refuse
from pipeline.verify.normal import clean
from pipeline.verify.phrase import strip_phrase
from pipeline.verify.reader.answer import read_answer
from pipeline.verify.reader.values import Unreadable, Value

FALLBACK = re.compile(r"\\(?:i*int|oint|lim|partial)(?![A-Za-z])|\\begin\{vmatrix\}")
"""The constructs that the reader does not evaluate and SymPy does."""

SERIES = re.compile(r"\\(?:sum|prod)(?![A-Za-z])")
"""Read and compared term by term between integers; others are left to SymPy."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer read: its value, or why there is none. `fallback`: SymPy may be asked about it."""

    value: Value | None
    problem: str = ""
    fallback: bool = False


def read(text: str) -> Reading:
    """The value of an answer, or why it has none. Total."""
    return _read_short(text) if len(text) <= MAX_ANSWER else _read(text)


def _read(text: str) -> Reading:
    try:
        return Reading(read_answer(text))
    except (Unreadable, RecursionError) as error:
        problem = str(error)
    if (bare := strip_phrase(text)) is not None:
        try:
            return Reading(read_answer(bare))
        except (Unreadable, RecursionError):
            pass
    cleaned = clean(text)
    return Reading(None, problem, bool(FALLBACK.search(cleaned)) and refuse(cleaned) is None)


_read_short = lru_cache(maxsize=1 << 14)(_read)
"""Only short texts are kept: a thousand of a megabyte would be a gigabyte."""


def decide(label: str, answer: str) -> Literal["same", "differ", "unknown", "fallback"]:
    """Whether a label that `read` can read, or leaves to the fallback, accepts an answer."""
    expected, given = read(label), read(answer)
    if expected.value is not None and given.value is not None:
        verdict = accept(expected.value, given.value)
        series = verdict == "unknown" and any(SERIES.search(text) for text in (label, answer))
        return "fallback" if series and refuse(clean(label)) is None is refuse(clean(answer)) else verdict
    if clean(label) == clean(answer):
        return "same"
    if (expected.fallback or expected.value is not None) and (given.fallback or given.value is not None):
        return "fallback"
    return "differ" if expected.value is not None or expected.fallback else "unknown"
