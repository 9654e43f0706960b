"""One verifier for all problems of a run: math goes to math, code to code, each started where it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.text.thoughts import open_thoughts
from pipeline.verify.ask import mark_decimal_comma, mark_percentage
from pipeline.verify.code import CodeLabel, CodeVerifier, read_code_label
from pipeline.verify.math import Judgement, MathVerifier
from schemas.config import SandboxConfig, VerifyConfig
from schemas.reasons import SECOND_OPINION, Verdict

if TYPE_CHECKING:
    from pipeline.sandbox import Sandbox
    from pipeline.verify.second_opinion import Opinion, SecondOpinion

Label = str | CodeLabel | None
"""What a completion is judged against: a math problem's answer, or a code problem's tests."""
LABEL_COLUMNS = (
    *("id", "domain", "statement", "answer", "language", "parent_id"),
    *("tests", "entry_point", "checker", "time_limit", "code_language", "extra"),
)
"""The columns of a problem that `read_label` reads; a math problem needs `answer` only."""
ADDED_LATER = ("time_limit",)
"""Those of them that the tables of older runs lack."""


def read_label(problem: Mapping[str, Any], verify: VerifyConfig) -> Label:
    """The label of a problem's row; a number has its percent sign where the statement, if there is one, asks for it,
    and its decimal comma where its language has one."""
    if problem.get("domain") == "code":
        return read_code_label(problem, verify.tests)
    answer: str | None = problem["answer"]
    if not answer:
        return answer
    marked = mark_decimal_comma(answer, problem.get("language"), problem.get("parent_id") is not None)
    return mark_percentage(marked, problem.get("statement") or "")


class ProblemVerifier(AbstractContextManager["ProblemVerifier"]):
    """Judges completions of any problem by its label. A context manager; safe to use from several threads.

    No process is started for common math answers, and no sandbox before the first program. With an `opinion` a model
    is asked about math answers that the rules leave unknown.
    """

    def __init__(self, verify: VerifyConfig, sandbox: SandboxConfig, opinion: SecondOpinion | None = None) -> None:
        self.opinion = opinion
        self.opened = verify.thoughts == "opened"
        self.math = MathVerifier(
            verify.extract, verify.format, timeout=verify.timeout, workers=verify.workers, memory_mb=verify.memory_mb
        )

        def open() -> Sandbox:
            from pipeline.sandbox import open_sandbox

            return open_sandbox(sandbox)

        self.code = CodeVerifier(open, verify.extract, verify.format)

    def __exit__(self, *raised: object) -> None:
        self.close()

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
        judging = self.math.submit(label, completion, known, finish_reason)
        return judging if self.opinion is None else self._ask(self.opinion, label, judging)

    def _ask(self, opinion: SecondOpinion, label: str | None, judging: Future[Judgement]) -> Future[Judgement]:
        """The judgement of the rules, or the model's where they have none."""
        from pipeline.verify.second_opinion import VERDICTS

        final: Future[Judgement] = Future()

        def ruled(done: Future[Judgement]) -> None:
            if (error := done.exception()) is not None:
                final.set_exception(error)
                return
            judged = done.result()
            if judged.verdict is not Verdict.UNKNOWN or not judged.answer or not label:
                final.set_result(judged)
                return

            def heard(asked: Future[Opinion]) -> None:
                opinion = asked.result()
                key = label if opinion == "same" else judged.answer_key
                detail = f"{SECOND_OPINION}: {opinion}; rules: {judged.detail}"
                verdict = VERDICTS[opinion]
                cause = judged.cause if verdict is Verdict.UNKNOWN else None
                final.set_result(replace(judged, verdict=verdict, answer_key=key, detail=detail, cause=cause))

            opinion.submit(label, judged.answer).add_done_callback(heard)

        judging.add_done_callback(ruled)
        return final
