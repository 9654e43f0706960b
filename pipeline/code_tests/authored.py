"""Generators and validators written by a model; what they print is believed only where sandbox and solutions agree."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.code_tests.generate import MAX_INPUT, Maker
from pipeline.code_tests.languages import read_prompt
from pipeline.text.thoughts import answer_section

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Generate = Callable[[list[str]], list[str | None]]
"""Prompts -> completions, None where none came."""

SHOWN = 3
"""Known inputs in a prompt: enough to show the form."""
_BLOCK = re.compile(r"```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Authored:
    """What a model wrote for one problem, or None where it wrote nothing that can be run."""

    generator: str | None
    validator: str | None


def author_programs(problems: Sequence[tuple[str, Sequence[str], str | None]], generate: Generate) -> list[Authored]:
    """One generator and one validator for each (statement, known inputs, entry point), in two batches of prompts."""
    makers = generate([write_prompt("generator", *problem) for problem in problems])
    checkers = generate([write_prompt("validator", *problem) for problem in problems])
    return [Authored(find_program(m), find_program(c)) for m, c in zip(makers, checkers, strict=True)]


def write_prompt(name: str, statement: str, known: Sequence[str], entry_point: str | None) -> str:
    """The prompt of that name for one problem."""
    form = f": one line with a call such as `{entry_point}(...)` whose arguments are literals" if entry_point else ""
    examples = "\n".join(f"```\n{text.rstrip()}\n```" for text in sorted(known, key=len)[:SHOWN]) or "(none)"
    text = read_prompt(name)
    for mark, value in (("{form}", form), ("{examples}", examples), ("{statement}", statement)):
        text = text.replace(mark, value)
    return text


def find_program(completion: str | None) -> str | None:
    """The first fenced Python block of a completion, thoughts left out."""
    if not completion:
        return None
    match = _BLOCK.search(answer_section(completion))
    return match.group(1) if match and match.group(1).strip() else None


def make_authored(sandbox: "Sandbox", code: str, entry_point: str | None) -> Maker:
    """A maker that runs a model's generator with seeds in the sandbox."""
    from pipeline.sandbox import Case, Program

    program = Program("python", code, None)

    def make(rng: random.Random, count: int) -> list[str]:
        runs = sandbox.run(program, [Case(f"{rng.randrange(2**31)}\n", None) for _ in range(count)])
        outputs = [run.output for run in runs if run.status == "passed" and run.output]
        return [text.strip() if entry_point else text for text in outputs if text.strip() and len(text) <= MAX_INPUT]

    return make


def check_inputs(sandbox: "Sandbox", code: str, inputs: Sequence[str]) -> list[bool]:
    """What a validator says of each input; one on which it fails is not taken."""
    from pipeline.sandbox import Case, Program

    runs = sandbox.run(Program("python", code, None), [Case(text, None) for text in inputs])
    return [run.status == "passed" and (run.output or "").strip().lower() == "valid" for run in runs]


def trust_validator(sandbox: "Sandbox", code: str, known: Sequence[str]) -> bool:
    """Whether a validator takes every known input, and refuses an empty one: else it checks something else, or
    nothing."""
    if not known:
        return False
    *accepted, empty = check_inputs(sandbox, code, [*known, ""])
    return all(accepted) and not empty
