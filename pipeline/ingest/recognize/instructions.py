r"""Instructions to whoever answers that sets write around each problem, taken off: `\boxed{}`, "step by step", `####`.

What a problem asks of its answer ("as a common fraction", "in the form $a+b$") is part of it and stays.
"""

import re
from functools import cache
from pathlib import Path

_BREAK = re.compile(r"(?:(?<=[.!?。！？])[\"”')\]]*(?:[ \t]+|(?<=[。！？]))|\n+)(?=\S)")
_FIRST_BREAK = re.compile(r"(?:(?<=[.!?:。！？：])[\"”')\]]*(?:[ \t]+|(?<=[。！？：]))|\n+)(?=\S)")
_HEAD = re.compile(
    r"(?:#+ *)?\**(?:question|problem|q|input|user|human|task|题目|问题)\**\s*[:：]\**\s*", re.IGNORECASE
)
_ASKED = re.compile(r"(?:^|\n)[ \t]*(?:question|problem|q)\s*:\s*", re.IGNORECASE)
_ANSWERED = re.compile(r"\n[ \t]*(?:answer|solution|a)\s*:", re.IGNORECASE)
_TAIL = re.compile(
    r"(?:^|\n)\s*(?:#+ *)?\**(?:answer|solution|response|output|assistant|答案|解答)\**\s*[:：]\**[ \t]*"
    r"(?:\([^()\n]*\))?\s*$|\n[ \t]*A[ \t]*:[^\n]{0,40}\bthe answer is\s*$",
    re.IGNORECASE,
)
_SECTION = re.compile(
    r"(?<!#)#++ *+(?:Question|Problem)[ \t]*+:?[ \t]*+\n(.*?)\n\s*+#++ *+"
    r"(?:Format|Answer|Starter Code|Solution|Response)\b",
    re.DOTALL | re.IGNORECASE,
)
_FENCE = re.compile(r"```[a-z]*+\s*+#? *+(?:your|my) (?:code|solution|answer)[^\n`]*+\s*+```", re.IGNORECASE)

LONGEST = 1 << 14
"""A longer statement is left as it is: instructions are written around a problem, and searching for them takes the
square of a hostile text's length."""
TAIL_CHARACTERS = 400
"""Where the heading of an answer may stand that ends a prompt."""


@cache
def _read_patterns() -> re.Pattern[str]:
    lines = Path(__file__).with_name("instructions.txt").read_text(encoding="utf-8").splitlines()
    return re.compile("|".join(f"(?:{line})" for line in lines if line and line[0] != "#"), re.IGNORECASE)


def strip_instructions(text: str) -> str:
    """`text` without the instructions before and after its problem; as it was where nothing else would be left."""
    if len(text) > LONGEST:
        return text.strip()
    section = _SECTION.search(text)
    stripped = section[1] if section else _skip_examples(text)
    before = None
    while before != stripped:
        before = stripped
        stripped = _strip_end(_strip_start(stripped.strip()))
    return stripped if stripped else text.strip()


def is_instruction(sentence: str) -> bool:
    """Whether a sentence says how to answer rather than what is asked."""
    return bool(_read_patterns().search(sentence))


def _skip_examples(text: str) -> str:
    """The last of several questions where those before it are answered: examples for whoever answers."""
    asked = list(_ASKED.finditer(text))
    answered = len(_ANSWERED.findall(text))
    return text[asked[-1].end() :] if len(asked) >= 2 and answered >= len(asked) - 1 else text


def _strip_start(text: str) -> str:
    head = _HEAD.match(text)
    if head:
        return text[head.end() :]
    for cut in (_FIRST_BREAK.search(text), _BREAK.search(text)):
        if cut and is_instruction(text[: cut.start()]):
            return text[cut.end() :]
    return text


def _strip_end(text: str) -> str:
    tail = _TAIL.search(text, max(0, len(text) - TAIL_CHARACTERS))
    if tail and tail.start():
        return text[: tail.start()]
    fence = None
    for fence in _FENCE.finditer(text):  # noqa: B007  the last one counts
        pass
    if fence and "\n" not in text[fence.end() :].strip() and len(text) - fence.end() < 80:
        return _strip_line(text[: fence.start()])
    cuts = list(_BREAK.finditer(text))
    return text[: cuts[-1].start()] if cuts and is_instruction(text[cuts[-1].end() :]) else text


def _strip_line(text: str) -> str:
    """`text` without the sentence that leads to a fence."""
    text = text.rstrip()
    cuts = list(_BREAK.finditer(text))
    return text[: cuts[-1].start()] if cuts and cuts[-1].start() else text
