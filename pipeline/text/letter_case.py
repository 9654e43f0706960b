"""Whether a statement leaves it open if letters of the output are large or small."""

import re
from collections.abc import Mapping
from typing import Any

_SUBJECT = r"(?:letters?|characters?|symbols?|words?|strings?|answers?|outputs?|verdicts?|yes|no)"
_OUTPUT = r"(?:print|output|write|display|answer|response)\w*"
_OPEN = (
    re.compile(
        rf"{_OUTPUT}\b[^.\n]{{0,60}}?\b{_SUBJECT}\b[^.\n]{{0,40}}?\bin\s+any\s+(?:letter\s+)?(?:case|register)\b", re.I
    ),
    re.compile(
        rf"\b{_SUBJECT}\b[^.\n]{{0,40}}?\bin\s+any\s+(?:letter\s+)?case\s*\((?:upper|lower|small|capital)", re.I
    ),
    re.compile(
        rf"(?:{_OUTPUT}|checker)\b[^.\n]{{0,60}}?\b(?:case[\s-]?insensitive|not\s+case[\s-]?sensitive"
        r"|in\s+(?:either|both)\s+(?:upper|lower)[\s-]?case)",
        re.I,
    ),
    re.compile(
        r"\b(?:case|register)\s+of\s+(?:the\s+|each\s+)?(?:output|printed\s+|answer)?\s*(?:letters?|characters?)?[^.\n]{0,30}?"
        r"(?:does\s*n[o'\u2019]t|does\s+not|is\s+not|is\s*n[o'\u2019]t)\s+(?:matter|important|relevant|checked)",
        re.I,
    ),
    re.compile(
        rf"{_OUTPUT}\b[^.\n]{{0,60}}?\b{_SUBJECT}\b[^.\n]{{0,40}}?\b(?:upper|lower|capital|small)[\s-]?(?:case)?\s+or\s+"
        r"(?:upper|lower|capital|small)",
        re.I,
    ),
)
_BOUND = re.compile(r"\bany\s+case\s+(?:where|that|when|of|in\s+which)\b", re.I)
"""`in any case where`: cases of the problem, not of letters."""


def allows_any_case(statement: str) -> bool:
    """Whether answers count in large and small letters alike: "You can print each letter in any case"."""
    return any(
        not _BOUND.search(statement, match.start(), match.end() + 10)
        for pattern in _OPEN
        for match in pattern.finditer(statement)
    )


def read_checker(checker: Mapping[str, Any] | None, statement: str | None) -> dict[str, Any]:
    """How outputs are compared: what a problem's `checker` sets, and `ignore_case` as the statement has it where the
    checker says nothing of it. A checker with code decides that itself."""
    known = {name: value for name, value in (checker or {}).items() if value is not None}
    if "code" in known:
        return known
    if "ignore_case" not in known and allows_any_case(statement or ""):
        known["ignore_case"] = True
    return known
