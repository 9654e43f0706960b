"""Whether a translation says what its English original says: nothing about the answer may have changed.

    check_translation("Find $x$ if $2x = 6$.", "Trova $x$ se $2x = 6$.", "it")   # True
    check_translation("Find $x$ if $2x = 6$.", "Trova $x$ se $2x = 5$.", "it")   # (False, "formula: '2x=6' is gone")

Formulas, numbers, code, names, units and sentences are compared one by one, each in the spelling of its language. A
doubt is a failure: a problem that stays in English costs nothing, a broken one teaches something wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

from pipeline.language.detect import Suspicion, count_scripts, is_mixed, weigh_languages
from pipeline.text.numbers import read_digits, read_words
from pipeline.text.prose import Separated, separate
from pipeline.text.units import compare_units
from pipeline.translate.formulas import Formulas, read_formulas, respell
from pipeline.translate.relations import find_lost_bound, has_relation, reconcile
from pipeline.translate.sentences import LENGTHS, NEGATES, Check, check_end, check_sentences

LANGUAGES = tuple(LENGTHS)
"""What problems are translated into (Magistral, arXiv 2506.10910, section 2.2.4)."""

LENIENT = Suspicion(sure=0.5, short=0.9, ratio=4.0)
"""A sentence left in English is surer than one in a kindred language: as wary as the reward, the check would refuse one
good translation in a hundred more, for a sentence full of names."""

_EMPHASIS = re.compile(r"(\*{1,3})(?=[^\s*])[^*\n]*[^\s*]\1(?!\w)")
_MARKED = re.compile(r"(?<![\w*])[*#@]([^\W\d_][\w'’-]*)")
_BARE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_COMMANDS = re.compile(r"\\([A-Za-z]{3,})")
_NO_PARTNER = re.compile(r"(?<!\d)(?<!\d\s)\$(?!\s?[\d.])")
_AFTERNOON = re.compile(r"\d\s*(?:p\.\s?m\.|pm\b)|\bnoon\b|\bevening\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"(?m)^[^\S\n]*\(?\d{1,2}[.)、](?!\d)\s*")
_ITEM_LETTER = re.compile(r"(?<!\w)\(?[a-h]\)(?!\w)")
_LETTER = re.compile(r"(?<![\w'’.\-])[B-HJ-Z](?![\w'’\-])")
_IDENTIFIER = re.compile(r"(?<![\w\\])[A-Za-z]\w*_\w+|(?<![\w\\])[A-Za-z]\w+(?=\(\))|(?<![\w\\])[a-z]+[A-Z]\w*(?=\()")


def check_translation(original: str, translation: str, language: str) -> Check:
    """True, or (False, what is wrong: a kind, a colon and the details). `language` is one of `LANGUAGES`.

    Raises `KeyError` for another language.
    """
    if language not in LENGTHS:
        raise KeyError(language)
    if not translation.strip():
        return False, "empty: there is no text"
    before, after = separate(original), separate(translation)
    old, new = _align(before, after, language)
    for kind, outcome in (
        ("word", check_words(before.prose, after.prose)),
        ("language", check_language(before, after, language)),
        ("code", check_code(before, after, translation)),
        ("latex", check_latex(original, translation, before, after)),
        ("formula", check_formulas(old, new)),
        ("number", check_numbers(old, new, before.prose, after.prose, language)),
        ("name", check_names(before.prose, translation)),
        ("unit", check_units(before.prose, after.prose, language)),
        ("end", check_end(original, translation)),
        ("bound", check_bounds(before, after, new, language)),
        ("sentence", check_sentences(before, after, language)),
    ):
        if outcome is not True:
            return False, f"{kind}: {outcome[1]}"
    return True


def _align(before: Separated, after: Separated, language: str) -> tuple[Formulas, Formulas]:
    """The formulas of both, without inequalities that one has as a formula and the other in words."""
    old, new = read_formulas(before.formulas), read_formulas(respell(after.formulas, before.formulas))
    was, is_ = before.prose, after.prose

    def stands(side: str, formulas: Formulas, prose: str, spoken: str) -> bool:
        if side.isdigit() and any(int(side) in values for values in read_digits(prose, spoken)):
            return True
        return side in formulas.stream

    return (
        reconcile(
            old, new, lambda kind: has_relation(is_, kind, language), lambda side: stands(side, new, is_, language)
        ),
        reconcile(new, old, lambda kind: has_relation(was, kind, "en"), lambda side: stands(side, old, was, "en")),
    )


def check_bounds(before: Separated, after: Separated, new: Formulas, language: str) -> Check:
    """Whether a bound on a number is still there, in words, as a sign or by a negation: "at most 5" is not "5"."""
    lost = find_lost_bound(before.prose, after.prose, new, language)
    return (False, f"the bound {_show(lost)} is gone") if lost and not NEGATES[language].search(after.prose) else True


def check_words(prose: str, translated: str) -> Check:
    """Whether no word carries a `*`, `#` or `@`, by which a translator by rules says that it does not know or cannot
    inflect it; `*emphasis*` is none."""
    was = set(_MARKED.findall(prose))
    unknown = [word for word in _MARKED.findall(_EMPHASIS.sub(" ", translated)) if word not in was]
    return (False, f"{_show(unknown[0])} is not translated") if unknown else True


def check_language(before: Separated, after: Separated, language: str) -> Check:
    """Whether its prose is in `language` throughout."""
    prose = _ITEM_LETTER.sub(" ", after.prose)
    if not count_scripts(prose):
        return (False, "there are no words") if count_scripts(before.prose) else True
    odds = weigh_languages(prose)
    best = max(odds, key=lambda name: odds[name])
    if best != language:
        return False, f"it is in {best}"
    mixed = is_mixed(prose, language, LENIENT)
    return (False, "a part of it is in another") if mixed else True


def check_code(before: Separated, after: Separated, translation: str) -> Check:
    """Whether all code is as it was, down to the letter, and names from code are there."""
    was, is_ = Counter(before.code), Counter(after.code)
    for code in (was - is_) or (is_ - was):
        return False, f"{_show(code)} has changed"
    for name in dict.fromkeys(_IDENTIFIER.findall(before.prose)):
        if name not in translation:
            return False, f"{_show(name)} is gone"
    return True


def check_latex(original: str, translation: str, before: Separated, after: Separated) -> Check:
    """Whether brackets and dollar signs still have their partners, and commands their backslashes."""
    for opened, closed in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end"), (r"\(", r"\)"), (r"\[", r"\]")):
        if _balance(translation, opened, closed) not in (0, _balance(original, opened, closed)):
            return False, f"{opened} and {closed} are out of balance"
    was, is_ = (Counter(_BARE.findall(" ".join(part.formulas))) for part in (before, after))
    for name in dict.fromkeys(_COMMANDS.findall(original)):
        if is_[name] > was[name]:
            return False, f"the backslash of {name} is gone"
    if _NO_PARTNER.search(after.prose) and not _NO_PARTNER.search(before.prose):
        return False, "a dollar sign has no partner"
    return True


def check_formulas(old: Formulas, new: Formulas) -> Check:
    """Whether each piece of a formula is there, no other is, and none stands in the place of one like it."""
    for ours, theirs, what in ((old, new, "is gone"), (new, old, "is new")):
        for piece in dict.fromkeys(ours.pieces):
            if piece not in theirs.pieces and piece not in theirs.stream:
                return False, f"{_show(piece)} {what}"
        for letter in sorted(ours.letters - theirs.letters):
            if letter not in theirs.stream:
                return False, f"{letter} {what}"
    was, is_ = Counter(old.pieces), Counter(new.pieces)
    rarer, oftener = was - is_, is_ - was
    for piece in oftener:
        if swapped := next((other for other in rarer if len(other) == len(piece)), None):
            return False, f"{_show(piece)} stands for {_show(swapped)}"
    return True


def check_numbers(old: Formulas, new: Formulas, prose: str, translated: str, language: str) -> Check:
    """Whether each number is there as often as it was, in digits or words, and no other.

    Numbers that stand alone in a formula count with those of the prose; items of a list do not count, and after "PM"
    an hour may be counted from midnight.
    """
    prose, translated = _LIST_ITEM.sub(" ", prose), _LIST_ITEM.sub(" ", translated)
    wanted = Counter([*(min(values) for values in read_digits(prose, "en")), *old.numbers])
    given = [*read_digits(translated, language), *(frozenset((number,)) for number in new.numbers)]
    given = _choose_readings(given, wanted)
    words, spoken = read_words(prose, "en"), read_words(translated, language)
    late = 12 if _AFTERNOON.search(prose) else 0
    for value, count in wanted.items():
        written = sum(value in values or value + late in values for values in given)
        if written + spoken[value] < count:
            return False, f"{_write(value)} stands there {written + spoken[value]} times, not {count}"
        if value > 2 and sum(value in values for values in given) > count + words[value]:
            return False, f"{_write(value)} stands there more often than {count} times"
    for values in given:
        if not any(wanted[value] or words[value] or wanted[value - late] for value in values):
            return False, f"{_write(min(values))} is new"
    return True


def _choose_readings(given: list[frozenset[Fraction]], wanted: Counter[Fraction]) -> list[frozenset[Fraction]]:
    """Numbers with two readings (40.000) as the one of them that is wanted and not yet there, where there is one."""
    there = Counter(value for values in given if len(values) == 1 for value in values)
    chosen = []
    for values in given:
        missing = [value for value in values if there[value] < wanted[value]] if len(values) > 1 else []
        if missing:
            value = max(missing)
            there[value] += 1
            chosen.append(frozenset((value,)))
        else:
            chosen.append(values)
    return chosen


def check_names(prose: str, translation: str) -> Check:
    """Whether letters that name something outside of formulas (a point P, an option C) are there."""
    for letter in dict.fromkeys(_LETTER.findall(prose)):
        if not re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", translation):
            return False, f"{letter} is gone"
    return True


def check_units(prose: str, translated: str, language: str) -> Check:
    """Whether it has the units and currencies of its original: nothing is converted."""
    gone, new = compare_units(prose, translated, language)
    if new:
        return False, f"{', '.join(sorted(new))} is new"
    return (False, f"{', '.join(sorted(gone))} is gone") if gone else True


def _balance(text: str, opened: str, closed: str) -> int:
    text = text.replace("\\\\", " ")
    if opened == r"\left":
        return len(re.findall(r"\\left(?![A-Za-z])", text)) - len(re.findall(r"\\right(?![A-Za-z])", text))
    if opened == "{":
        text = re.sub(r"\\[{}]", "", text)
    return text.count(opened) - text.count(closed)


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _write(value: Fraction) -> str:
    return str(value) if value.denominator in (1, 2, 3, 4, 6, 7, 8, 9) else f"{float(value):g}"
