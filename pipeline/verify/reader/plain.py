"""Reads the commonest answers, which are one number, without tokens: a tenth of the time for nine answers of ten.

What it reads the grammar reads to the same value, which a test checks.
"""

from __future__ import annotations

import re
from fractions import Fraction

from pipeline.verify.reader.build import number
from pipeline.verify.reader.values import Quantity

_AMOUNT = re.compile(
    r"(?P<coin>\\?\$)?(?P<sign>-?)(?P<whole>[1-9]\d{0,2}(?:,\d{3})+|\d{1,30})(?:\.(?P<places>\d{1,30})|\.$)?(?P<percent>\\?%)?"
)
_FRACTION = re.compile(
    r"(?P<sign>-?)(?:\\[dt]?frac\{(?P<top>-?\d{1,30})\}\{(?P<bottom>[1-9]\d{0,30})\}"
    r"|(?P<above>\d{1,30})/(?P<below>[1-9]\d{0,30}))"
)


def read_plain(text: str) -> Quantity | None:
    """The value of a plain integer, decimal, amount of dollars, percentage or fraction, or None."""
    if match := _AMOUNT.fullmatch(text):
        coin, sign, whole, places, percent = match.groups()
        if coin and (percent or sign):
            return None
        digits = whole.replace(",", "")
        value = Fraction(int(digits + places), 10 ** len(places)) if places else Fraction(int(digits))
        node = number(-value if sign else value, len(places or ""))
        return Quantity(node, "$" if coin else "", bool(percent))
    if match := _FRACTION.fullmatch(text):
        top, bottom = match["top"] or match["above"], match["bottom"] or match["below"]
        value = Fraction(int(top), int(bottom))
        return Quantity(number(-value if match["sign"] else value))
    return None
