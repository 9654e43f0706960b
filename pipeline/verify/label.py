"""Whether a label can be verified against: the rule that keeps what cannot be compared from ever being scored."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pipeline.verify.fast import parse_fast
from pipeline.verify.guard import MAX_ANSWER, refuse
from pipeline.verify.normal import clean
from pipeline.verify.pool import MathPool

_PROOF = re.compile(
    r"(?i)^\W*(?:we\s+)?(?:prove|show|proof|demonstrate|verify|disprove|explain|justify|deduce|see\b)"
    r"|\bproof\b|\bq\.?e\.?d\b|\\blacksquare|\\square\s*$"
)
_PARTS = re.compile(
    r"(?:^|[\s;,.])\(?(?:a|i|1)[).:](?=\s)\s*.+?(?:[\s;,.]|\\quad)\(?(?:b|ii|2)[).:](?=\s)|"
    r"(?:^|[\s;,.])\((?:a|i|1)\)\s*.+?[\s;,.]\(?(?:b|ii|2)\)",
    re.DOTALL,
)
_PART_WORDS = re.compile(r"(?i)\bpart\s+\(?[a-d1-4]\)?")
_WRITTEN_MISSING = """
- -- . ... ? answer missing n/a na nan nil none null omitted solution tbd undefined? unknown
"""
_FALLING = re.compile(r"(>|\\gt(?![A-Za-z])|\\ge(?![A-Za-z]))")
_RISING = re.compile(r"<|\\l[te](?![A-Za-z])|=")
_TURNED = {">": "<", "\\gt": "<", "\\ge": "\\le "}
_MISSING = frozenset(_WRITTEN_MISSING.split())
_NO_ANSWER = re.compile(r"(?i)\b(?:omitted|no answer|not available|see (?:the )?(?:solution|proof|figure)|not found)\b")


@lru_cache(maxsize=1 << 14)
def screen_label(answer: str | None) -> Literal[True, "slow"] | tuple[Literal[False], str]:
    """The part of `check_label` that needs no parser: True, (False, detail), or "slow" when only the slow path can
    tell."""
    if answer is None or not answer.strip():
        return False, "empty"
    if len(answer) > MAX_ANSWER:
        return False, f"longer than {MAX_ANSWER} characters"
    text = clean(answer)
    if not text or text.lower() in _MISSING or _NO_ANSWER.search(text):
        return False, "no answer"
    if _PROOF.search(text):
        return False, "a proof"
    if _PARTS.search(text) or _PART_WORDS.search(text):
        return False, "several parts"
    if parse_fast(answer) is not None:
        return True
    reason = refuse(text)
    return "slow" if reason is None else (False, reason)


def check_label(answer: str | None, pool: MathPool | None = None) -> Literal[True] | tuple[Literal[False], str]:
    """Whether a rule can verify answers against this label: True, or (False, why not).

    Common labels are told at once. Others are parsed in a killable process of `pool` (without one, of a pool that is
    started for this call, which takes seconds: hand one over when there are many labels). A label whose parse takes
    too long is not verifiable.
    """
    screened = screen_label(answer)
    if screened != "slow":
        return screened
    assert answer is not None
    if pool is None:
        with MathPool(workers=1) as own:
            return check_label(answer, own)
    outcome = pool.submit(slow_text(answer), None).result()
    return True if outcome.verdict == "correct" else (False, outcome.detail)


def slow_text(answer: str) -> str:
    """The text that the slow path reads: clean, degrees as math-verify drops them, a > x > b turned to b < x < a.

    math-verify compares the two halves of a chain in their order, so a chain that falls would never equal one that
    rises.
    """
    text = clean(answer).replace("\\degree", "^{\\circ}")
    parts = _FALLING.split(text)
    if len(parts) == 5 and not _RISING.search(text):
        left, first, middle, second, right = parts
        return f"{right} {_TURNED[second]} {middle} {_TURNED[first]} {left}"
    return text
