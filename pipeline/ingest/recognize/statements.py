"""Which place of the rows holds the statement, by what stands there over all of them; names are a prior only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.recognize.instructions import is_instruction, strip_instructions
from pipeline.ingest.recognize.turns import find_question, read_turns
from pipeline.ingest.recognize.values import Field, Path, Row, is_prose, reach, share

NAMES = {
    **dict.fromkeys(("statement", "problemstatement", "problemdescription", "questionconcat"), 1.0),
    **dict.fromkeys(("questioncontent", "problemtext", "questiontext", "completeprompt"), 0.98),
    **dict.fromkeys(("problem", "problems", "题目", "题干", "problemcontent", "mathproblem", "wordproblem"), 0.96),
    **dict.fromkeys(("question", "questions", "问题", "questionbody", "squestion", "originaltext"), 0.95),
    **dict.fromkeys(("aufgabe", "frage", "énoncé", "pregunta", "enunciado", "problema", "domanda", "quesito"), 0.95),
    **dict.fromkeys(("pergunta", "questão", "problème", "задача", "вопрос", "условие", "問題", "問題文", "題目"), 0.95),
    **dict.fromkeys(("題幹", "問題内容", "문제", "질문", "vraag", "pytanie", "zadanie", "soru"), 0.95),
    **dict.fromkeys(("exercise", "riddle", "puzzle", "stem", "questionstem"), 0.85),
    **dict.fromkeys(("informalstatement", "informalproblem", "nlstatement", "informalstmt"), 0.85),
    **dict.fromkeys(("description", "prompt", "rawprompt", "userprompt"), 0.8),
    **dict.fromkeys(("query", "input", "task", "instruction", "conversation", "conversations"), 0.72),
    **dict.fromkeys(("messages", "turns", "dialogue", "chat", "dialog", "inputs"), 0.7),
    **dict.fromkeys(("rawproblem", "originalproblem", "rawquestion", "originalquestion"), 0.6),
    **dict.fromkeys(("text", "content", "body", "context", "inputtext", "source"), 0.55),
}
NESTED = 0.03
"""What each object around a place takes from its prior: a column of that name is the likelier one."""
STORIES = ("body", "context", "passage", "story", "scenario", "premise", "table")
"""What stands before a question in a column of its own."""
WRAPPED = 0.3
"""A statement inside a wrapper is at least this share of it: shorter ones are titles and words of it."""
ENOUGH = 0.5
"""Share of rows that must have a statement in a place, so that it is the one."""


@dataclass(frozen=True)
class StatementReading:
    """Where a statement stands. `story` goes before it; `turns` says that the place holds a conversation."""

    path: Path
    fit: float
    story: Path | None = None
    turns: bool = False

    @property
    def used(self) -> set[str]:
        """Columns that the statement takes up whole."""
        return {path[0] for path in (self.path, self.story) if path is not None and len(path) == 1}

    @property
    def shown(self) -> str:
        column = ".".join(self.path)
        if self.turns:
            return f"the last user message of {column}"
        return f"{'.'.join(self.story)} + {column}" if self.story else column

    def read(self, row: Row) -> str | None:
        """The statement of one row, without instructions to whoever answers."""
        text = _find_text(reach(row, self.path), self.turns)
        if text is None:
            return None
        text = strip_instructions(text)
        story = reach(row, self.story) if self.story else None
        return join_story(story, text) if isinstance(story, str) and story.strip() else text


def join_story(story: str, question: str) -> str:
    """Story and question as one text; a story without an end gets a comma or a full stop."""
    story, question = story.strip(), question.strip()
    if not question or question in story:
        return story
    if "\n" in story:
        return f"{story}\n\n{question}"
    if story[-1] in ".!?:;,。！？：；，…\"')":
        return f"{story} {question}"
    return f"{story}, {question}" if question[0].islower() else f"{story}. {question}"


def find_statement(fields: Sequence[Field]) -> StatementReading | None:
    """The place whose values are most likely the statements, or None where no place is."""
    best: tuple[tuple[float, float], Field, bool, float] | None = None
    texts: dict[Path, list[str | None]] = {}
    for field in fields:
        prior = NAMES.get(field.name, 0.0) - NESTED * (len(field.path) - 1)
        if prior <= 0:
            continue
        for turns in (False, True):
            prose = [_find_text(value, turns) for value in field.values]
            fit = share([is_prose(text) for text in prose])
            if fit < ENOUGH or (len(prose) >= 3 and len({text for text in prose if text}) < 2):
                continue
            texts[field.path] = prose
            # Of two places that fit alike the statement is the one with more in it: the other has a few instructions.
            score = (round(prior * fit, 9), share_of_distinct(prose))
            if best is None or score > best[0]:
                best = (score, field, turns, fit)
    if best is None:
        return None
    _, field, turns, fit = best
    unwrapped = _find_unwrapped(fields, texts, field)
    if unwrapped is not None:
        field, turns = unwrapped, False
    story = _find_story(fields, field) if not turns else None
    return StatementReading(field.path, fit, story, turns)


def share_of_distinct(values: Sequence[Any]) -> float:
    """How many different values there are, of those that are there."""
    there = [str(value) for value in values if value is not None]
    return len(set(there)) / len(there) if there else 0.0


def _find_text(value: Any, turns: bool) -> str | None:
    if not turns:
        return value if isinstance(value, str) and value.strip() else None
    read = read_turns(value)
    return find_question(read) if read else None


def _find_unwrapped(fields: Sequence[Field], texts: dict[Path, list[str | None]], chosen: Field) -> Field | None:
    """The place whose texts stand whole inside those of `chosen`, which wraps instructions around them."""
    whole = texts[chosen.path]
    for field in fields:
        inner = texts.get(field.path)
        if inner is None or field is chosen or not all(isinstance(v, str) or v is None for v in field.values):
            continue
        pairs = [(a.strip(), b.strip()) for a, b in zip(inner, whole, strict=True) if a and b]
        inside = [a in b and len(a) >= WRAPPED * len(b) for a, b in pairs]
        if len(pairs) < ENOUGH * len(whole) or share(inside) <= 0.9 or all(a == b for a, b in pairs):
            continue
        if _is_wrapper([b.replace(a, "", 1) for a, b in pairs if a in b]):
            return field
    return None


def _is_wrapper(around: list[str]) -> bool:
    """Whether what stands around the texts is the same again and again, or instructions: it is no part of the problem,
    as a question behind its story would be, or options."""
    instructing = [not text.strip() or "```" in text or is_instruction(text) for text in around]
    return share_of_distinct(around) <= ENOUGH or share(instructing) > ENOUGH


def _find_story(fields: Sequence[Field], question: Field) -> Path | None:
    if question.name not in ("question", "questions", "query", "ask"):
        return None
    for field in fields:
        if field.name in STORIES and field.path[:-1] == question.path[:-1]:
            there = [text for text in field.values if text is not None]
            worded = [isinstance(text, str) and bool(re.search(r"\w+\W+\w+\W+\w+", text)) for text in there]
            if there and share(worded) > ENOUGH:
                return field.path
    return None
