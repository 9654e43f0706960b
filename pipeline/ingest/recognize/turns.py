"""Conversations: OpenAI's `messages` (role, content), ShareGPT's `conversations` (from, value), and lists of turns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.recognize.values import parse_text

ROLES = ("role", "from", "speaker", "author")
TEXTS = ("content", "value", "text", "message")
ASKING = frozenset({"user", "human", "prompter", "question", "instruction", "problem"})
ANSWERING = frozenset({"assistant", "gpt", "bot", "model", "chatgpt", "answer", "output", "ai"})
LABELS = ("ground_truth", "label", "answer", "final_answer")
ABOUT = ("info", "metadata", "extra_info", "reward_model")


@dataclass(frozen=True)
class Turn:
    """Who speaks (`user`, `assistant` or what the set calls it), what, and the label that the turn itself has."""

    role: str
    text: str | None
    label: Any = None


def read_turns(value: Any) -> list[Turn] | None:
    """The turns in a list of messages, or None for anything else."""
    value = parse_text(value)
    if not isinstance(value, list | tuple) or not value or not all(isinstance(item, Mapping) for item in value):
        return None
    turns = []
    for item in value:
        role = next((item[key] for key in ROLES if isinstance(item.get(key), str)), None)
        if role is None:
            return None
        role = role.lower()
        role = "user" if role in ASKING else "assistant" if role in ANSWERING else role
        text = next((_read_text(item[key]) for key in TEXTS if item.get(key) is not None), None)
        turns.append(Turn(role, text, _find_label(item)))
    return turns


def _find_label(item: Mapping[str, Any]) -> Any:
    """The label in a turn, or in what it says about itself (`info: {ground_truth: ...}`)."""
    about: Mapping[str, Any] = next((item[key] for key in ABOUT if isinstance(item.get(key), Mapping)), {})
    return next((place[key] for place in (item, about) for key in LABELS if place.get(key) is not None), None)


def _read_text(content: Any) -> str | None:
    """A message's text: as it is, or the text parts of a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str)) or None
    return None


def find_question(turns: list[Turn]) -> str | None:
    """The last message of the user: examples may stand before it. A reply in the middle does not count as one."""
    return next((turn.text for turn in reversed(turns) if turn.role == "user" and turn.text), None)


def find_reply(turns: list[Turn]) -> str | None:
    """What is answered to the last message of the user."""
    for turn in reversed(turns):
        if turn.role == "user":
            return None
        if turn.role == "assistant" and turn.text:
            return turn.text
    return None


def find_turn_label(turns: list[Turn]) -> Any:
    """The label that stands in a turn itself (Open-Reasoner-Zero's `ground_truth: {value: ...}`)."""
    return next((turn.label for turn in reversed(turns) if turn.label is not None), None)
