"""Finds the final answer in a completion: the last box of the answer section, or the last number or expression."""

from __future__ import annotations

import re
from typing import Literal

from pipeline.verify.normal import closing_brace

THOUGHTS_START, THOUGHTS_END = "<think>", "</think>"

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*(?P<brace>\{)?")
_MARKED = re.compile(r"####[ \t]*(?P<answer>[^\n]+)")
_STATED = re.compile(
    r"(?:final\s+answer|answer)\s*(?:\*\*)?\s*(?:is|=|:)\s*:?\s*(?:\*\*)?\s*(?P<answer>[^\n]+)", re.IGNORECASE
)
_MATHS = re.compile(
    r"\$\$(?P<a>[^$]+)\$\$|(?<![\\\d])\$(?P<b>[^$\n]+)\$|\\\((?P<c>.+?)\\\)|\\\[(?P<d>.+?)\\\]", re.DOTALL
)
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)"
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\\^])(?P<all>(?:(?<![\d)\]}])[-\u2212+](?=[\d.$\u20ac\u00a3\\]))?[$\u20ac\u00a3]?(?<!\d)"
    rf"(?:\\[dt]?frac\s*(?:\{{[^{{}}]*\}}\s*\{{[^{{}}]*\}}|\d\s*\d)|{_DIGITS}(?:\s+\d+/\d+(?![\d.])|/\d+(?![\d./])|[eE][-+]?\d+)?)"
    r"(?:\s*\\?%)?)"
)
_TAIL = 4000


def answer_section(completion: str) -> str:
    """What follows the thoughts: all after the last `</think>`; everything where there is no think tag at all.

    Thoughts that are never closed leave no answer section: "".
    """
    _, closed, after = completion.rpartition(THOUGHTS_END)
    if closed:
        return after
    return "" if THOUGHTS_START in completion else completion


def extract_answer(completion: str, how: Literal["boxed", "last"]) -> str | None:
    """The final answer as it was written, or None when there is none.

    `boxed` (the paper's way, arXiv 2506.10910, 2.2): the inside of the last `\\boxed{}` (or `\\fbox{}`) of the answer
    section. An empty box is no answer, and neither is a last box that is never closed: the completion was cut off
    inside its answer.

    `last`: what the completion itself marks as its answer (the last box, else what follows the last `####`, else what
    follows the last "answer is" or "answer:"), and without a mark the last number or fraction, with its sign,
    currency and percent sign. Base models go on with a new question of their own after an answer: give the sampler
    stop strings ("\\n\\n", "Question:") so that the last number is the answer's.
    """
    section = answer_section(completion)
    boxed, boxes = _last_box(section)
    if how == "boxed":
        return boxed
    if boxed is not None or boxes:
        return boxed
    for pattern in (_MARKED, _STATED):
        matches = list(pattern.finditer(section[-_TAIL * 4 :]))
        if matches and (answer := _stated(matches[-1]["answer"])):
            return answer
    return _last_number(section[-_TAIL:])


def _last_box(text: str) -> tuple[str | None, bool]:
    """The inside of the last box, and whether there was one at all."""
    last = None
    end = -1
    for match in _BOX.finditer(text):
        if match.start() > end:
            last = match
            if match["brace"]:
                closed = closing_brace(text, match.end())
                end = closed if closed >= 0 else len(text)
    if last is None:
        return None, False
    if not last["brace"]:
        word = re.match(r"\s*(-?\d+(?:\.\d+)?|[A-Za-z])(?![A-Za-z0-9{])", text[last.end() :])
        return (word[1], True) if word else (None, True)
    closed = closing_brace(text, last.end())
    inside = text[last.end() : closed].strip() if closed >= 0 else ""
    while inside and (nested := _BOX.match(inside)) and nested["brace"]:
        closed = closing_brace(inside, nested.end())
        if closed != len(inside) - 1:
            break
        inside = inside[nested.end() : closed].strip()
    return (inside or None), True


def _stated(rest: str) -> str | None:
    """The answer in what follows a mark: a formula, else a number, else a word or two up to the end of the sentence."""
    rest = rest.strip().strip("*").strip()
    if formula := _MATHS.match(rest):
        return next(group for group in formula.groups() if group is not None).strip() or None
    sentence = (
        re.split(r"(?<=[^\s\d])[.!?](?:\s|$)|(?<=\d)[.!?](?:\s|$)|</", rest, maxsplit=1)[0].strip().strip("*").strip()
    )
    if len(sentence) <= 60 and not re.search(r"[A-Za-z]{2,}.*\s.*[A-Za-z]{2,}", sentence):
        return sentence.rstrip(".,;") or None
    return _first_number(sentence) or (sentence.rstrip(".,;") if 0 < len(sentence.split()) <= 4 else None)


def _first_number(text: str) -> str | None:
    match = _NUMBER.search(text)
    return match["all"].strip() if match else None


def _last_number(text: str) -> str | None:
    found = [match["all"].strip() for match in _NUMBER.finditer(text)]
    return found[-1] if found else None
