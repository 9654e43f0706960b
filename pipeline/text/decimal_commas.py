"""Numbers and lists as the six other languages write them, turned into English writing.

Only what can mean nothing else is turned: `14.916,5` and `1.234.567` are one number each, `1,5; 2,5` are two, and
`40.000 Euro` has no third decimal. `14.916` alone and `3,5` alone are left to the reader.
"""

from __future__ import annotations

import re

from pipeline.text.answer_words import answer_words
from pipeline.text.thousands import has_commas, join_points

_PRICE = re.compile(
    r"(?<![\d.,])[1-9]\d{0,2}(?:\.\d{3})+(?=\s*(?:\\text\s*\{\s*)?(?:€|EUR\b|[Ee]uros?\b|US-Dollar|руб|₽|dólares|dollari\b))"
    r"|(?<=€)\s*[1-9]\d{0,2}(?:\.\d{3})+(?![\d.,]\d)"
)
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_OTHER_COMMA = re.compile(r"(?<!\d),|,(?!\d)|\d,\d+,\d")
_GROUPS = re.compile(r"[(\[{].*[(\[{]|[(\[][^;]*$", re.DOTALL)
"""Several groups in brackets, or one without a semicolon in it: then a comma separates."""
_WORDS = {
    join: re.compile(
        r"(?<=[\d)\]}\u20ac])\s+(?:"
        + "|".join(
            word for word in sorted(answer_words(join), key=len, reverse=True) if len(word) > 1 and word.isalpha()
        )
        + r")\s+(?=[\d(\[\\-])|(?<=\d)\s+(?:"
        + "|".join(word for word in sorted(answer_words(join)) if len(word) == 1)
        + r")\s+(?=\d)"
    )
    for join in ("and", "or")
}


def write_english(text: str) -> str:
    """A cleaned answer with numbers and joining words as English writes them, where they can mean nothing else."""
    if "," not in text and "." not in text and " " not in text:
        return text
    if "." in text:
        text = _PRICE.sub(lambda match: match[0].replace(".", ""), join_points(text))
    joined = text
    if " " in text:
        for join, pattern in _WORDS.items():
            joined = pattern.sub(f" {join} ", joined)
    separated = ";" in text or joined != text
    if (
        separated
        and not _GROUPS.search(text)
        and "." not in text
        and not _OTHER_COMMA.search(text)
        and not has_commas(text)
    ):
        joined = _COMMA.sub(".", joined)
    return joined
