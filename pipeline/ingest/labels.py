"""The label of a problem: taken out of the text that holds it, with markup around it gone and what it says left alone.

Thousands separators, units, mixed numbers and percentages stay as written: the verifier reads them (pipeline.verify).
"""

import re
from typing import Literal

from pipeline.verify.extract import extract_answer

How = Literal["given", "boxed", "hashes"]
"""Where a label stands: the text itself, the last `\\boxed{}` in it, or what follows its last `####` (GSM8K's form)."""

_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_WRAPPERS = (
    re.compile(r"\$\$((?:[^$\\]|\\.)*)\$\$", re.DOTALL),
    re.compile(r"\$((?:[^$\\]|\\.)*)\$", re.DOTALL),
    re.compile(r"\\\(((?:(?!\\[()]).)*)\\\)", re.DOTALL),
    re.compile(r"\\\[((?:(?!\\[\[\]]).)*)\\\]", re.DOTALL),
    re.compile(r"\\(?:text|textbf|textrm|mbox|mathrm)\s*\{([^{}]*)\}"),
)


def extract_label(text: str | None, how: How) -> str | None:
    """The label in `text`, or None where there is none: no box, no `####`, or nothing in it."""
    if text is None:
        return None
    if how == "boxed":
        text = extract_answer(text, "boxed")
    elif how == "hashes":
        marked = _HASHES.findall(text)
        text = marked[-1] if marked else None
    return clean_label(text) if text is not None else None


def clean_label(text: str) -> str | None:
    """`text` without math delimiters, outer `\\boxed{}` or `\\text{}`, and final full stop; None for nothing left."""
    before = None
    while text != before:
        before = text
        text = text.strip()
        if text.startswith(("\\boxed", "\\fbox")) and text.endswith("}"):
            inside = extract_answer(text, "boxed")
            if inside is not None and text.count("\\boxed") + text.count("\\fbox") == 1 and text.endswith(inside + "}"):
                text = inside
        for wrapper in _WRAPPERS:
            whole = wrapper.fullmatch(text)
            if whole:
                text = whole[1]
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1]
    return text or None
