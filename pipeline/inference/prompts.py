"""Put a problem to the model. Prompts are data files; what the model sees is hashed into the sample's key.

The form of a prompt file: the system part, a line `---`, and what the user says with `{statement}` where the problem
goes. Without such a line there is no system part. Other braces mean nothing, so LaTeX needs no escapes. One newline
at the end of the file is the file's, not the prompt's; a space before it is the prompt's.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from schemas.config import PromptConfig
from schemas.errors import InputError

PLACEHOLDER = "{statement}"
DIVIDER = "---"
SHIPPED = Path(__file__).parent / "prompts"


class PromptError(InputError):
    """A prompt file, or a problem, that no prompt can be made of; the message names it and the fix."""


@dataclass(frozen=True)
class Prompt:
    """What the model sees: `messages` of (role, content) through the chat template, or `text` as it stands.

    `key` is 16 hex digits of a hash of exactly that: a changed template, or a problem that now says something else,
    is a new key, so that it is sampled again.
    """

    messages: tuple[tuple[str, str], ...] | None
    text: str | None
    key: str


@dataclass(frozen=True)
class Template:
    """A read prompt file."""

    system: str | None
    user: str

    def fill(self, statement: str) -> tuple[str | None, str]:
        return self.system, self.user.replace(PLACEHOLDER, statement)


def build_prompt(problem: Mapping[str, Any], config: PromptConfig) -> Prompt:
    """The prompt of one problem row (`statement`; `id` for messages). Raises PromptError."""
    statement = problem.get("statement")
    if not statement:
        raise PromptError(f"problem {problem.get('id')} has no statement; screen the problems before sampling")
    system, user = load_template(config.template).fill(statement)
    if config.chat:
        messages = ((("system", system),) if system else ()) + (("user", user),)
        return Prompt(messages=messages, text=None, key=_hash({"messages": messages, "chat": True}))
    text = f"{system}\n\n{user}" if system else user
    return Prompt(messages=None, text=text, key=_hash({"messages": text, "chat": False}))


def render(tokenizer: Any, prompt: Prompt) -> str:
    """The text that the model of `tokenizer` (of transformers) goes on from.

    Raises ValueError for a chat without a template.
    """
    if prompt.messages is None:
        return prompt.text or ""
    if not tokenizer.chat_template:
        raise ValueError("the model has no chat template; set prompt.chat to false")
    turns = [{"role": role, "content": content} for role, content in prompt.messages]
    return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def tokenise(tokenizer: Any, prompt: Prompt) -> tuple[str, list[int]]:
    """The text of `render` and its tokens. Raises ValueError for whatever it is of the prompt that the model's own
    template or tokenizer does not take: a template may refuse a system part, a tokenizer half a surrogate pair.
    """
    try:
        text = render(tokenizer, prompt)
        return text, list(tokenizer.encode(text, add_special_tokens=prompt.messages is None))
    except (ValueError, OSError, MemoryError):
        raise
    except Exception as error:
        # Templates are programs of the model's makers, and may fail in any way.
        raise ValueError(
            f"the model's template or tokenizer does not take it: {type(error).__name__}: {error}"
        ) from None


@lru_cache(maxsize=32)
def load_template(name: str) -> Template:
    """Read a shipped prompt by name (`think`, `plain`) or any prompt file by path. Raises PromptError."""
    path = find_template(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    return parse_template(text, str(path))


def find_template(name: str) -> Path:
    shipped = SHIPPED / f"{name}.txt"
    if "/" not in name and shipped.is_file():
        return shipped
    given = Path(name).expanduser()
    if given.is_file():
        return given
    known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.txt")))
    raise PromptError(f"prompt.template {name!r} is neither a prompt that comes along ({known}) nor a file")


def parse_template(text: str, where: str) -> Template:
    """Split a prompt file's text into its parts; `where` names it in errors."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    cut = lines.index(DIVIDER) if DIVIDER in lines else None
    system = None if cut is None else "\n".join(lines[:cut]).strip() or None
    user = "\n".join(lines if cut is None else lines[cut + 1 :])
    if PLACEHOLDER not in user:
        misplaced = " (it stands in the system part, before the line ---)" if system and PLACEHOLDER in system else ""
        raise PromptError(
            f"{where}: the placeholder {PLACEHOLDER} is missing from the user's part{misplaced}; "
            "put it where the problem's text belongs"
        )
    return Template(system=system, user=user)


def _hash(seen: Mapping[str, Any]) -> str:
    text = json.dumps(seen, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
