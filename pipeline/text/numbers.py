"""The numbers of a text, in digits and in words, in English and the six languages that problems are translated into.

A number in digits is a set of values that it may have: `1.234` is 1234 in German and 1.234 in English. Words are only
ever an excuse ("twice" for a 2), so every value that a run of words might have is taken.
"""

import re
import unicodedata
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

Value = Fraction
WORDS = Path(__file__).parent / "number_words.txt"

_SPACE = "\u0020\u00a0\u202f\u2009"
_DIGITS = re.compile(
    rf"(?<![\d])(?:\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?!\d)(?:[.,]\d+)?"
    r"|\d{1,3}(?:[.,'’]\d{3})+(?!\d)(?:[.,]\d+)?"
    rf"|\d+[.,]\d+|(?<![\w.])\.\d+|\d+)(?:/\d+(?![\d/]))?"
)
_LOOSE_GROUP = re.compile(r"(?<=\d)([.,])\s(?=\d{3}(?!\d))|(?<=\d)([.])\s(?=\d\d(?!\d))")
_FULL_HOUR = re.compile(r"(?<=\d):00(?!\d)")
_HAN_MARKS = re.compile(r"[，。、；：？！（）]")
_HAN_DISCOUNT = re.compile(r"([一二两三四五六七八九]{1,2}|\d(?:\.\d)?|\d\d)\s*折")
_HAN_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+|半|双|倍|对|打")
_HAN_MULTIPLE = re.compile(r"(\d+(?:\.\d+)?)\s*([十百千万亿])")
_HAN_FRACTION = re.compile(r"([一二两三四五六七八九十百\d]+)\s*分之\s*([一二两三四五六七八九十百\d]+)")
_HAN_UNITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN_WORDS = {
    "半": (Fraction(1, 2), Fraction(2)),
    "双": (Fraction(2),),
    "倍": (Fraction(2),),
    "对": (Fraction(2),),
    "打": (Fraction(12),),
}
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_JOINED = frozenset(("and", "et", "y", "e", "und", "и", "a", "of", "de", "di", "eine", "ein"))


def read_digits(text: str, language: str) -> list[frozenset[Value]]:
    """Each number in digits, as the values it may have; Chinese `3万` is 30000."""
    text = unicodedata.normalize("NFKC", _HAN_MARKS.sub(" ; ", text)).replace("⁄", "/")
    text = _LOOSE_GROUP.sub(lambda match: match[1] or match[2], _FULL_HOUR.sub(" ", text))
    numbers = []
    if language == "zh":
        for match in _HAN_MULTIPLE.finditer(text):
            numbers.append(frozenset((Fraction(match[1]) * _HAN_SCALES[match[2]],)))
        text = _HAN_MULTIPLE.sub(" ", text)
    for match in _DIGITS.finditer(text):
        if values := _value(match[0], language):
            numbers.append(values)
    return numbers


def read_words(text: str, language: str) -> Counter[Value]:
    """How often each value may be meant by words: single words, and runs of them ("two hundred and five")."""
    text = unicodedata.normalize("NFKC", text).lower()
    if language == "zh":
        return _read_han(text)
    numbers: Counter[Value] = Counter()
    run: list[frozenset[Value]] = []
    for token in _tokens(text):
        values = _word_values(token, language)
        if values:
            numbers.update(values)
            run.append(values)
        elif token not in _JOINED:
            numbers.update(_compose(run))
            run = []
    numbers.update(_compose(run))
    return numbers


def _tokens(text: str) -> list[str]:
    """Words, with the parts of those joined by hyphens or apostrophes after them."""
    tokens = []
    for match in _WORD.finditer(text):
        word = match[0].replace("’", "'")
        if word.startswith("quatre-vingt"):
            tokens += ["quatre-vingt", *word.split("-")[2:]]
        else:
            tokens += [part for part in re.split(r"['-]", word) if part]
    return tokens


def _compose(run: list[frozenset[Value]]) -> set[Value]:
    """What a run of two or more number words may be together."""
    if len(run) < 2:
        return set()
    totals: set[tuple[Value, Value]] = {(Fraction(0), Fraction(0))}
    for values in run[:6]:
        after: set[tuple[Value, Value]] = set()
        for total, current in totals:
            for value in values:
                if value >= 1000:
                    after.add((total + max(current, Fraction(1)) * value, Fraction(0)))
                elif value == 100:
                    after.add((total, max(current, Fraction(1)) * 100))
                elif value < 1:
                    after |= {(total, current + value), (total, max(current, Fraction(1)) * value)}
                else:
                    after.add((total, current + value))
        totals = set(list(after)[:64])
    return {total + current for total, current in totals}


def _read_han(text: str) -> Counter[Value]:
    numbers: Counter[Value] = Counter()
    for match in _HAN_FRACTION.finditer(text):
        below, above = (_han_value(part) for part in match.groups())
        if below:
            numbers[Fraction(above, below)] += 1
    for match in _HAN_DISCOUNT.finditer(text):
        tenths = match[1] if match[1][0].isdigit() else str(_han_value(match[1]))
        kept = Fraction(tenths) * (1 if len(tenths) == 2 else 10)
        numbers.update((kept, 100 - kept))
    for match in _HAN_NUMERAL.finditer(text):
        if match[0] in _HAN_WORDS:
            numbers.update(_HAN_WORDS[match[0]])
            continue
        numbers[Fraction(_han_value(match[0]))] += 1
        for letter in set(match[0]) & _HAN_UNITS.keys():
            numbers[Fraction(_HAN_UNITS[letter])] += len(match[0]) > 1
    return numbers


def _han_value(numeral: str) -> int:
    """The value of a Chinese numeral; digits read one after the other are a number too (二〇二四)."""
    if numeral.isdigit() and numeral.isascii():
        return int(numeral)
    if not set(numeral) & _HAN_SCALES.keys():
        return int("".join(str(_HAN_UNITS.get(letter, 0)) for letter in numeral))
    total = section = current = 0
    for letter in numeral:
        scale = _HAN_SCALES.get(letter)
        if scale is None:
            current = _HAN_UNITS.get(letter, 0)
        elif scale < 10_000:
            section, current = section + max(current, 1) * scale, 0
        else:
            total, section, current = total + max(section + current, 1) * scale, 0, 0
    return total + section + current


def _value(digits: str, language: str) -> frozenset[Value]:
    number, _, below = digits.partition("/")
    if below:
        values = {above / int(below) for above in _plain(number, language)} if int(below) else set()
        return frozenset(values)
    return frozenset(_plain(number, language))


def _plain(number: str, language: str) -> set[Value]:
    """The values that digits with points, commas and spaces may have."""
    number = re.sub(rf"[{_SPACE}'’]", "", number)
    marks = re.findall(r"[.,]", number)
    if not marks:
        return {Fraction(int(number))}
    whole = Fraction(int(re.sub(r"[.,]", "", number)))
    if len(set(marks)) == 2:
        point = marks[-1]
        return {Fraction(re.sub(r"[.,]", lambda match: "." if match[0] == point else "", number))}
    if len(marks) > 1:
        return {whole}
    part = Fraction(("0" if number[0] in ".," else "") + number.replace(",", "."))
    grouped = re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", number) is not None
    if language in ("en", "zh"):
        return {whole} if grouped and "," in number else {part}
    return {whole, part} if grouped else {part}


def read_english_cardinals() -> dict[str, int]:
    """English cardinal (`zero` to `billion`) -> its value: the first word of each whole number in the word list."""
    lines = (line.split() for line in WORDS.read_text(encoding="utf-8").splitlines())
    return {words[2].rstrip("*"): int(words[1][:-1]) for words in lines if words[0] == "en" and words[1][:-1].isdigit()}


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, tuple[dict[str, frozenset[Value]], tuple[tuple[str, Value], ...]]]:
    """Language -> (whole words, prefixes) with their values, German and Italian compounds among the words."""
    words: dict[str, dict[str, set[Value]]] = {}
    prefixes: dict[str, list[tuple[str, Value]]] = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        head, _, listed = line.partition(":")
        language, number = head.split()
        for word in listed.split():
            if word.endswith("*"):
                prefixes.setdefault(language, []).append((word[:-1], Fraction(number)))
            else:
                words.setdefault(language, {}).setdefault(word, set()).add(Fraction(number))
    for language, compounds in (("de", _german()), ("it", _italian())):
        for word, value in compounds.items():
            words[language].setdefault(word, set()).add(Fraction(value))
    return {
        language: ({word: frozenset(values) for word, values in of.items()}, tuple(prefixes.get(language, ())))
        for language, of in words.items()
    }


@lru_cache(maxsize=16384)
def _word_values(word: str, language: str) -> frozenset[Value]:
    words, prefixes = _lexicon().get(language, ({}, ()))
    return words.get(word, frozenset()) | {value for prefix, value in prefixes if word.startswith(prefix)}


def _german() -> dict[str, int]:
    units = dict(
        zip(("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"), range(1, 10), strict=True)
    )
    tens = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
    small = {f"{unit}und{ten}": value + 10 * at for unit, value in units.items() for at, ten in enumerate(tens, 2)}
    hundreds = {f"{unit}hundert": value * 100 for unit, value in units.items()}
    return small | hundreds | {f"{unit}tausend": value * 1000 for unit, value in units.items()}


def _italian() -> dict[str, int]:
    units = dict(
        zip(("uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"), range(1, 10), strict=True)
    )
    tens = ("venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta")
    small = {
        (ten[:-1] if unit[0] in "uo" else ten) + unit: value + 10 * at
        for unit, value in units.items()
        for at, ten in enumerate(tens, 2)
    }
    hundreds = {f"{unit}cento": value * 100 for unit, value in units.items()}
    return small | hundreds | {f"{unit}mila": value * 1000 for unit, value in units.items()}
