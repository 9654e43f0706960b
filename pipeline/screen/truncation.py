"""Incomplete statements: empty, cut off, asking nothing, or a question whose story is gone.

Cuts fall anywhere. Most leave something open (a formula, an environment, a brace, a quotation) in any language. A cut
between two words leaves prose that looks fine, so for English text three more questions are put: does it end as a
sentence ends, is anything asked at all, and is there anything to reckon with? Statements that legitimately end
without a full stop end in a formula, a blank, a table or a drawing ("Evaluate: $..$", "then $a=(\\quad)$"): those
stay.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.screen.asking import BLANK, CLOZE, STRICT, asks
from pipeline.screen.material import ends_in_list, ends_in_material, is_full_request
from pipeline.screen.outcome import Outcome, Suspicion, reject
from pipeline.screen.reading import Reading, read
from pipeline.screen.story import CLOSING_MARKS, find_lost_story
from pipeline.text.masking import CODE, DISPLAY, MASKS, MATH, TABLE
from schemas.config import ScreenConfig
from schemas.reasons import Reason

ENVIRONMENT = re.compile(r"\\(begin|end)\{([A-Za-z]+\*?)\}")
END_MARKS = ".?!。？！…؟।၊."
DANGLING = re.compile(
    r"\b(?:the|an?|of|in|on|at|to|for|from|by|with|without|and|or|but|nor|if|when|where|while|which|whose"
    r"|that|than|as|into|onto|over|under"
    r"|between|among|through|such|is|are|was|were|be|been|being|has|have|had|does|do|did|can|could|will"
    r"|would|shall|should|may|might|must|their|his|her|its|our|your|my"
    r"|each|every|both|either|neither|these|those|this|some|any|no|not|only|exactly|about|per|via|until"
    r"|during|because|so|then|there|let|given|suppose|assume|how|what|who|until"
    r"|least|most|more|less|fewer|same|other|another|very|positive|negative|real|distinct|possible"
    r"|greatest|smallest|largest|different|many|much|two|three|four|five|consecutive)$",
    re.IGNORECASE,
)
SPACING = re.compile(r"(?:\\[,;:! ]|\s)+$")
CONDITION = re.compile(
    r"\b(?:such that|so that|where|if|when|given(?: that)?|suppose(?: that)?|assume(?: that)?|for which"
    r"|let|that|whose|with|and|of|between|from|than|in|by|is|are)$",
    re.IGNORECASE,
)
RELATION = re.compile(
    r"[=<>]|\\(?:leq?|geq?|neq?|in|equiv|approx|cong|sim|mid|subset(?:eq)?|perp|parallel|to|rightarrow|lt"
    r"|gt|leqslant|geqslant|ldots|dots|cdots|notin)\b"
)
SUM = re.compile(r"[\d)]\s*[-+*/^×÷=:,−]\s*\(?-?[\d.]+\)*[%°]?$")
ASIDE = re.compile(r"(?<=[.?!])\s*[(\[][^()\[\]]{1,300}[)\]]\s*$")

STEM_END = re.compile(
    r"\b(?:is|are|was|were|(?:must|will|to|can|should|may) be|equals?|equal to|becomes?|reduces? to)"
    r"\s*(?::\s*|\s\.\s*|(?<=\bis)\.\s*|(?<=\bto)\.\s*)?$",
    re.IGNORECASE,
)
STEM_WORDS = 4
"""Words or formulas of a text that is worth completing: `It is` says nothing."""
STATED = re.compile(r"\W*(?:let|suppose|define|consider|given|assume|denote|if|note)\b", re.IGNORECASE)
ANNOUNCING = re.compile(
    r"\b(?:following|below|follows|such that|so that|these|those|conditions?|properties|property|rules?|satisf\w+"
    r"|where|for example|instance|says?|reads?|asks?|closest|nearest|between|equivalent|true|false|best"
    r"|approximately)\b",
    re.IGNORECASE,
)
"""What a colon announces that stands no more behind it: conditions, or options that a value was chosen among."""
PIECE = r"(?:exercise|problem|question|example)"
REFERENCE = re.compile(
    r"\b(?:see|refer to|from|in|of|using|use|under|by) (?:the )?"
    rf"(?:(?:previous|preceding) (?:part|{PIECE})|{PIECE} \d[\w.-]*)"
    r"|(?:上|前)一?题(?:中|的)|\bvoir (?:l')?exercice \d+|\b(?:siehe|aus) Aufgabe \d+|\bvorherigen Aufgabe"
    r"|предыдущ\w+ (?:задач|упражнени)|\bсм\. (?:задачу|упр)|\bdel (?:ejercicio|problema) (?:anterior|\d+)",
    re.IGNORECASE,
)
"""Another text that a statement leans on. What it says may not matter: the samples tell."""
BRACKETED_END = re.compile(r"\([^()]*\b[a-z]+ [^()]*\)$")


def find_open_construct(reading: Reading) -> str | None:
    """What is opened and never closed: a formula, an environment or a brace inside the last formula."""
    if reading.unclosed == "$" and last_mark(reading.prose) in END_MARKS:
        return None
    if reading.unclosed:
        return f"{reading.unclosed!r} is never closed"
    depth: dict[str, int] = {}
    for kind, name in ENVIRONMENT.findall(reading.prose):
        depth[name] = depth.get(name, 0) + (1 if kind == "begin" else -1)
    for name, open_count in depth.items():
        if open_count > 0:
            return f"environment {name!r} is never closed"
    if construct := re.search(r"\\[A-Za-z]{1,30}\{[^{}]{0,200}$", reading.prose):
        return f"{construct.group()[:40]!r} is never closed"
    if reading.text.endswith("\\") and not reading.text.endswith("\\\\"):
        return "ends in a lone backslash"
    return None


def last_mark(prose: str) -> str:
    """The last character that counts: closing quotes, brackets and Markdown around the end are passed over."""
    return prose.rstrip(CLOSING_MARKS)[-1:]


def drop_aside(prose: str) -> str:
    """The prose without a bracketed remark after its last sentence: "What is it in cups? (There are 4 cups in a
    quart)"."""
    aside = ASIDE.search(prose)
    return prose[: aside.start()].rstrip() if aside else prose


def count_open_brackets(sentence: str) -> int:
    """How many round brackets a sentence leaves open; the `1)` of a list does not close any."""
    depth = 0
    for letter in sentence:
        if letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
    return depth


def find_broken_end(reading: Reading, *, stem: bool = False) -> str | None:
    """How English text ends in the middle of a sentence, or null. A `stem` may end in "is" or a colon: its options
    came next."""
    prose = drop_aside(reading.prose)
    end = last_mark(prose)
    if BLANK.search(reading.text[-40:]) or end in (TABLE, CODE) or not end:
        return None
    last = re.split(r"(?<=[.?!:])\s+|\n\s*\n", prose.rstrip())[-1]
    sentence = reading.sentences[-1] if reading.sentences else prose
    if end in END_MARKS:
        if count_open_brackets(last) > 0 and prose.rstrip()[-1] in ".!?" and count_open_brackets(prose) > 0:
            return "a bracket in the last sentence is never closed"
        return None
    if stem and (CLOZE.search(prose) or end == ":"):
        return None
    if not stem and (ends_in_material(prose) or (asks(reading.text, prose, english=True) and ends_in_list(prose))):
        return None
    if end in ",;:([{-–+=/&،、":
        return f"ends in {end!r}"
    asking = bool(STRICT.search(sentence))
    before = prose.rstrip(CLOSING_MARKS).rstrip(MASKS + " \n,").strip()
    if end in (MATH, DISPLAY):
        formula = SPACING.sub("", reading.formulas[-1]).strip() if reading.formulas else ""
        if formula.endswith((".", "?", "!", ".}", "?}")) or not formula:
            return None
        if formula.endswith((",", ";")) and end == MATH and not stem:
            return f"ends in {formula[-1]!r}"
        if not asking and not RELATION.search(formula) and not stem:
            return "ends in a formula in the middle of a sentence"
        if (
            CONDITION.search(before)
            and not RELATION.search(formula)
            and len(formula) < 12
            and re.search(r"\b(?:such that|where|if|when|suppose|given that|let)$", before, re.IGNORECASE)
        ):
            return "ends in a formula that a condition begins with"
        return None
    words = prose.rstrip(CLOSING_MARKS)
    asked = asking or asks("", prose, english=True)
    bracketed = asked and BRACKETED_END.search(prose) and count_open_brackets(prose) == 0
    if bracketed or (is_full_request(last) and not DANGLING.search(words)):
        return None
    if end.isdigit() or end in "%°$":
        return (
            None
            if stem or (asking and SUM.search(words))
            else "ends in a number, with no mark at the end of its sentence"
        )
    if not end.isalpha():
        return None
    if re.search(r"\b(?:is|are|equals?|equal to)$", words) and re.search(
        r"\b(?:then|so|thus|hence|therefore)\b|^The\b", sentence
    ):
        return None
    if DANGLING.search(words):
        return f"ends in {words.split()[-1]!r}"
    if stem:
        return None
    return "ends in a word, with no mark at the end of its sentence"


def is_stem(reading: Reading) -> bool:
    """Whether the text is a sentence for the answer to complete: "The number of diagonals of a convex 12-gon is", "Its
    slope is given by:". A cut falls there as well, but seldom; one behind a colon leaves what it announces missing.
    """
    pieces = len(reading.prose.split()) >= STEM_WORDS or bool(reading.formulas)
    if STEM_END.search(reading.prose.rstrip(CODE + " \n")):
        return pieces
    last = reading.sentences[-1] if reading.sentences else ""
    announced = (STATED.match(last) and not re.search(r",|\bthen\b", last)) or ANNOUNCING.search(last)
    return pieces and reading.prose.endswith(":") and not STRICT.search(last) and not announced


def screen_incomplete(problem: Mapping[str, Any], config: ScreenConfig, *, stem: bool = False) -> Outcome:
    """Reject a statement that is empty; suspect one that looks cut off, asks nothing, or may have lost the text before
    its question.

    `stem` says that the statement is a multiple-choice question whose options were taken off.
    """
    reading = read(problem["statement"] or "")
    if not reading.text:
        return reject(Reason.INCOMPLETE, "the statement is empty")
    if why := find_open_construct(reading):
        return Suspicion(Reason.INCOMPLETE, why)
    if reference := REFERENCE.search(reading.prose):
        return Suspicion(Reason.INCOMPLETE, f"refers to a text that is not there: {reference.group()!r}")
    if not reading.english:
        end = reading.prose.rstrip()[-1:]
        return Suspicion(Reason.INCOMPLETE, f"ends in {end!r}") if end and end in ",([{、，" else True
    stem = stem or is_stem(reading)
    if why := find_broken_end(reading, stem=stem):
        return Suspicion(Reason.INCOMPLETE, why)
    if not stem and not asks(reading.text, reading.prose, english=True):
        return Suspicion(Reason.INCOMPLETE, "asks nothing")
    if not stem and (why := find_lost_story(reading)):
        return Suspicion(Reason.INCOMPLETE, why)
    return True
