"""Whether a label can be verified against: the rule that keeps what cannot be compared from ever being scored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from pipeline.verify.compare.expressions import needs_parser
from pipeline.verify.compare.letters import has_part
from pipeline.verify.decide import read
from pipeline.verify.guard import MAX_ANSWER
from pipeline.verify.normal import clean
from pipeline.verify.pool import LOST, MathPool, VerifierLost, share_pool
from schemas.config import VerifyConfig
from schemas.reasons import Verdict

LabelCheck = Literal[True] | tuple[Literal[False], str]
"""Whether a label can be verified against: True, or (False, why not)."""

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


def screen_label(answer: str | None) -> Literal[True, "slow"] | tuple[Literal[False], str]:
    """The part of `check_label` that needs no parser: True, (False, detail), or "slow" when only SymPy can
    tell."""
    if answer is None or not answer.strip():
        return False, "empty"
    if len(answer) > MAX_ANSWER:
        return False, f"longer than {MAX_ANSWER} characters"
    return _screen_short(answer)


@lru_cache(maxsize=1 << 14)
def _screen_short(answer: str) -> Literal[True, "slow"] | tuple[Literal[False], str]:
    text = clean(answer)
    if not text or (text.lower() in _MISSING and text != "none") or _NO_ANSWER.search(text):
        return False, "no answer"
    if _PROOF.search(text):
        return False, "a proof"
    if _PARTS.search(text) or _PART_WORDS.search(text):
        return False, "several parts"
    reading = read(answer)
    if reading.value is None:
        return False, reading.problem
    return "slow" if reading.fallback and has_part(reading.value, needs_parser) else True


NO_OPINION = ("empty", "no answer", "a proof", "several parts", "longer than")
"""How the details of labels begin that not even a second opinion can be asked about."""


def admit_prose(check: LabelCheck) -> LabelCheck:
    """A label check where a second opinion is at hand: what no rule can read is let in, what is no answer is not."""
    return check if check is True or check[1].startswith(NO_OPINION) else True


def check_labels(answers: Sequence[str | None], pool: MathPool | None = None) -> list[LabelCheck]:
    """For each label, whether a rule can verify answers against it: True, or (False, why not).

    Common labels need no parser. All others are parsed side by side in killable processes: those of `pool`, or without
    one those of the default `verify` section that this process shares, which start when they are needed. Equal labels
    are parsed once. A label whose parse takes too long is not verifiable. Raises VerifierLost where the processes do
    not start or were closed meanwhile: that says nothing about a label, so no label is rejected for it.
    """
    screened = {answer: screen_label(answer) for answer in dict.fromkeys(answers)}
    checks: dict[str | None, LabelCheck] = {answer: check for answer, check in screened.items() if check != "slow"}
    pending = [answer for answer, check in screened.items() if answer is not None and check == "slow"]
    if pending:
        parsers = pool or share_pool(VerifyConfig())
        parsing = {answer: parsers.submit(slow_text(answer), None) for answer in pending}
        for answer, future in parsing.items():
            outcome = future.result()
            if outcome.detail in LOST:
                raise VerifierLost(f"no label could be parsed: {outcome.detail}; run it again")
            checks[answer] = True if outcome.verdict is Verdict.CORRECT else (False, outcome.detail)
    return [checks[answer] for answer in answers]


def check_label(answer: str | None, pool: MathPool | None = None) -> LabelCheck:
    """`check_labels` of one label."""
    return check_labels([answer], pool)[0]


def slow_text(answer: str) -> str:
    """The text that SymPy's parser reads: clean, degrees as math-verify drops them, a > x > b turned to b < x < a.

    math-verify compares the two halves of a chain in their order, so a chain that falls would never equal one that
    rises.
    """
    text = clean(answer).replace("\\degree", "^{\\circ}")
    parts = _FALLING.split(text)
    if len(parts) == 5 and not _RISING.search(text):
        left, first, middle, second, right = parts
        return f"{right} {_TURNED[second]} {middle} {_TURNED[first]} {left}"
    return text
