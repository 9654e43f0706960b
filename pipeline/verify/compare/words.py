"""When two answers in words say the same: equal but for case and hyphens, or two ways to say that there is nothing."""

from __future__ import annotations

import re

_EMPTY = re.compile(
    r"(?:there (?:is|are) )?(?:no|none)(?: (?:such|real|integer|possible|valid))?"
    r"(?: (?:solutions?|roots?|values?|numbers?|integers?|zeros?))?(?: exists?)?|(?:the )?empty set|keine lösung(?:en)?"
    r"|pas de solutions?|aucune solution|sin solución|нет (?:решений|корней)|无解"
)
_UNDEFINED = re.compile(r"dne|(?:the limit )?does not exist|(?:it )?doesn'?t exist|n'existe pas|не существует|不存在")


def same_words(left: str, right: str) -> bool:
    """Whether two phrases are one answer."""
    a, b = (_normal(text) for text in (left, right))
    if a == b:
        return True
    if all(_EMPTY.fullmatch(text) and text not in ("no", "none") for text in (a, b)):
        return ("real" in a) == ("real" in b) or not any("integer" in text for text in (a, b))
    return all(_UNDEFINED.fullmatch(text) for text in (a, b))


def says_empty(text: str) -> bool:
    """Whether a phrase says that nothing solves the problem."""
    text = _normal(text)
    return _EMPTY.fullmatch(text) is not None and text != "no"


def _normal(text: str) -> str:
    return " ".join(text.lower().replace("-", " ").replace("ё", "е").split())
