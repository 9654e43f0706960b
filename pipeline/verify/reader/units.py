"""Reads what stands behind a number: units of measurement, scale words, and the words that are no unit.

A measure (`cm`, `km/h`, `$`) is part of the value: 5 cm is not 5 m. A counted thing (`apples`, `square units`) is not:
it names what the problem asks for, and models word it as they like. The names of units are `pipeline.text.units`'.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from pipeline.text.answer_words import answer_words
from pipeline.text.units import read_unit_name, sizes
from pipeline.verify.reader.values import Unreadable

LETTERS: dict[str, str] = {letter: letter for letter in "mgshWJNVKACF"} | {"L": "l", "l": "l"}
"""Single letters that are units only where they cannot be variables: inside `\\text{}`, or alone behind a space."""
SCALES: dict[str, Fraction] = {
    "hundred": Fraction(100),
    "thousand": Fraction(1000),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
    **dict.fromkeys(("lakh", "lakhs", "lac"), Fraction(10**5)),
    **dict.fromkeys(("crore", "crores"), Fraction(10**7)),
    "万": Fraction(10**4),
    "亿": Fraction(10**8),
    "тыс": Fraction(1000),
    "млн": Fraction(10**6),
    "млрд": Fraction(10**9),
}
MONEY = frozenset(("$", "cent", "EUR", "GBP", "JPY", "INR", "CNY", "RUB"))
_WRITTEN_NOT_THINGS = """
about all alpha and answer any approximately arccos arcsin arctan are base beta between both but by choice choose
cos cosh cubed delta divided each either else equal equals equation eval every except exec exp factorial false
frac gamma if import incorrect infinity infty integral inverse is lambda less limit log maybe minus mod modulo more
negative neither never no none not of omega option or over per phi plus positive power print prod psi reciprocal
remainder rho root sigma sin sinh some sqrt squared sum tan tanh than the then theta through to
true undefined until untrue was when where with without wrong
"""
_NOT_THINGS = frozenset(_WRITTEN_NOT_THINGS.split())
"""Words that, after a number, make it something other than that number (5 or 6, 5 dozen, 5 mod 7)."""
_COUNTS = frozenset(("times", "fois", "veces", "volte", "mal", "fewer"))
"""Words that change a value in a phrase before it, and may name what a number behind it counts."""
_FOREIGN_NOT_THINGS = [
    *(
        "或",
        "以上",
        "以下",
        "以内",
        "至少",
        "至多",
        "不",
        "万",
        "千",
        "百",
        "十",
        "亿",
        "兆",
        "倍",
        "打",
        "和",
        "分之",
        "成",
        "折",
    ),
    *("半", "错", "或者", "または", "割", "ずつ", "未満"),
    *("или", "более", "менее", "тыс", "мил", "не", "и", "неверно"),
]
_SCALE_WORDS = re.compile(
    # English
    r"(?:hundred|thousand|myriad|[mbt]rillion|[bm]illion|googol|dozen|score|ten|lakh|lac|crore|ppm|ppb)s?|googolplex"
    r"|gross|k|mn|bn|tn|pct|percent\w*|permil\w*|\w*fold|half|halves|quarter"
    r"|(?:third|fourth|fif|six|seven|eigh|nin|ten|eleven|twelf|\w+teen|\w+tie|\w*hundred|\w*thousand|\w*illion)(?:th)?s?"
    r"|fourths?|thirds?"
    # French
    r"|cents?|(?:diz|douz|quinz|vingt|trent|quarant|cinquant|soixant|cent)aines?|mill(?:e|iers?)|milliards?|\w+ièmes?"
    r"|tiers|quarts?|demie?s?|moitiés?"
    # Spanish and Portuguese
    r"|decenas?|docenas?|centenas?|centenares|cien(?:tos)?|mil(?:es|lar(?:es)?)?|(?:m|b|tr)ill[oó]n(?:es)?|ciento"
    r"|tercios?|cuartos?|quintos?|sextos?|séptimos?|octavos?|novenos?|décim[oa]s?|(?:cent|mil|millon)ésim[oa]s?|medios?"
    r"|dezenas?|dúzias?|milhar(?:es)?|(?:m|b|tr)ilh(?:ão|ões)|terços?|sétimos?|oitavos?|nonos?"
    # Italian
    r"|decin[ae]|dozzin[ae]|centinai[ao]|migliai[ao]|mila|milion[ei]|miliard[oi]|cento|mezz[oi]"
    r"|(?:terz|quart|quint|sest|settim|ottav|non|decim|\w+esim)[oi]"
    # German
    r"|dutzende?n?|zehner|hunderte?r?|tausende?r?|millionen?|milliarden?|billionen?|prozent|promille|procent|halbe|hälften?"
    r"|(?:drit|vier|fünf|sechs|sieb|ach|neun|zehn|elf|zwölf|\w*zehn|\w*zigs|\w*hunderts|\w*tausends|\w*millions)teln?|\w+fach\w*"
    r"|mio|mrd|tsd"
    # Russian
    r"|десят(?:ок|к\w*)|дюжин\w*|сот\w{0,2}|сотен|сотн\w*|тыс(?:яч\w*)?|миллион\w*|миллиард\w*|млн|млрд|процент\w*"
    r"|половин\w*|(?:трет|четверт|пят|шест|седьм|восьм|девят|десят|сот|тысячн)(?:ых|ые|ая|ую|ей|и|ь)"
    r"|кратн\w*"
)
"""Words that make another number of the one before them: scales, parts, percent, in the languages that answers have."""
_POWERS = {"square": "^2", "sq": "^2", "cubic": "^3", "squared": "^2", "cubed": "^3"}
_PREFIXES = re.compile(r"(平方|立方|quadrat|kubik|квадратн\w+ |кубическ\w+ )(?=\S)", re.IGNORECASE)
_PIECE = re.compile(r"(?P<word>[^\W\d_]+|[$€£¥₹¢%]+)\.?\s*(?:\^\s*\{?\s*(?P<power>-?[1-9])\s*\}?)?\s*")
_PER = re.compile(r"\s*(?:/|\b(?:per|pro|par|por|за|в)\b|每|\ban?(?= (?:day|week|month|year|hour)$))\s*")
_TEMPERATURE = re.compile(r"(?i)(?:degrees? )?(c(?=elsius)|f(?=ahrenheit))[a-z]+")
_PRIMES = {"'": "arcmin", "''": "arcsec", '"': "arcsec"}


def is_unit_word(word: str) -> bool:
    """Whether a word is the name of a unit in any language."""
    return read_unit_name(word) is not None


@lru_cache(maxsize=1 << 12)
def read_unit_words(words: str) -> tuple[str, Fraction]:
    """The unit ("" for counted things, "%" for percent) and what a scale word multiplies by. Raises Unreadable."""
    words = words.strip().strip(".").strip()
    if words in _PRIMES:
        return _PRIMES[words], Fraction(1)
    if words.startswith("degree"):
        scale = words[len("degree") :].strip()
        if not scale or scale in ("C", "F", "K"):
            return f"deg {scale}".strip(), Fraction(1)
    if (temperature := _TEMPERATURE.fullmatch(words)) is not None:
        return f"deg {temperature[1].upper()}", Fraction(1)
    if (name := read_unit_name(words)) is not None:
        return name, Fraction(1)
    first, _, rest = words.partition(" ")
    if first.lower() in SCALES:
        return (read_unit_words(rest)[0] if rest else ""), SCALES[first.lower()]
    unit = _read_quotient(words)
    if unit is None:
        raise Unreadable(f"cannot read the unit {words!r}")
    return unit, Fraction(1)


def _read_quotient(words: str) -> str | None:
    if not words or len(words) > 60:
        return None
    above, *below = _PER.split(words)
    if len(below) > 1:
        return None
    names = [_read_product(part) for part in (above, *below)]
    if not above and below:
        return None if names[1] is None else f"/{names[1]}" if names[1] else ""
    if None in names:
        return None
    return f"{names[0]}/{names[1]}" if below and names[0] and names[1] else names[0]


def _read_product(words: str) -> str | None:
    """The names of units side by side; "" where one of the words is a counted thing."""
    names: list[str] = []
    power, position, things = "", 0, 0
    words = words.replace("\\cdot", " ").replace("cdot", " ").strip()
    while position < len(words):
        if match := _PREFIXES.match(words, position):
            power = "^3" if match[1].lower().startswith(("立", "ku", "ку")) else "^2"
            position = match.end()
        match = _PIECE.match(words, position)
        if match is None:
            return None
        position = match.end()
        lower = match["word"].lower()
        if lower in ("squared", "cubed"):
            if not names:
                return None
            names[-1] += _POWERS[lower]
        elif lower in _POWERS:
            power = _POWERS[lower]
        elif (name := read_unit_name(match["word"]) or LETTERS.get(match["word"])) is not None:
            raised = match["power"]
            names.append(name + (f"^{raised}" if raised and raised != "1" else power))
            power = ""
        elif not _is_thing(lower) or (match["power"] and lower not in ("unit", "units")):
            return None
        else:
            things, power = things + 1, ""
    if things > 3 or len(names) > 3 or "%" in names:
        return None
    return "" if things else " ".join(names)


def _is_thing(word: str) -> bool:
    """Whether a word that is no unit can be what was counted."""
    if word in answer_words("changes") and word not in _COUNTS:
        return False
    if word.isascii():
        return len(word) > 1 and word not in _NOT_THINGS and _SCALE_WORDS.fullmatch(word) is None
    return _SCALE_WORDS.fullmatch(word) is None and not any(
        part in word if part >= "⺀" else part == word for part in _FOREIGN_NOT_THINGS
    )


@lru_cache(maxsize=1 << 10)
def convert(unit: str) -> tuple[Fraction, str]:
    """(factor, dimension): what one of `unit` is in its base unit."""
    factor = Fraction(1)
    powers: dict[str, int] = {}
    above, _, below = unit.partition("/")
    for side, part in ((1, above), (-1, below)):
        for piece in part.split():
            name, _, power = piece.partition("^")
            exponent = int(power or 1) * side
            base, size = sizes().get(name, (name, Fraction(1)))
            factor *= size**exponent
            over, _, under = base.partition("/")
            for each, sign in ((over, 1), (under, -1)):
                if each:
                    powers[each] = powers.get(each, 0) + sign * exponent
    return factor, " ".join(f"{name}^{power}" for name, power in sorted(powers.items()) if power)
