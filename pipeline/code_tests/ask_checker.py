"""How a program that judges is asked about many texts at once, each of them once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.code_tests.trial import Ask
from pipeline.sandbox.check import Asked, Checked

if TYPE_CHECKING:
    from pipeline.sandbox import CheckerProgram, Sandbox

CHUNK = 16
"""Texts that one worker judges in one go."""
TRIES = 3
"""Times that a check is asked for which the sandbox fails to run, such as a compiler that a busy machine starves."""


def ask_in_parallel(sandbox: "Sandbox", program: "CheckerProgram") -> Ask:
    """How to ask a checker of many outputs, each of them once. Raises RuntimeError where the sandbox, not the checker,
    gives no verdict in `TRIES`: that says nothing against the checker."""
    known: dict[Asked, Checked] = {}

    def ask(asked: Sequence[Asked]) -> list[Checked]:
        for _ in range(TRIES):
            new = [one for one in dict.fromkeys(asked) if one not in known or known[one].infra]
            chunks = [new[at : at + CHUNK] for at in range(0, len(new), CHUNK)]
            for chunk, future in [(chunk, sandbox.submit_checks(program, chunk)) for chunk in chunks]:
                known.update(zip(chunk, future.result(), strict=True))
        lost = next((known[one].detail for one in asked if known[one].infra), None)
        if lost is not None:
            raise RuntimeError(f"the sandbox ran no checker: {lost}")
        return [known[one] for one in asked]

    return ask
