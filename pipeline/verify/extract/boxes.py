"""Finds the boxes of a text in one pass, and which of them state the answer together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.text.answer_words import answer_words
from pipeline.verify.extract.denials import is_denied

_STRUCTURE = re.compile(
    r"[\\\x08{}\n](?:(?P<open>(?<=\{))|(?P<close>(?<=\}))|(?P<blank>(?<=\n)[ \t\r]*\n)"
    r"|(?P<box>(?:(?<=\\)\\?(?:boxed|fbox|framebox)|(?<=\x08)oxed)(?![A-Za-z])\s*\{?)|(?<=\\).)",
    re.DOTALL,
)
"""Begins with a set of characters, which lets the engine skip all others without a try at each. `\\x08oxed` is a box
whose backslash was lost to a JSON escape."""
_BARE = re.compile(r"\s*(-?\d+(?:\.\d+)?|[A-Za-z])(?![A-Za-z0-9{])")
_EMPTY = re.compile(
    r"(?:\\(?:[hv]?phantom|hspace|underline)\s*\{[^{}]*\}|\\[ ,;:!]|\\q?quad(?![a-z])|[\s_?~.$]|\\ldots)*"
)
GAP = 200
"""Characters between two boxes of one statement, at most."""
_MARKUP = re.compile(
    r"\$+|\\[()\[\]]|\\q?quad(?![a-z])|\\[,;:! ]|\\\\|&|\\(?:text|mathrm|textbf|mbox|begin|end)\s*\{|\\item(?![a-z])"
    r"|[{}*_]"
    r"|(?<![^\W\d])[A-Za-z\u03b1-\u03c9](?:_?\d)?\s*=|[,;:.\uff0c\u3001\uff1b]"
)
_BULLET = re.compile(r"[-\u2022]|\(?(?:[a-d]|[1-9]|i{1,3})[.)]|aligned?|gathered|array|cases")


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it stands, and what is in it; None for one that is empty or never closed."""

    start: int
    end: int
    inside: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What the boxes at the end state: `last`, the inside of the last one, and `together`, all that belong to it.

    `alternatives`: they are joined by "or", so that none of them is the answer alone.
    """

    last: str | None
    together: tuple[str, ...] = ()
    alternatives: bool = False


def find_boxes(text: str) -> list[Box]:
    """The boxes of a text that stand in no other box, in order. Linear: one pass, each brace is looked at once.

    A box that is never closed reaches to the next blank line, as in TeX, where an argument ends there.
    """
    starts: list[tuple[int, int, bool]] = []  # of every box: where it starts, where its inside does, whether it has {
    ends: dict[int, int] = {}  # number of a box -> where its closing brace stands
    blanks: list[int] = []
    stack: list[int] = []  # numbers of open boxes, -1 for other groups
    for match in _STRUCTURE.finditer(text):
        kind = match.lastgroup
        if kind == "box":
            braced = match[0].endswith("{")
            if braced:
                stack.append(len(starts))
            starts.append((match.start(), match.end(), braced))
        elif kind == "open":
            stack.append(-1)
        elif kind == "close" and stack:
            number = stack.pop()
            if number >= 0:
                ends[number] = match.start()
        elif kind == "blank":
            blanks.append(match.start())
    return _keep_outer(text, starts, ends, blanks)


def _keep_outer(text: str, starts: list[tuple[int, int, bool]], ends: dict[int, int], blanks: list[int]) -> list[Box]:
    by_start = {start: number for number, (start, _, _) in enumerate(starts)}
    boxes: list[Box] = []
    covered, blank = -1, 0
    for number, (start, inside, braced) in enumerate(starts):
        if start < covered:
            continue
        if not braced:
            bare = _BARE.match(text, inside)
            covered = bare.end() if bare else inside
            boxes.append(Box(start, covered, bare[1] if bare else None))
            continue
        if number not in ends:
            while blank < len(blanks) and blanks[blank] < start:
                blank += 1
            covered = blanks[blank] if blank < len(blanks) else len(text)
            boxes.append(Box(start, covered, None))
            continue
        covered = ends[number] + 1
        boxes.append(Box(start, covered, _unwrap(text, inside, ends[number], by_start, starts, ends)))
    return boxes


def _unwrap(
    text: str,
    low: int,
    high: int,
    by_start: dict[int, int],
    starts: list[tuple[int, int, bool]],
    ends: dict[int, int],
) -> str | None:
    """The inside of a box, without further boxes that hold all of it; None where nothing is in it."""
    while True:
        while low < high and text[low].isspace():
            low += 1
        while low < high and text[high - 1].isspace():
            high -= 1
        number = by_start.get(low)
        if number is None or ends.get(number) != high - 1:
            break
        low, high = starts[number][1], high - 1
    inside = text[low:high]
    return None if _EMPTY.fullmatch(inside) else inside


def read_boxes(text: str) -> Statement | None:
    """What the last box of a text states, alone and with those that belong to the same statement; None without boxes.

    Together are boxes with nothing but joining words, names (`x =`) and markup between them; else those of the last
    paragraph that stand close to each other.
    """
    boxes = find_boxes(text)
    if not boxes:
        return None
    while boxes and is_denied(text, boxes[-1].start, boxes[-1].end):
        boxes.pop()
    if not boxes:
        return Statement(None)
    last = boxes[-1].inside
    if last is None or len(boxes) == 1:
        return Statement(last)
    gaps = [text[left.end : right.start] if right.start - left.end <= GAP else None for left, right in pairwise(boxes)]
    joins = [None if gap is None else _join_of(gap) for gap in gaps]
    close = [gap is not None and "\n\n" not in gap for gap in gaps]
    first = _reach(boxes, [join is not None for join in joins])
    strict = first < len(boxes) - 1
    if not strict:
        first = _reach(boxes, close)
    together = tuple(dict.fromkeys(box.inside for box in boxes[first:] if box.inside is not None))
    if len(together) < 2:
        return Statement(last)
    return Statement(last, together, strict and "or" in joins[first:])


def _reach(boxes: Sequence[Box], joined: Sequence[bool]) -> int:
    """The first of the boxes that hang together with the last one."""
    first = len(boxes) - 1
    while first and joined[first - 1] and boxes[first - 1].inside is not None:
        first -= 1
    return first


def _join_of(gap: str) -> str | None:
    """ "or", "and" (also for a comma or a new line) where a gap only joins what stands around it, else None."""
    words = [word for word in _MARKUP.sub(" ", gap).lower().split() if not _BULLET.fullmatch(word)]
    rest = " ".join(words)
    if rest in answer_words("or"):
        return "or"
    return "and" if not rest or rest in answer_words("and") or rest in answer_words("or") else None
