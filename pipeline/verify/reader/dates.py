"""Dates, and times of day in 24 hours, as the languages write them."""

from __future__ import annotations

import re
from datetime import date

from pipeline.verify.reader.values import Clock, Value, Word

_WRITTEN_MONTHS = """
january january jan janvier enero gennaio januar janeiro января
february february feb février febrero febbraio februar fevereiro февраля
march march mar mars marzo märz março марта
april april apr avril abril aprile апреля
may may mai mayo maggio maio мая
june june jun juin junio giugno juni junho июня
july july jul juillet julio luglio juli julho июля
august august aug août agosto августа
september september sep sept septembre septiembre settembre setembro сентября
october october oct octobre octubre ottobre oktober outubro октября
november november nov novembre noviembre novembro ноября
december december dec décembre diciembre dicembre dezember dezembro декабря
"""
_MONTHS = {name: at for at, line in enumerate(_WRITTEN_MONTHS.strip().splitlines(), 1) for name in line.split()}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?"
_WRITINGS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)",
        rf"(?P<month>{_MONTH})\.?\s+{_DAY}(?:,?\s+(?P<year>\d{{4}}))?",
        rf"(?:the\s+)?{_DAY}\s+(?:of\s+|de\s+)?(?P<month>{_MONTH})\.?,?(?:\s+(?:de\s+)?(?P<year>\d{{4}}))?(?:\s*(?:года|г\.?))?",
        r"(?P<year>\d{4})年(?P<number>\d{1,2})月(?P<day>\d{1,2})日",
    )
)
_HOURS = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s+Uhr|klokken\s+(\d{1,2})[:.](\d\d)")
MAY_BE_DATE = re.compile(r"\d{4}-\d\d-|\u5e74|Uhr|klokken|[^\W\d_]{3}[^\\{]*\d|\d[^\\{]*[^\W\d_]{3}")
"""What a date, or a time of day in words, has somewhere."""
MAX_DATE = 40
"""Characters of a date with the markup around it."""


def read_date(text: str) -> Value | None:
    """A date as a word that all of its writings share, a time of day with its name of hours, or None."""
    if (hours := _HOURS.fullmatch(text)) is not None:
        hour, minute = int(hours[1] or hours[3]), int(hours[2] or hours[4] or 0)
        return Clock(60 * hour + minute) if hour < 24 and minute < 60 else None
    for writing in _WRITINGS:
        if (match := writing.fullmatch(text)) is None:
            continue
        parts = match.groupdict()
        month = int(parts["number"]) if parts.get("number") else _MONTHS[parts["month"].lower()]
        try:
            date(int(parts["year"] or 2000), month, int(parts["day"]))
        except ValueError:
            return None
        return Word(f"date {parts['year'] or ''} {month} {int(parts['day'])}")
    return None
