"""Chooses between the last box and all boxes of a final statement, by what the label asks for."""

from __future__ import annotations

from pipeline.verify.decide import read
from pipeline.verify.extract import Extracted
from pipeline.verify.guard import MAX_ANSWER
from pipeline.verify.reader.values import Many, Named, Sequence


def choose_answer(extracted: Extracted, label: str | None) -> str | None:
    """The answer that counts against a label: all boxes of the final statement where the label has several values and
    the last box has one, or where the boxes are alternatives; else the last box."""
    if extracted.alternatives:
        return " or ".join(extracted.together)
    if extracted.text is None or not extracted.together or len(extracted.text) > MAX_ANSWER:
        return extracted.text
    expected = _name_several(label or "")
    if not expected or _name_several(extracted.text) == expected:
        return extracted.text
    joined = ", ".join(extracted.together)
    return f"({joined})" if expected == "tuple" else joined


def _name_several(text: str) -> str:
    """ "list" for several values, "tuple" for one of several parts, "" for anything else."""
    value = read(text).value
    value = value.value if isinstance(value, Named) else value
    return "list" if isinstance(value, Many) else "tuple" if isinstance(value, Sequence) else ""
