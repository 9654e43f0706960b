"""The answer of a text without a box: what it announces as its answer, else the last value that it names.

All looks at a window of bounded length at the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.text.answer_words import answer_words, phrase_pattern
from pipeline.verify.extract.denials import cut_denials, is_denied, is_unequal
from pipeline.verify.extract.expressions import FORMULA, expressions_in, formula_text, last_side

MARKED, UNMARKED = 16_000, 4_000
"""Characters at the end of a text in which an announced answer is looked for, and the last value."""
_HASHES = re.compile(r"####[ \t]*(?P<answer>[^\n]+)")
_TAGGED = re.compile(r"<answer>(?P<answer>[^<]{1,2000})</answer>", re.IGNORECASE)
_ANNOUNCED = re.compile(
    rf"(?:{phrase_pattern('announce')})(?:\s+(?:to|of)\s+(?:the|this)\s+\w+)?[*_]{{0,3}}"
    rf"(?:\s*[:\uff1a=\u2014]|\s*(?:{phrase_pattern('copula')})|[ \t]*\n)[\s:\uff1a*_>=]*(?:\$(?=\s*\n))?",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[^\s\d])[.!?](?=\s|$)|(?<=\d)[.!?](?:\s|$)|[\u3002\uff01\uff1f]|</|\n\s*\n|<\|")
_TWO_WORDS = re.compile(r"[^\W\d_]{2,}.*\s.*[^\W\d_]{2,}")
_COPULA = re.compile(rf"(?<!which )(?<!that )(?:{phrase_pattern('copula')}|=|:)\s*(?=\S)", re.IGNORECASE)
_JOIN = re.compile(rf"\s*(?P<join>,\s*|,?\s*(?:{phrase_pattern('and')}|{phrase_pattern('or')})\s*)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(?P<inside>[^*\n]{1,80})\*\*(?!\s*[:\uff1a])")
_ENCLOSED = re.compile(r"[(\[]\s*([^()\[\]]*)\s*[)\]]")
"""An equation in brackets: a display whose backslashes were lost."""
_UNEQUAL = re.compile(r"\\neq?(?![A-Za-z])|\u2260|!=|\\not\s*=")
_UNEQUAL_NAME = re.compile(r"[A-Za-z](?:_\w)?\s*(?:\\neq?|\u2260|!=|\\not\s*=)[\s$({]*$")
SHORT = 60
"""Characters of an announced answer that is taken whole."""


def find_announced(section: str, whole: bool = True) -> str | None:
    """What the last announcement of an answer names, or None. Without `whole` the text was cut off: an announcement
    that reaches to its end may lack digits, and is none."""
    text = section[-MARKED:]
    for pattern in (_TAGGED, _HASHES):
        matches = list(pattern.finditer(text))
        if matches and (whole or matches[-1].end() < len(text)):
            answer = _read_marked(matches[-1]["answer"])
            if answer:
                return answer
    for match in reversed(list(_ANNOUNCED.finditer(text))):
        end = match.end()
        if not whole and not _SENTENCE_END.search(text, end):
            continue
        statement = text[end : end + 1200]
        answer = _read_statement(statement)
        if answer:
            at = statement.find(answer)
            if at < 0 or not is_denied(text, end + at, end + at + len(answer)):
                return answer
    return None


def find_last(section: str) -> str | None:
    """The last value that a text names and does not deny: a bold one of its last paragraph, else a formula or a number.

    A value that is denied is none where it stood before either, but may be one behind: who denies it last has the say.
    """
    text = section[-UNMARKED:]
    offset = text.rstrip().rfind("\n\n") + 2 if "\n\n" in text.rstrip() else 0
    for match in reversed(list(_BOLD.finditer(text.rstrip(), offset))):
        if (value := _whole_value(match["inside"])) is not None and not is_denied(text, *match.span()):
            return value
    denied: set[str] = set()
    unequal = ""
    for match in _values_from_the_end(text):
        formula = match.re is FORMULA
        value = last_side(formula_text(match)) if formula else match[0].strip()
        if value in denied:
            continue
        if not formula and is_unequal(text, match.start()):
            named = _UNEQUAL_NAME.search(text, max(0, match.start() - 40), match.start())
            unequal = unequal or (f"{named[0]}{value}" if named else "")
            denied.add(value)
        elif formula and _UNEQUAL.search(value):
            unequal = unequal or value
            denied.add(_UNEQUAL.split(value)[-1].strip())
        elif is_denied(text, *match.span()):
            denied.add(value)
        elif unequal and _SENTENCE_END.search(text, match.end(), text.rfind(unequal)):
            return unequal
        else:
            return value
    return unequal or None


def _values_from_the_end(text: str) -> Iterator[re.Match[str]]:
    """The formulas that say something, and the numbers outside of formulas, the last one first."""
    formulas = [match for match in FORMULA.finditer(text) if _says_something(formula_text(match))]
    pattern = expressions_in(text)
    end = len(text)
    for formula in reversed([None, *formulas]):
        start = formula.end() if formula else 0
        yield from reversed(list(pattern.finditer(text, start, end)))
        if formula:
            yield formula
            end = formula.start()


def _says_something(formula: str) -> bool:
    return bool(re.search(r"\d|=|\\frac|\\sqrt|\\pi|\\infty|\\emptyset", formula))


def _whole_value(text: str) -> str | None:
    """A short text that is a value and its unit, and nothing else."""
    text = text.strip().rstrip(".,;")
    if formula := FORMULA.fullmatch(text):
        return last_side(formula_text(formula))
    match = expressions_in(text).match(text)
    if match is None or re.match(r"\s*[.)]\s", text[match.end() :]) or len(text[match.end() :].split()) > 2:
        return None
    return text


def _read_marked(text: str) -> str | None:
    """The answer in what a tag or `####` marks: all of it, without markup and a last full stop."""
    text = text.strip().strip("*").strip()
    if formula := FORMULA.fullmatch(text.rstrip(".")):
        return formula_text(formula) or None
    sentence = _first_sentence(text)
    return _short(sentence) or _value_in(sentence) or sentence.rstrip(".,;") or None


def _read_statement(text: str) -> str | None:
    """The answer in what follows an announcement: formulas, else a value, else a word or two."""
    text = text.lstrip().lstrip("*").lstrip()
    if (formulas := _joined_formulas(text)) is not None:
        return formulas
    sentence = _first_sentence(text)
    return (
        _short(sentence) or _value_in(sentence) or (sentence.rstrip(".,;") if 0 < len(sentence.split()) <= 4 else None)
    )


def _first_sentence(text: str) -> str:
    line = _SENTENCE_END.split(text, maxsplit=1)[0]
    return cut_denials(line.partition("\n")[0].strip().strip("*").strip())


def _short(sentence: str) -> str | None:
    """A short sentence without two words: an expression, perhaps with its unit; None for anything else."""
    if not sentence or len(sentence) > SHORT:
        return None
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"\\[A-Za-z]+", " ", sentence))
    joins = answer_words("and") | answer_words("or")
    if _TWO_WORDS.search(sentence) and len([word for word in words if word.lower() not in joins]) > 1:
        return None
    sentence = sentence.replace("**", "").rstrip(".,;")
    if "=" in sentence and (enclosed := _ENCLOSED.fullmatch(sentence)):
        return last_side(enclosed[1])
    return sentence or None


def _joined_formulas(text: str) -> str | None:
    """The formula that a text begins with, and those that `and`, `or` or a comma joins to it."""
    match = FORMULA.match(text)
    if match is None or not formula_text(match):
        return None
    answer, end = formula_text(match), match.end()
    while (join := _JOIN.match(text, end)) and (more := FORMULA.match(text, join.end())):
        answer += f" {join['join'].strip()} {formula_text(more)}"
        end = more.end()
    return answer


def _value_in(sentence: str) -> str | None:
    """The value that a sentence names: the one that it begins with, else that behind its last verb, else its first."""
    pattern = expressions_in(sentence)
    sentence = sentence.replace("**", "")
    match = pattern.match(sentence)
    if match is None:
        for copula in _COPULA.finditer(sentence):
            if formula := FORMULA.match(sentence, copula.end()):
                return formula_text(formula)
            match = pattern.match(sentence, copula.end()) or match
    if match is None:
        if formula := FORMULA.search(sentence):
            return formula_text(formula)
        match = pattern.search(sentence)
    if match is None:
        return None
    answer, end = match[0].strip(), match.end()
    while (join := _JOIN.match(sentence, end)) and (more := pattern.match(sentence, join.end())):
        answer += f" {join['join'].strip()} {more[0].strip()}"
        end = more.end()
    return answer
