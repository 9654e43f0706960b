"""A curated problem as every format needs it: what the model sees, and what its completions are judged against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.inference.prompts import build_prompt
from pipeline.verify.code import CodeLabel
from pipeline.verify.label_codec import write_truth
from pipeline.verify.problem import Label, read_label
from schemas.config import Config

Message = dict[str, str]


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
    )
