"""Generators, validators and checkers written by a model; they are believed only where sandbox and solutions agree."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.generate import MAX_INPUT, Maker
from pipeline.code_tests.languages import read_prompt
from pipeline.text.thoughts import answer_section

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Generate = Callable[[list[str]], list[str | None]]
"""Prompts -> completions, None where none came."""

SHOWN = 3
"""Known inputs in a prompt: enough to show the form."""
LONGEST_SHOWN = 2000
"""Characters of an input and its answer in a prompt."""
_BLOCK = re.compile(r"```[ \t]*+(?:python3?|py)?[ \t]*+\n(.*?)```", re.DOTALL)


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


def author_checkers(
    problems: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], generate: Generate
) -> list[dict[str, Any] | None]:
    """A checker for each (statement, tests) as the contract has it; None where the model wrote no program."""
    completions = generate([write_checker_prompt(*problem) for problem in problems])
    programs = [find_program(completion) for completion in completions]
    return [{"language": "python", "code": code, "protocol": "kattis"} if code else None for code in programs]


def write_checker_prompt(statement: str, tests: Sequence[Mapping[str, Any]]) -> str:
    """The prompt that asks for a checker, with the shortest tests."""
    pairs = [(t["input"], t["expected"]) for t in tests if t["expected"] is not None]
    shown = [pair for pair in sorted(pairs, key=lambda p: len(p[0] + p[1])) if len("".join(pair)) <= LONGEST_SHOWN]
    blocks = [
        f"Input:\n```\n{given.rstrip()}\n```\nAnswer:\n```\n{answer.rstrip()}\n```" for given, answer in shown[:SHOWN]
    ]
    return _fill("checker", examples="\n".join(blocks) or "(none)", statement=statement)


def write_prompt(name: str, statement: str, known: Sequence[str], entry_point: str | None) -> str:
    """The prompt of that name for one problem."""
    form = f": one line with a call such as `{entry_point}(...)` whose arguments are literals" if entry_point else ""
    examples = "\n".join(f"```\n{text.rstrip()}\n```" for text in sorted(known, key=len)[:SHOWN]) or "(none)"
    return _fill(name, form=form, examples=examples, statement=statement)


def _fill(name: str, **values: str) -> str:
    """The prompt of that name with its marks filled in, the statement last: it may have such marks of its own."""
    text = read_prompt(name)
    for mark, value in values.items():
        text = text.replace(f"{{{mark}}}", value)
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
