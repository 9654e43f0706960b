"""Which problem a logged prompt is, whatever a chat template puts around it.

A trainer logs the prompt as its tokenizer gives it back, with the words of the chat template before and behind. A
problem is in it where all lines of its prompt (or of its statement, where the trainer has a prompt of its own) stand
there one after another. It is looked up by its longest line, so that few pairs of a problem and a prompt are compared,
and problems are looked for one at a time: memory is bounded by the distinct prompts of the logs.
"""

import re
from collections.abc import Iterable, Mapping

MARKS = re.compile(
    r"<[|\uff5c][^|\uff5c<>]*[|\uff5c]>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>(?:user|model)?|<</?SYS>>"
    r"|^(?:user|human|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""What chat templates put before and behind a message on the same line."""


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a text without what a template, a tokenizer or an editor does to their ends."""
    return tuple(line.strip() for line in MARKS.sub("\n", text).splitlines() if line.strip())


class Prompts:
    """The distinct prompts of some logs, and which problem each was recognised as."""

    def __init__(self, prompts: Iterable[str]) -> None:
        self._lines = {prompt: split_lines(prompt) for prompt in prompts}
        self._by_line: dict[str, list[str]] = {}
        for prompt, lines in self._lines.items():
            for line in set(lines):
                self._by_line.setdefault(line, []).append(prompt)
        self._matches: dict[str, list[tuple[bool, int, str]]] = {}

    def look_for(self, id: str, texts: Mapping[bool, str]) -> None:
        """Look in every prompt for a problem: by the prompt that it was exported with (`True`) and by its statement
        (`False`)."""
        for whole, text in texts.items():
            lines = split_lines(text)
            for prompt in self._by_line.get(max(lines, key=len, default=""), ()):
                if _contains(self._lines[prompt], lines):
                    self._matches.setdefault(prompt, []).append((whole, sum(map(len, lines)), id))

    def name(self, prompt: str) -> str | None:
        """The problem that a prompt is: the longest that it holds, its whole prompt before its statement alone; None
        where none is, or two that cannot be told apart."""
        matches = self._matches.get(prompt)
        if not matches:
            return None
        best = max(match[:2] for match in matches)
        ids = {id for whole, length, id in matches if (whole, length) == best}
        return ids.pop() if len(ids) == 1 else None


def _contains(lines: tuple[str, ...], part: tuple[str, ...]) -> bool:
    size = len(part)
    return any(lines[at : at + size] == part for at in range(len(lines) - size + 1) if lines[at] == part[0])
