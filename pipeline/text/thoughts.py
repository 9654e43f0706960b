"""Where a completion's thoughts end and its answer begins, by the tags of every family of models.

Used wherever a completion is read: grading, the format reward, the language bonus, translations, written programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

THINK = ("<think>", "</think>")
"""The tags that our own prompt asks for, and that stand for a server's `reasoning_content`."""
TAGS = (
    THINK,  # DeepSeek-R1, Qwen3, QwQ, Magistral's first prompt
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),  # Magistral and Ministral, as tokens of their own
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<thought>", "</thought>"),  # EXAONE Deep
    ("<reasoning>", "</reasoning>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A Reasoning
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),  # Kimi
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),  # gpt-oss
)
"""What opens and what closes thoughts."""
HARMONY_BARE = ("analysis", "assistantfinal")
"""gpt-oss once a decoder has dropped its special tokens: at the very start, before a capital letter."""
TURN_ENDS = (
    "<|end|>",
    "<|return|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|END_RESPONSE|>",
    "<end_of_turn>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)
"""Special tokens after which the answer is over: what follows is the next turn of a talk that nobody asked for."""

_KINDS = {tag: (kind, opens) for kind, pair in enumerate(TAGS) for tag, opens in zip(pair, (True, False), strict=True)}
_TAG = re.compile("|".join(map(re.escape, sorted(_KINDS, key=len, reverse=True))))
_END = re.compile("|".join(map(re.escape, TURN_ENDS)))
_BARE_OPEN = re.compile(rf"\s*{HARMONY_BARE[0]}(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Sections:
    """`thoughts`, None where there are none, and the `answer` after them, "" where they are never closed."""

    thoughts: str | None
    answer: str


def split_thoughts(completion: str) -> Sections:
    """The thoughts and the answer of a completion. Total, and linear in its length.

    The answer begins after the last tag that closes thoughts (of whatever family: models mix them), and ends where
    thoughts open again or the turn ends. A closing tag alone is enough: many chat templates open the thoughts
    themselves. Thoughts that are opened and never closed leave no answer; without any tag all is answer.
    """
    if bare := _BARE_OPEN.match(completion):
        thoughts, closed, answer = completion[bare.end() :].rpartition(HARMONY_BARE[1])
        return Sections(thoughts, _cut_turn(answer)) if closed else Sections(answer, "")
    begin = last_open = first = None
    for tag in _TAG.finditer(completion):
        opens = _KINDS[tag[0]][1]
        if opens and first is None:
            first = tag.end()
        if opens and last_open is None:
            last_open = tag.start()
        if not opens:
            begin, last_open, thoughts_end = tag.end(), None, tag.start()
    if begin is None:
        if first is None:
            return Sections(None, _cut_turn(completion))
        return Sections(completion[first:], "")
    start = first if first is not None and first <= thoughts_end else 0
    return Sections(completion[start:thoughts_end], _cut_turn(completion[begin:last_open]))


def answer_section(completion: str) -> str:
    """What follows the thoughts; see `split_thoughts`."""
    return split_thoughts(completion).answer


def check_thoughts(completion: str) -> Literal[True] | tuple[Literal[False], str]:
    """Whether it starts with thoughts and has exactly one pair of their tags, or (False, what breaks it)."""
    if bare := _BARE_OPEN.match(completion):
        count = completion.count(HARMONY_BARE[1], bare.end())
        return True if count == 1 else (False, f"not exactly one {HARMONY_BARE[1]}")
    tags = list(_TAG.finditer(completion))
    if not tags or tags[0].start() != 0 or not _KINDS[tags[0][0]][1]:
        return False, f"does not start with {THINK[0]}"
    kind = _KINDS[tags[0][0]][0]
    if [_KINDS[tag[0]] for tag in tags] != [(kind, True), (kind, False)]:
        return False, f"not exactly one {TAGS[kind][0]}...{TAGS[kind][1]} pair"
    return True


def opened_by(prompt: str) -> str:
    """The end of a rendered prompt that opens thoughts (`<think>` and the white space after it), or ""."""
    bare = prompt.rstrip()
    for opening, _ in TAGS:
        if bare.endswith(opening):
            return prompt[len(bare) - len(opening) :]
    return ""


def open_thoughts(completion: str, opening: str = THINK[0] + "\n") -> str:
    """A completion whose prompt had opened the thoughts, with the opening tag before it, unless it is there."""
    if not opening:
        return completion
    first = _TAG.search(completion)
    if first is not None and _KINDS[first[0]][1] and not completion[: first.start()].strip():
        return completion
    return opening + completion


def closes_unopened(completion: str) -> bool:
    """Whether thoughts end that never began: proof that the prompt of this model opens them."""
    first = _TAG.search(completion)
    return first is not None and not _KINDS[first[0]][1] and _BARE_OPEN.match(completion) is None


def loses_tags(special_tokens: Iterable[str]) -> bool:
    """Whether a decoder that drops these special tokens drops tags of thoughts, or parts of them."""
    return any(len(token) > 3 and any(token in tag for tag in _KINDS) for token in special_tokens)


def _cut_turn(text: str) -> str:
    end = _END.search(text)
    return text[: end.start()] if end else text
