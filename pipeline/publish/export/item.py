"""A curated problem as every format needs it: what the model sees, and what its completions are judged against."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.inference.prompts import build_prompt
from pipeline.verify.code import CodeLabel
from pipeline.verify.label_codec import write_truth
from pipeline.verify.problem import Label, read_label
from schemas.config import Config

Message = dict[str, str]
KILL_RATE = "kill_rate"
"""The action in a history that begins with the rate (pipeline/code_tests)."""


@dataclass(frozen=True)
class Item:
    """One problem. `prompt` is what graded it: messages for a chat template, or the raw text."""

    id: str
    domain: str
    language: str
    source: str
    statement: str
    prompt: list[Message] | str
    label: Label
    pass_rate: float | None
    answer_origin: str | None = None
    label_posterior: float | None = None
    kill_rate: float | None = None

    @property
    def chat(self) -> list[Message]:
        """The prompt as messages; a raw text is one user's message, for trainers that know nothing else."""
        return [{"role": "user", "content": self.prompt}] if isinstance(self.prompt, str) else self.prompt

    @property
    def system(self) -> str | None:
        """What the system says, where the prompt has such a part."""
        return next((message["content"] for message in self.chat if message["role"] == "system"), None)

    @property
    def user(self) -> str:
        """What the user says."""
        return self.chat[-1]["content"]

    @property
    def truth(self) -> str:
        """The label as one text (`write_truth`)."""
        return write_truth(self.label)

    @property
    def code(self) -> CodeLabel | None:
        """The tests of a code problem; None for math."""
        return self.label if isinstance(self.label, CodeLabel) else None

    def about(self) -> dict[str, Any]:
        """What every row carries beside the trainer's own columns."""
        return {
            "id": self.id,
            "domain": self.domain,
            "language": self.language,
            "source": self.source,
            "statement": self.statement,
            "pass_rate": self.pass_rate,
            "answer_origin": self.answer_origin,
            "label_posterior": self.label_posterior,
            "kill_rate": self.kill_rate,
        }


def read_item(row: Mapping[str, Any], config: Config) -> Item:
    """The item of a curated row, with the run's own prompt and the tests that graded it.

    A math label is the answer as it stands, since other trainers grade by their own verifiers.
    """
    prompt = build_prompt(row, config.prompt)
    messages = [{"role": role, "content": content} for role, content in prompt.messages or ()]
    return Item(
        id=row["id"],
        domain=row["domain"],
        language=row["language"],
        source=row["source"],
        statement=row["statement"],
        prompt=messages or (prompt.text or ""),
        label=read_label({**row, "statement": None, "language": None}, config.verify),
        pass_rate=row["pass_rate"],
        answer_origin=row.get("answer_origin"),
        label_posterior=row.get("label_posterior"),
        kill_rate=read_kill_rate(row["history"]),
    )


def read_kill_rate(history: Iterable[Mapping[str, Any]]) -> float | None:
    """The share of wrong programs that a problem's tests catch, as the stage of code tests noted it last; None where
    there was none to catch."""
    noted = [entry["detail"] for entry in history if entry["action"] == KILL_RATE]
    number = re.match(r"[01](?:\.\d+)?", noted[-1] or "") if noted else None
    return float(number[0]) if number else None
