"""Statements that end in what they work on, without a mark: "Add: (2 - 3i) + (1 + i)", "Sort this list:\\n4 2 9".

A request that has its object is complete, whether or not a full stop follows. Four shapes: material after a request's
colon; material on lines of its own; a list that has no marks at its ends; and a short request with its numbers in it
("Convert 115 to base 15").
"""

import re

from pipeline.screen.asking import CORE, asks
from pipeline.screen.reading import ENGLISH
from pipeline.screen.story import PRONOUN, STORY
from pipeline.text.masking import MASKS

FUNCTIONS = frozenset(
    str.split(
        "sin cos tan cot sec csc log exp sqrt abs mod and or xor not min max gcd lcm floor ceil arcsin arccos arctan"
        " sinh cosh tanh pi true false base"
    )
)
TERMS = r"[\d\s.,+\-*/^×÷·•−()\[\]%|]*"
SUM_OPEN = re.compile(rf"{TERMS}\d{TERMS}=\s*[?_]*")
OPEN_END = re.compile(r"[-+*/^=,;(\[{<>&|×÷·•−:\\]$")
ITEM = re.compile(r"[ \t]*(?:[-*•]|\(?\w{1,2}[.):])\s")
MARKED_END = re.compile(r"[.?!。][)\"'”’]*$")
COLON = re.compile(
    r"(?:problem|sum|product|quotient|difference)? ?:\s+|\b(?:what is|compute|calculate|evaluate)\s+", re.I
)
GRID_LINE = re.compile(r"(?:(?!0x)[^A-Za-z]|[A-Za-z](?![A-Za-z]))*")
OUTPUT = re.compile(r"\n[ \t]*(?:output|answer|result)(?: \d+)?:$", re.IGNORECASE)
LISTED_END = re.compile(r"[\[({][^\[\](){}]*,[^\[\](){}]*,[^\[\](){}]*[\])}]$")
BASES = rf"(?:{CORE}|convert|round|write|give|add|subtract|multiply|divide|reduce|change|name|list|sort|pick)"
REQUEST = re.compile(
    rf"(?:(?:now|then|next|please|finally),? )?(?:{BASES}|what (?:is|are|percent of)|how (?:many|much) is)\b.*",
    re.IGNORECASE | re.DOTALL,
)
VALUE = re.compile(rf"(?<![\w.])[-−]?\$?\d[\d,]*(?:[./]\d+)?|[{MASKS}]|\bbase[- ]\d+|\b[a-z]\b", re.IGNORECASE)
CONVERTED = re.compile(
    r"(?:\w+, )?(?:convert|change|express|write|round|rewrite|simplify|factor|solve|reduce|expand)\b.*[\d\ue000].*"
    r"\b(?:to|as|in|into|for) (?:an? |the |its )?(?:\w+ ){0,2}[a-z]\w*",
    re.IGNORECASE | re.DOTALL,
)
UNFINISHED = frozenset(str.split("nearest lowest simplest form_of terms_of scientific mixed improper first next last"))


def is_balanced(text: str) -> bool:
    """Whether every bracket that is opened is closed."""
    return all(text.count(left) <= text.count(right) for left, right in ("()", "[]", "{}"))


def is_material(text: str) -> bool:
    """Whether a piece is an expression, numbers, a grid or a list of words rather than the beginning of a sentence."""
    text = text.strip()
    if not text or not is_balanced(text):
        return False
    if SUM_OPEN.fullmatch(text):
        return True
    if OPEN_END.search(text) and text.count("\n") < 2:
        return False
    bare = re.sub(r"\b0x[\da-fA-F]+|\"[^\"\n]*\"|“[^”\n]*”|'[^'\n]*'", " ", text)
    words = [word.lower() for word in re.findall(r"[A-Za-z]{3,}", bare) if word.lower() not in FUNCTIONS]
    if not words:
        return bool(re.search(rf"[\w{MASKS}]|[^\w\s]{{3,}}", text))
    if len(words) >= 3 and re.fullmatch(r"[\[(]?(?:\s*[\w'-]+\s*,)+\s*[\w'-]+\s*[\])]?", bare):
        return True
    if any(word in ENGLISH for word in re.findall(r"[a-z]+", bare.lower()) if word not in FUNCTIONS):
        return False
    return (len(words) == 1 and " " not in text) or (text.count(",") >= len(words) - 1 and len(words) >= 2)


def ends_in_material(prose: str) -> bool:
    """Whether a request is followed by its material, after its colon (or its verb) or on lines of its own."""
    prose = prose.strip()
    if (OUTPUT.search(prose) or LISTED_END.search(prose)) and asks("", prose, english=True):
        return True
    for colon in reversed(list(COLON.finditer(prose))[-3:]):
        head = re.split(r"(?<=[.?!])\s", prose[: colon.end()].strip())[-1]
        tail = prose[colon.end() :]
        summed = ":" not in colon.group()
        if is_material(tail) and (SUM_OPEN.fullmatch(tail.strip()) if summed else asks("", head, english=True)):
            return True
    lines = prose.split("\n")
    block = len(lines)
    while block > 1 and (GRID_LINE.fullmatch(lines[block - 1]) or is_material(lines[block - 1])):
        block -= 1
    head = "\n".join(lines[:block]).rstrip()
    if block == len(lines) or not re.search(r"[.:?!]$", head):
        return False
    return asks("", head, english=True) and is_material("\n".join(lines[block:]))


def ends_in_list(prose: str) -> bool:
    """Whether the text ends in a list of three lines or more none of which has a mark at its end."""
    lines = [line for line in prose.strip().split("\n") if line.strip()][-3:]
    return len(lines) == 3 and all(ITEM.match(line) and not MARKED_END.search(line.rstrip()) for line in lines)


def is_full_request(sentence: str) -> bool:
    """Whether a sentence is a short request that has its object: two values, or one and what to make of it; nothing
    in it points at a story."""
    sentence = sentence.strip()
    if len(sentence) > 120 or not REQUEST.fullmatch(sentence) or PRONOUN.search(sentence) or STORY.search(sentence):
        return False
    if sentence[-1].isdigit() or sentence[-1] in "%°)":
        values = VALUE.findall(re.sub(r"^\W*\w+", "", sentence))
        return is_balanced(sentence) and len(values) >= 2
    if not sentence[-1].isalpha() or not CONVERTED.fullmatch(sentence):
        return False
    return sentence.split()[-1].lower() not in UNFINISHED
