"""One verifier for all problems of a run: math goes to math, code to code, each started where it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from pipeline.closing import Closing
from pipeline.text.thoughts import open_thoughts
from pipeline.verify.ask import mark_percentage
from pipeline.verify.code import CodeLabel, CodeVerifier, read_code_label
from pipeline.verify.math import Judgement, MathVerifier
from schemas.config import SandboxConfig, VerifyConfig

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox

Label = str | CodeLabel | None
"""What a completion is judged against: a math problem's answer, or a code problem's tests."""
LABEL_COLUMNS = ("id", "domain", "statement", "answer", "tests", "entry_point", "checker", "code_language", "extra")
"""The columns of a problem that `read_label` reads; a math problem needs `answer` only."""


def read_label(problem: Mapping[str, Any], verify: VerifyConfig) -> Label:
    """The label of a problem's row; a number has its percent sign where the statement, if there is one, asks for it."""
    if problem.get("domain") == "code":
        return read_code_label(problem, verify.tests)
    answer: str | None = problem["answer"]
    return answer and mark_percentage(answer, problem.get("statement") or "")


class ProblemVerifier(Closing):
    """Judges completions of any problem by its label. A context manager; safe to use from several threads.

    No process is started for common math answers, and no sandbox before the first program.
    """

    def __init__(self, verify: VerifyConfig, sandbox: SandboxConfig) -> None:
        self.opened = verify.thoughts == "opened"
        self.math = MathVerifier(
            verify.extract, verify.format, timeout=verify.timeout, workers=verify.workers, memory_mb=verify.memory_mb
        )

        def open() -> Sandbox:
            from pipeline.sandbox import open_sandbox

            return open_sandbox(sandbox)

        self.code = CodeVerifier(open, verify.extract, verify.format)

    def close(self) -> None:
        """Ends all processes; what is still undecided becomes `unknown`."""
        self.code.close()
        self.math.close()

    def judge(
        self, label: Label, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Judgement:
        """The judgement on one completion. `known`: the answer keys of the problem's classes of answers so far.
        `finish_reason`: `length` where the completion was cut off."""
        return self.submit(label, completion, known, finish_reason).result()

    def submit(
        self, label: Label, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        """The judgement to come."""
        if self.opened:
            completion = open_thoughts(completion)
        if isinstance(label, CodeLabel):
            return self.code.submit(label, completion, known)
        return self.math.submit(label, completion, known, finish_reason)
