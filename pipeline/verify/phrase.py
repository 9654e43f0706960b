"""Takes a sentence's words from around a value: `\\text{The answer is } 5` is 5, `\\text{not } 5` stays as it is.

Only words that change nothing are taken off: announcements, joining words, and a subject with its verb. One word that
might change the value (`answer_words.txt`, `changes`), and the text is left alone.
"""

from __future__ import annotations

import re

from pipeline.text.answer_words import answer_words, phrase_pattern

MAX_LENGTH = 400
_INNER = re.compile(r"\\(?:text|textrm|textbf|textit|textnormal|mbox|mathrm)\s*\{([^{}]*)\}")
_ARTICLE = r"(?:the\s+|la\s+|l['\u2019]|die\s+|das\s+|il\s+|le\s+|el\s+)?"
_HEADS = (
    re.compile(
        rf"\s*{_ARTICLE}(?:{phrase_pattern('announce')})\s*(?:{phrase_pattern('copula')}|[:\uff1a=])\s*:?\s*",
        re.IGNORECASE,
    ),
    re.compile(rf"\s*(?:{phrase_pattern('around')})\s*[,:\uff0c\uff1a]?\s*", re.IGNORECASE),
)
_SUBJECT = re.compile(
    rf"\s*(?P<words>[^\W\d_]+(?:\s+[^\W\d_]+){{0,9}}?)\s*(?:{phrase_pattern('copula')})\s*:?\s*(?=\S)(?![^\W\d_]{{2}})",
    re.IGNORECASE,
)
"""A subject and its verb before what is no word."""
_TAIL = re.compile(rf"[\s,]*\(?\s*(?:{phrase_pattern('around')})\s*\)?[\s.!\u3002]*$", re.IGNORECASE)
_CHANGES = re.compile(phrase_pattern("changes"), re.IGNORECASE)


def strip_phrase(text: str) -> str | None:
    """The value within a phrase, or None where there is no such phrase around it."""
    if len(text) > MAX_LENGTH:
        return None
    bare = _INNER.sub(r" \1 ", text)
    rest, taken = bare, []
    for _ in range(4):
        head = next((match for pattern in _HEADS if (match := pattern.match(rest))), None)
        if head is None:
            break
        taken.append(head[0])
        rest = rest[head.end() :]
    if subject := _SUBJECT.match(rest):
        taken.append(subject["words"])
        rest = rest[subject.end() :]
    if tail := _TAIL.search(rest[-60:]):
        taken.append(tail[0])
        rest = rest[: len(rest) - len(tail[0])]
    rest = rest.strip().rstrip(".\u3002").strip()
    words = " ".join(taken)
    if not taken or not rest or _CHANGES.search(words):
        return None
    return None if rest.lower() in answer_words("around") else rest
