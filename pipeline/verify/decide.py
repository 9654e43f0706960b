"""Decides whether an answer is right: by the reader and the comparison of values.

Expressions with integrals, limits or sums without end are read, but have no value here: where nothing else decides,
they are left to SymPy in a killable process. Everything else is decided here: an answer that cannot be read is wrong,
and a label that cannot be read is unverifiable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.verify.compare.expressions import exhausts, has_construct, is_only_named
from pipeline.verify.compare.letters import has_part
from pipeline.verify.compare.values import accept
from pipeline.verify.guard import find_limit, refuse
from pipeline.verify.normal import clean
from pipeline.verify.phrase import strip_phrase
from pipeline.verify.reader.answer import MAX_LENGTH, read_answer
from pipeline.verify.reader.values import Named, Quantity, TooLarge, Unreadable, Value, Word

_ANNOUNCED = re.compile(r"(?:the )?(?:final )?answer (?:is|:)")
"""Words that announce an answer in a word, which is read without them."""
_COMMANDS = ("\\int", "\\lim", "\\sum", "\\prod")


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer read: its value, or why there is none. `fallback`: SymPy may be asked about it.

    `too_large`: there is no value because the text is over a limit of the reader.
    """

    value: Value | None
    problem: str = ""
    fallback: bool = False
    too_large: bool = False


def read(text: str) -> Reading:
    """The value of an answer, or why it has none. Total. What is too long to be read is not kept either."""
    if len(text) > MAX_LENGTH:
        return Reading(None, f"longer than {MAX_LENGTH} characters", too_large=True)
    return _read_short(text)


@lru_cache(maxsize=1 << 14)
def _read_short(text: str) -> Reading:
    try:
        value = read_answer(text)
    except (Unreadable, RecursionError) as error:
        return _read_phrase(text, error)
    if isinstance(value, Word) and _ANNOUNCED.match(value.text):
        phrase = _read_phrase(text, Unreadable())
        return Reading(value) if phrase.value is None else phrase
    named = any(command in text for command in _COMMANDS)
    return Reading(value, fallback=named and has_part(value, has_construct) and _may_be_asked(value, text))


def _read_phrase(text: str, error: Exception) -> Reading:
    """The value within a phrase around it ("The answer is 5"), or why there is none."""
    if (bare := strip_phrase(text)) is not None:
        try:
            return Reading(read_answer(bare))
        except (Unreadable, RecursionError):
            pass
    return Reading(None, str(error), too_large=isinstance(error, TooLarge | RecursionError))


def is_over_limit(label: str, answer: str) -> bool:
    """Whether an answer that was not accepted is over a fixed limit that its label keeps.

    Its text is too long or nested too deeply to be read, one of its expressions has no value at any point, or one
    would need SymPy, which is not asked about such a text.
    """
    expected, given = read(label), read(answer)
    if given.value is None:
        return given.too_large
    if expected.value is None or has_part(expected.value, exhausts):
        return False
    if has_part(given.value, exhausts):
        return True
    return has_part(given.value, has_construct) and find_limit(clean(answer)) is not None


def decide(label: str, answer: str) -> Literal["same", "differ", "unknown", "fallback"]:
    """Whether a label that can be read accepts an answer; "fallback" where only SymPy can say."""
    if len(label) > MAX_LENGTH or len(answer) > MAX_LENGTH:
        return "unknown" if read(label).value is None else "differ"
    return _decide_short(label, answer)


@lru_cache(maxsize=1 << 13)
def _decide_short(label: str, answer: str) -> Literal["same", "differ", "unknown", "fallback"]:
    """`decide`, kept: the samples of a problem repeat their answers."""
    expected, given = read(label), read(answer)
    if expected.value is None:
        return "unknown"
    if given.value is None:
        return "differ"
    verdict = accept(expected.value, given.value)
    if verdict == "unknown" and has_part(given.value, is_only_named) and not has_part(expected.value, is_only_named):
        return "differ"
    if verdict != "unknown" or not (expected.fallback or given.fallback):
        return verdict
    if has_part(given.value, exhausts) and not has_part(expected.value, exhausts):
        return verdict
    asked = all(side.fallback or _may_be_asked(side.value, text) for side, text in ((expected, label), (given, answer)))
    return "fallback" if asked else verdict


def _is_expression(value: Value | None) -> bool:
    """Whether a value is one expression without unit: all that SymPy is asked about."""
    inner = value.value if isinstance(value, Named) else value
    return isinstance(inner, Quantity) and not inner.unit and not inner.percent


def _may_be_asked(value: Value | None, text: str) -> bool:
    return _is_expression(value) and refuse(clean(text)) is None
