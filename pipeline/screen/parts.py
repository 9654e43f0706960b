"""Multi-part problems: several questions under one statement, so that one label cannot be right.

Labels of parts are looked for in the prose only, with formulas masked: `f(a)`, `(1,2)` and the complex `i` are
formulas, not parts. An enumeration is not enough either: "(a) f is continuous; (b) f(0) = 1; what is the least T"
enumerates conditions of one question, and "1. Round to 3 places 2. Use degrees" tells how to write its answer. It
takes two enumerated pieces that each ask something.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.screen.asking import asks_here
from pipeline.screen.outcome import Outcome, Suspicion, reject
from pipeline.screen.reading import read
from pipeline.text.masking import MASKS
from schemas.config import ScreenConfig
from schemas.reasons import Reason

LETTERS = tuple("abcdefghijkl")
CAPITALS = tuple("ABCDEFGHIJKL")
ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
GREAT_ROMANS = tuple(roman.upper() for roman in ROMANS)
NUMBERS = tuple(str(number) for number in range(1, 13))
SERIES = (LETTERS, CAPITALS, ROMANS, GREAT_ROMANS, NUMBERS)
CIRCLED = tuple("①②③④⑤⑥⑦⑧⑨⑩")

BRACKETS = str.maketrans("（）", "()")
LABEL = r"([a-lA-L]|[ivx]{1,4}|[IVX]{1,4}|1?\d)"
START = r"(?:^|\n)[ \t>*_#]*"
STYLES = (
    re.compile(rf"(?<![\w)\]{MASKS}])\(\s?{LABEL}\s?\)(?=[\s*:.,]|[A-Z{MASKS}\u4e00-\u9fff])"),
    re.compile(rf"(?:{START}|(?<=[.?!;:])\s+\*{{0,2}}){LABEL}\s?\)(?=[\s*]|[A-Z\u4e00-\u9fff])"),
    re.compile(rf"(?:{START}|(?<=[.?!;])\s+){LABEL}[.:、](?=[\s*]|[\u4e00-\u9fff])"),
    re.compile(
        rf"(?:{START}|(?<=[.?!;:])\s*|\*\*)(?:[Pp]art|[Qq]uestion|[Qq]|[Ss]ub-?question|[Ss]tep|[Pp]roblem|PART"
        rf"|QUESTION|[Tt]ask)\s?[(#]?\s?{LABEL}\s?\)?(?:\s?[:.)\-–]|\*\*|\s|(?=[\s*]))"
    ),
    re.compile(r"\\item\s*\[\s*\(?\s*(?:\\[a-z]+\s*\{)?" + LABEL + r"\}?\s*[.)]?\s*\)?\s*\]"),
    re.compile(r"([①-⑩])"),
)
BARE_ITEM = re.compile(r"\\(?:item|part|question)\b(?!\s*\[)")
BULLET = re.compile(r"(?:(?:^|\n)[ \t]*|(?<=[.?!:])\s)[-*•–][ \t]+")
OPTION_LETTER = re.compile(r"\(?[A-Ja-j]\)?")
ANSWER_LABEL = re.compile(
    r"(?<![\w,(])(?:\(?([a-lA-L]|[ivx]{1,4}|[1-9])\s?\)|(?:[Pp]art|[Qq]uestion|Q)\s?\(?([a-lA-L]"
    r"|[1-9])\)?\s?[:.)])\s*(?=[^\s,)])"
)
INSTRUCTING = re.compile(
    r"\b(?:instructions?|guidelines?|constraints?|conventions?|requirements?|output format|answer format"
    r"|format(?:ting)? rules|notes?|important|remember|operations|rules)\b"
    r"(?![^\n]*\b(?:questions?|parts|tasks?)\b)[^?\n]{0,60}:[^?:]{0,120}$",
    re.IGNORECASE,
)
FORM = re.compile(
    rf"\W*(?:please |always |only |do not |don't |never )*(?:give|round|use|return|write|express|provide|report|state"
    rf"|format|present|enter|leave|submit|output|answer|include|show|put)\b(?! [{MASKS}\d])(?:[^.?!;{MASKS}]|\.(?=\d))*"
    r"(?:\b(?:your|final|all|any|decimal|each) (?:\w+ ){0,2}(?:answers?|solutions?|results?|values)\b|\b(?:as|for)"
    r" (?:your|the) (?:final )?answer\b|\bsymbols?\b|\bin the form\b|\bsteps\b|\bonly the\b)",
    re.IGNORECASE,
)
PROPER_REQUEST = re.compile(
    r"[?]|\b(?:find|compute|determine|evaluate|calculate|solve|prove|what|how (?:many|much)|which)\b", re.IGNORECASE
)


STEP = re.compile(r"[\s*_#]*step\b", re.IGNORECASE)
PROCEDURE = re.compile(r"\b(?:procedure|algorithm|operations?|steps|rule|machine)\b[^.?!\n]{0,60}:\s*$", re.IGNORECASE)
LEADING = 200
"""What says that numbered orders are steps of one procedure: only a piece that asks for a value is a part."""


def is_about_form(piece: str) -> bool:
    """Whether an enumerated piece only says how to write the answer down ("2. Round all values to 3 places")."""
    return bool(FORM.match(piece)) and not PROPER_REQUEST.search(piece)


def follow(marks: list[tuple[str, int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Chains of labels in order (a, b, c ... or i, ii ... or 1, 2 ...) as spans of each label."""
    for series in (*SERIES, CIRCLED):
        spans: list[tuple[int, int]] = []
        for label, start, end in marks:
            if len(spans) < len(series) and label == series[len(spans)]:
                spans.append((start, end))
        if len(spans) >= 2:
            yield spans


def split_parts(prose: str) -> Iterator[tuple[str, list[str]]]:
    """Every way in which the prose is enumerated, as the text before the first label and the piece after each."""
    for style in STYLES:
        marks = [(label.group(1), label.start(), label.end()) for label in style.finditer(prose)]
        if len(marks) >= 2:
            for spans in follow(marks):
                ends = [start for start, _ in spans[1:]] + [len(prose)]
                yield prose[: spans[0][0]], [prose[end:until] for (_, end), until in zip(spans, ends, strict=True)]
    for style in (BARE_ITEM, BULLET):
        spans = [label.span() for label in style.finditer(prose)]
        if len(spans) >= 2:
            ends = [start for start, _ in spans[1:]] + [len(prose)]
            pieces = [prose[end:until].split("\\end{")[0] for (_, end), until in zip(spans, ends, strict=True)]
            yield prose[: spans[0][0]], pieces


def is_enumerated(answer: str) -> bool:
    """Whether a label lists one value a part: "(a) 125; (b) 175", "i) 3, ii) 5", "Part A: 3 Part B: 4"."""
    marks = [((label.group(1) or label.group(2)), *label.span()) for label in ANSWER_LABEL.finditer(answer[:2000])]
    return any(spans[0][0] <= 2 for spans in follow(marks))


def screen_parts(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Reject a statement whose label lists a value for each part, and one of which two or more enumerated pieces ask
    something; with `screen.multi_part: last` the latter is suspected, since its label may be the last piece's answer.
    """
    answer = str(problem.get("answer") or "")
    if is_enumerated(answer):
        return reject(Reason.MULTI_PART, f"the label answers several parts: {answer[:80]!r}")
    reading = read(problem["statement"])
    lettered = bool(OPTION_LETTER.fullmatch(answer.strip()))
    prose = reading.prose.translate(BRACKETS)
    for head, pieces in split_parts(prose):
        if INSTRUCTING.search(head) and sum(bool(PROPER_REQUEST.search(piece)) for piece in pieces) < 2:
            continue
        if lettered and not any("?" in piece for piece in pieces):
            continue
        stepped = bool(PROCEDURE.search(head[-LEADING:]) or STEP.match(prose, len(head)))
        asking = sum(
            asks_here(piece, english=reading.english)
            and not is_about_form(piece)
            and not (stepped and not PROPER_REQUEST.search(piece))
            for piece in pieces
        )
        if asking >= 2:
            detail = f"{asking} of {len(pieces)} enumerated parts ask something"
            return (
                Suspicion(Reason.MULTI_PART, f"{detail}; the label may answer the last")
                if config.multi_part == "last"
                else reject(Reason.MULTI_PART, detail)
            )
    return True
