"""Units of measurement and the words that are none: what may follow a number without changing it.

A measure (`cm`, `km/h`, `\\$`) is part of the value: 5 cm is not 5 m. A counted thing (`apples`, `square units`) is
not: it names what the problem asks for, and models word it as they like.
"""

from __future__ import annotations

import re
from fractions import Fraction

_MEASURES = {
    "cm": "cm centimeter centimetre centimeters centimetres cms",
    "mm": "mm millimeter millimetre millimeters millimetres",
    "m": "meter metre meters metres",
    "km": "km kilometer kilometre kilometers kilometres kms",
    "in": "inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mile miles mi",
    "mg": "mg milligram milligrams",
    "g": "gram grams gm",
    "kg": "kg kilogram kilograms kgs kilo kilos",
    "oz": "oz ounce ounces",
    "lb": "lb lbs pound pounds",
    "ton": "ton tons tonne tonnes",
    "ml": "ml mL milliliter milliliters millilitre millilitres",
    "l": "liter liters litre litres",
    "gal": "gal gallon gallons",
    "s": "sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "$": "$ dollar dollars USD usd",
    "cent": "cent cents",
    "EUR": "\u20ac euro euros EUR eur",
    "GBP": "\u00a3 GBP gbp",
    "JPY": "\u00a5 yen JPY",
    "INR": "\u20b9 rupee rupees INR",
    "deg": "degree degrees deg",
    "rad": "rad radian radians",
    "mph": "mph",
    "Hz": "Hz hertz",
    "W": "watt watts",
    "J": "joule joules",
    "N": "newton newtons",
    "V": "volt volts",
}
MEASURES: dict[str, str] = {word: unit for unit, words in _MEASURES.items() for word in words.split()}
"""Writing of a measure -> its one name."""

LETTERS: dict[str, str] = {letter: letter for letter in "mgshWJNVKAC"} | {"L": "l", "l": "l", "F": "F", "in": "in"}
"""Single letters that are measures only where they cannot be variables: inside `\\text{}`, or after a space (m, g, s,
h, L)."""
SPACED_LETTERS = frozenset("mgshL")

SCALES: dict[str, Fraction] = {
    "hundred": Fraction(100),
    "thousand": Fraction(1000),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
}

_WRITTEN_NOT_THINGS = """
about all alpha and answer any approximately arccos arcsin arctan are base beta between both but by choice choose
cos cosh cubed delta divided dozen each either else equal equals equation eval every except exec exp factorial false
frac gamma half if import infinity infty integral is lambda less limit log maybe minus mod modulo more negative
neither never no none not of omega option or over per percent phi plus positive power print prod psi quarter
remainder rho root score scores sigma sin sinh some sqrt squared sum tan tanh than the then theta third through to
true undefined until was when where with without wrong
"""
NOT_THINGS = frozenset(_WRITTEN_NOT_THINGS.split())
"""Words that, after a number, make it something other than that number (5 or 6, 5 dozen, 5 mod 7)."""

_POWERS = {"square": "^2", "sq": "^2", "cubic": "^3", "squared": "^2", "cubed": "^3"}
_PIECE = re.compile(
    r"(?P<word>[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f$\u20ac\u00a3\u00a5\u20b9]+)\s*(?:\^\s*\{?\s*(?P<power>-?[1-9])\s*\}?)?\s*"
)


def read_unit(words: str, in_text: bool, spaced: bool) -> str | None:
    """The name of the unit that `words` write, "" for a counted thing, None when they are no unit at all.

    `in_text`: the words stood inside `\\text{}`; `spaced`: a space stood before them. Bare letters that could be
    variables (`5x`, `5m`, `6xy`) are no units.
    """
    words = words.strip().strip(".").strip()
    if not words:
        return ""
    if len(words) > 60 or not (spaced or in_text or words in MEASURES or words[0] == "/"):
        return None
    parts = re.split(r"\s*(?:/|\bper\b|\ban?(?= (?:day|week|month|year|hour)$))\s*", words)
    if not parts[0] and len(parts) == 2:
        below = _read_product(parts[1], in_text)
        return None if below is None else f"/{below}" if below else ""
    if len(parts) > 2:
        return None
    names = [_read_product(part, in_text) for part in parts]
    if any(name is None for name in names):
        return None
    if len(names) == 2:
        return f"{names[0]}/{names[1]}" if names[0] and names[1] else (names[0] or "")
    return names[0]


def _read_product(words: str, in_text: bool) -> str | None:
    names: list[str] = []
    pending, position, things = "", 0, 0
    words = words.replace("\\cdot", " ").strip()
    while position < len(words):
        match = _PIECE.match(words, position)
        if match is None:
            return None
        position = match.end()
        word, power = match["word"], match["power"]
        lower = word.lower()
        if lower in _POWERS:
            if lower in ("squared", "cubed"):
                if not names:
                    return None
                names[-1] += _POWERS[lower]
            else:
                pending = _POWERS[lower]
            continue
        measure = MEASURES.get(word) or MEASURES.get(lower)
        if measure is None and len(word) <= 2 and (in_text or word in SPACED_LETTERS):
            measure = LETTERS.get(word)
        if measure is not None:
            suffix = f"^{power}" if power and power != "1" else pending
            names.append(measure + suffix)
            pending = ""
            continue
        if lower in NOT_THINGS or (len(word) < 4 and not in_text and lower not in _SHORT_THINGS):
            return None
        if power and lower not in ("units", "unit"):
            return None
        things += 1
        pending = ""
    if things > 3 or len(names) > 2:
        return None
    return " ".join(names) if not things else ""


_WRITTEN_SHORT_THINGS = """
ants bags bees boys cars cats cow cups dogs eggs girl hen jars kids men pcs pens pie toys ways
"""
_SHORT_THINGS = frozenset(_WRITTEN_SHORT_THINGS.split())
