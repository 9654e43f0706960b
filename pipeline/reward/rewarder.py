"""From a completion and a label as text to a reward: what every form of the travelling verifier is made of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from pipeline.language import keeps_language
from pipeline.text.thoughts import THINK, open_thoughts, opened_by
from pipeline.verify.code import CodeLabel
from pipeline.verify.label_codec import read_truth
from pipeline.verify.math import Judgement
from pipeline.verify.problem import Label, ProblemVerifier
from pipeline.verify.reward import NOTHING, RewardParts, reward
from schemas.config import Config, SandboxConfig, VerifyConfig
from schemas.reasons import Cause, Verdict

LABELS = 8 << 20
"""Characters of labels kept read: those of a batch of a thousand groups with a dozen tests each."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion to grade. `truth` is its problem's label as text (`write_truth`).

    With the `statement` a completion that keeps its language has the bonus for it; with `tokens` and `l_max` it has the
    length penalty, which grows over the last `l_cache` tokens (Magistral paper, section 2.2).

    `prompt` is what the model saw, or the end of it: where that is `<think>` the completion begins within its thoughts.
    `finish_reason`: `length` where the completion was cut off.
    """

    truth: str
    completion: str
    statement: str | None = None
    tokens: int = 0
    l_max: int | None = None
    l_cache: int = 0
    prompt: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Graded:
    """What a completion is worth. `parts` is None where the verdict is unknown: there is no reward then, not a zero.
    Only an answer over a limit of the verifier is worth 0, unknown or not.

    `answer` is a math completion's answer; a program is not said again.
    """

    verdict: Verdict
    parts: RewardParts | None
    answer: str | None
    detail: str
    format_ok: bool

    @property
    def reward(self) -> float | None:
        """The sum of the parts, or None where nothing is known."""
        return None if self.parts is None else self.parts.total


class Rewarder(AbstractContextManager["Rewarder"]):
    """Grades completions by the verifier that curates. A context manager; safe to use from several threads.

    No process is started for common math answers, and no sandbox before the first program.
    """

    def __init__(self, verify: VerifyConfig | None = None, sandbox: SandboxConfig | None = None) -> None:
        self.verify = verify or VerifyConfig()
        self._labels = _Labels(LABELS)
        self._verifier = ProblemVerifier(self.verify, sandbox or SandboxConfig())

    @classmethod
    def of(cls, config: Config) -> Rewarder:
        """The one of a run's config."""
        return cls(config.verify, config.sandbox)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes; what is still undecided becomes `unknown`."""
        self._verifier.close()

    def submit(self, answered: Answered) -> Future[Graded]:
        """The grade to come. Raises InputError for a code label that cannot be read."""
        label = self._labels.read(answered.truth)
        opening = opened_by(answered.prompt or "") or (THINK[0] if self.verify.thoughts == "opened" else "")
        answered = replace(answered, completion=open_thoughts(answered.completion, opening))
        future: Future[Graded] = Future()
        judging = self._verifier.submit(label, answered.completion, (), answered.finish_reason)

        def judged(done: Future[Judgement]) -> None:
            try:
                future.set_result(_grade(done.result(), answered, label))
            except Exception as error:  # the one who waits is told, whatever it is
                future.set_exception(error)

        judging.add_done_callback(judged)
        return future

    def check(self, several: Sequence[Answered]) -> None:
        """Raise InputError where one of the labels cannot be read, before anything is begun."""
        for answered in several:
            self._labels.read(answered.truth)

    def grade(self, several: Sequence[Answered]) -> list[Graded]:
        """The grades of several completions, judged beside each other, in their order."""
        return [future.result() for future in [self.submit(answered) for answered in several]]


class _Labels:
    """Labels read before: a group's completions come with the same one. Bounded by their text, whatever its length."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: OrderedDict[str, Label] = OrderedDict()
        self._length = 0
        self._lock = threading.Lock()

    def read(self, truth: str) -> Label:
        """The label of a text; raises InputError for a code label that cannot be read."""
        with self._lock:
            if truth in self._held:
                self._held.move_to_end(truth)
                return self._held[truth]
        label = read_truth(truth)
        with self._lock:
            if truth not in self._held:
                self._length += len(truth)
            self._held[truth] = label
            while self._length > self.most:
                dropped, _ = self._held.popitem(last=False)
                self._length -= len(dropped)
        return label


def _grade(judgement: Judgement, answered: Answered, label: Label) -> Graded:
    known = judgement.verdict is not Verdict.UNKNOWN and judgement.format_ok
    parts = (
        NOTHING
        if judgement.cause is Cause.ANSWER_LIMIT
        else reward(
            judgement.verdict,
            judgement.format_ok,
            tokens=answered.tokens,
            l_max=answered.l_max,
            l_cache=answered.l_cache,
            language_ok=known
            and bool(answered.statement)
            and keeps_language(answered.statement or "", answered.completion),
        )
    )
    answer = None if isinstance(label, CodeLabel) else judgement.answer
    return Graded(judgement.verdict, parts, answer, judgement.detail, judgement.format_ok)
