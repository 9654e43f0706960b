"""What stands around a problem and is no part of it: labels and orders to the solver in front and behind, and where it
is from.

Orders are told by their words: a first or last sentence made only of words such as `please`, `step` and `boxed`, with
no number or formula in it, tells how to answer, not what is asked. So `Give your final answer as an integer` goes, and
`Give your answer in dollars` stays.
"""

import re
from collections.abc import Sequence

_LABEL = re.compile(
    r"""
    \A\s*+
    (?:
        \[(?=[^\]\n]*[a-z]{3})[^\]\n\\$]{3,60}\]\s*                       # [source: ...]
      | [\#*>_\s]*+(?:(?:math|word)\s+)?(?:problem|question|exercise|task|example|q)\b
        \s{0,9}(?:no\.?|number)?\s{0,9}[\d.]{0,6}(?:/[\dIVX]{1,5})?\s{0,9}(?:[:)*_\#]+|\.(?=\s)|\n|-\s)\s*
                                                                            # Question 12:
      | [\#*>_\s]*+(?:problem|question|exercise|task|example|q)\.?\s*+\d{1,3}(?:\.\d{1,2})*[):]?\s+
        (?=(?-i:[A-Z])|[\\$(])
                                                                            # Example 5 Find ...
      | \(?\d{1,3}(?:\.\d{1,3}){1,2}[.):*]*\s+(?=(?-i:[A-Z])|[\\$(])          # 8.3. The ...
      | (?:(?-i:[A-Z])?\w{0,9}[.,:]?\s*)?
        \(\s*(?:this\s(?:question|problem)\sis\sworth\s|total\s|full\s(?:score|mark)s?\s)?
        \d{1,3}\s*(?:points?|pts\.?|marks?)\b[^()]{0,40}\)\s*                # (5 points), 12. (20 points, 2 parts)
      | [(（]\s*(?:本(?:小|大)?题)?(?:满分|共)?\s*\d{1,3}\s*分\s*[)）]\s*          # (本题5分)
      | \[\**\d{1,3}\**\]\s+(?=(?-i:[A-Z])|[\\$(])                         # [**4**] The ...
      | \(?\d{1,4}[.)]\s+(?=[A-Z\[])                                      # 12. The ...
      | [\#*>]+\s+
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)

ORDER_WORDS = frozenset(
    str.split(
        "please solve answer answers the this following problem question math mathematics mathematical task exercise "
        "puzzle carefully reason reasoning think thinking step steps by let us lets show your you work working "
        "explain explanation all put give write present provide express state final result as in within inside box "
        "boxed \\boxed a an and then full detailed solution integer whole decimal round rounded if needed necessary "
        "to of is it its for below simplified simplest form fraction common latex format make sure that must should "
        "be enter only here use using before finally response reply output now at end on own line clearly justify "
        "each approach here's heres one"
    )
)
_SOURCE_WORDS = frozenset(
    str.split(
        "of the and for in at de la von et grade class form day round team individual problem question part test "
        "olympiad contest competition exam examination math mathematics national city final league training "
        "selection no preliminary high school junior senior entrance college university st nd rd th"
    )
)
_TAIL = re.compile(
    r"(?:\(([^()\n]{3,120})\)|\[([^\[\]\n]{3,120})\]|\*{1,2}([^*\n]{3,120})\*{1,2}|_([^_\n]{3,120})_)[.\s]*\Z"
)
_HEAD = re.compile(r"\A\s*(?:\(([^()\n]{3,80})\)|\[([^\[\]\n]{3,80})\])[.:\s]*(?=[A-Z\\$])")
_POINTS = re.compile(r"(?<!\s)\s*+[\[(（]\s*\d{1,3}\s*(?:points?|pts\.?|marks?|分)\s*[\])）][.\s]*\Z", re.IGNORECASE)
_BY = re.compile(
    r"(?:[*_(\[]|\[i\])*\b(?:(?:problem )?(?:proposed|posed|submitted|authored|written|created) by|author|source)\b"
    r"\s*:?\s*\**([^\n*_()\[\]]{2,100})(?:\([^\n()]{2,40}\))?(?:[*_)\]]|\[/i\])*[.\s]*\Z",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"(?<=[.?!$\])}>])\s*\n\s*"
    r"(?:[*_]{1,3}([^\n*_\[\]]{2,60})[*_]{1,3}|\[i\]([^\n\[\]]{2,60})\[/i\]|\t\s*((?:[A-Z][\w.]*\s+){1,3}[A-Z]\w{2,}))"
    r"[.\s]*\Z|(?:\s*~\w{3,30})+\s*\Z|(?<=[.?!$\]])\s+\*([A-Z][\w.’-]*(?: [A-Z][\w’-]+){1,3})\*\s*\Z"
)
"""Who a problem is by, on a line of its own behind its last sentence: a name in italics or behind a tab, or the handles
of a forum."""
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
"""Where a problem is from stands behind it: a year among names, or who proposed it. Names begin with a capital: an
aside such as `(in the year 2000)` stays."""
FEWEST = 3
"""Tokens that must be left: a problem is never taken for its own wrapping."""
SOURCE_LENGTH = 200
"""Characters at the end of a statement in which its source is looked for."""


def strip_labels(text: str) -> str:
    """Take numbering, headings and tags such as `[source: ...]` off the front."""
    for _ in range(3):
        label = _LABEL.match(text) or _find_head(text)
        if label is None or not text[label.end() :].strip():
            break
        text = text[label.end() :]
    return text


def strip_source(text: str) -> str:
    """Take the source, the author and the points that it is worth off the end."""
    text = _POINTS.sub("", text)
    for _ in range(2):
        begin = max(0, len(text) - SOURCE_LENGTH)
        tail = _find_source(text[begin:])
        if tail is None or not text[: begin + tail].strip():
            break
        text = text[: begin + tail].rstrip()
    return text


def _find_head(text: str) -> re.Match[str] | None:
    """A source that stands before the problem: `(2021 AMC 8)`."""
    head = _HEAD.match(text)
    source = next(filter(None, head.groups())) if head else ""
    return head if "\\" not in source and _YEAR.search(source) and _is_named(source) else None


def _find_source(text: str) -> int | None:
    """Where a source begins with which the text ends."""
    by = _BY.search(text)
    if by and (_is_named(by[1]) or (by[0].rstrip(". \n").endswith(("*", "[/i]")) and len(by[1].split()) <= 3)):
        return by.start()
    signed = _SIGNED.search(text)
    if signed and _is_signature(next(filter(None, signed.groups()), "")):
        return signed.start()
    tail = _TAIL.search(text)
    source = next(filter(None, tail.groups())) if tail else ""
    plain = "\\" not in source and "$" not in source
    return tail.start() if tail and plain and _YEAR.search(source) and _is_named(source) else None


def _is_signature(text: str) -> bool:
    """Whether a line of its own is a name or a few, or nothing but handles."""
    return not text or (len(text.split()) <= 6 and not text.rstrip().endswith(("?", ":", "!")) and _is_named(text))


def _is_named(text: str) -> bool:
    """Whether a text is names, numbers and words such as `olympiad` only, with a name among them."""
    tokens = [token.strip("#№&,;:/.-–—+'’\"") for token in text.split()]
    names = any(token[:1].isupper() for token in tokens)
    return names and all(not token or not token[0].islower() or token in _SOURCE_WORDS for token in tokens)


def strip_instructions(tokens: Sequence[str], end: str) -> list[str]:
    """Take sentences that only tell how to answer off the front and the back; `end` is the mark between sentences."""
    sentences: list[list[str]] = [[]]
    for token in tokens:
        if token == end:
            sentences.append([])
        else:
            sentences[-1].append(token)
    sentences = [sentence for sentence in sentences if sentence]
    first, last = 0, len(sentences)
    while last - first > 1 and ORDER_WORDS.issuperset(_bare(sentences[last - 1])):
        last -= 1
    while last - first > 1 and ORDER_WORDS.issuperset(_bare(sentences[first])):
        first += 1
    kept = sentences[first:last]
    if sum(map(len, kept)) < FEWEST:
        kept = sentences
    joined = [token for sentence in kept for token in (*sentence, end)]
    return joined[:-1]


def _bare(sentence: Sequence[str]) -> Sequence[str]:
    return [token for token in sentence if token not in "()"]
