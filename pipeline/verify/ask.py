"""What a problem says of its label that the label does not: that a percentage is asked for, or what its comma is."""

from __future__ import annotations

import re

_PERCENTAGE = re.compile(
    r"(?i)\b(?:what|which|how many)\s+(?:(?:is|was|are|the|a|would be|will be|exact|total)\s+)*percent(?:age)?s?\b"
    r"|\bas an? (?:\w+ )?percent(?:age)?\b"
    r"|\b(?:quel|en) pourcentage\b|\bqué porcentaje\b|\bcuál es el porcentaje\b|\bwie ?viele? prozent\b"
    r"|\bwelche[rn]? prozentsatz\b|сколько процентов|какой процент|百分之(?:几|多少)|百分(?:比|率)是多少"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def mark_percentage(label: str, statement: str) -> str:
    """The label with its percent sign, where the statement asks for a percentage and the label is a bare number.

    A number up to 1 stays bare: it may be the share itself, or so many percents.
    """
    if not _NUMBER.fullmatch(label.strip()) or abs(float(label)) <= 1 or not _PERCENTAGE.search(statement):
        return label
    return rf"{label.strip()}\%"


_COMMA_LANGUAGES = frozenset(("fr", "es", "it", "de", "ru", "pt"))
_TIGHT_COMMA = re.compile(r"-?\d+,\d+")


def mark_decimal_comma(label: str, language: str | None, translated: bool) -> str:
    """The label `1,5` as the number that it is in its language, where lists have semicolons.

    A translation keeps the label of its original, so that its language says nothing of it.
    """
    if translated or language not in _COMMA_LANGUAGES or not _TIGHT_COMMA.fullmatch(label.strip()):
        return label
    return label.strip().replace(",", "{,}")
