"""The one verifier of math: what grades a sample in curation is what rewards a completion in training.

A completion's answer is extracted and read, and its value compared with the label's. Only what the reader names but
does not evaluate is asked of SymPy, in a killable process. The verdict is `unknown`, never `wrong`, when the verifier
itself had trouble: a time limit, a dead process, a label that cannot be read. An answer that cannot be read is `wrong`:
no label that passes `check_label` can equal it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from pipeline.verify.decide import decide, is_over_limit, read
from pipeline.verify.extract import extract
from pipeline.verify.extract.choose import choose_answer
from pipeline.verify.guard import MAX_ANSWER
from pipeline.verify.keys import has_unit, roughness, same_class, write_key
from pipeline.verify.label import screen_label, slow_text
from pipeline.verify.normal import clean
from pipeline.verify.pool import MathPool, Outcome
from pipeline.verify.reader.values import Value
from pipeline.verify.reward import check_format
from pipeline.verify.worker import NO_VALUE, NO_VALUES
from schemas.reasons import Cause, Verdict
from schemas.sample import CUT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the verifier says of one completion.

    `answer`: as the completion wrote it, None when there is none. `answer_key`: the name of its class of equivalent
    answers within the problem, itself a readable answer; the label's key when correct. `detail`: why, in a few words.
    `format_ok`: whether the completion keeps the format that was asked for. `cause`: why the verdict is unknown, and
    `answer_limit` where the answer is over a limit, whatever the verdict.
    """

    verdict: Verdict
    answer: str | None
    answer_key: str | None
    detail: str
    format_ok: bool = True
    cause: Cause | None = None


_CAUSES = {NO_VALUES: Cause.UNDECIDED, NO_VALUE: Cause.ANSWER_LIMIT}
"""Why SymPy's verdict is unknown; all other details are of trouble with its processes, time among them."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer read once, for its verdict and its class: its value and the key of its class."""

    text: str
    value: Value | None
    key: str


def _read(text: str) -> _Answer:
    return _read_short(text) if len(text) <= MAX_ANSWER else _Answer(text[:MAX_ANSWER], None, clean(text[:MAX_ANSWER]))


@lru_cache(maxsize=1 << 13)
def _read_short(text: str) -> _Answer:
    value = read(text).value
    key = None if value is None else write_key(value)
    return _Answer(text, value, clean(text) if key is None else key)


class MathVerifier(AbstractContextManager["MathVerifier"]):
    """Judges completions. A context manager; safe to use from several threads; starts no process for common answers.

    `extract`: how the answer is found (see `extract_answer`). `format`: what a completion must look like (see
    `check_format`). `timeout`: seconds for one hard comparison. `workers`: processes for hard comparisons.
    `memory_mb`: MiB that each may take.
    """

    def __init__(
        self,
        extract: Literal["boxed", "last"] = "boxed",
        format: Literal["none", "think"] = "none",
        timeout: float = 5.0,
        workers: int = 2,
        memory_mb: int = 1024,
    ) -> None:
        self.extract, self.format = extract, format
        self.pool = MathPool(workers=workers, timeout=timeout, memory=memory_mb << 20)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes; what is still undecided becomes `unknown`."""
        self.pool.close()

    def judge(
        self, label: str | None, completion: str, known: Sequence[str] = (), finish_reason: str | None = None
    ) -> Judgement:
        """The judgement on one completion. `known`: the answer keys of the classes that this problem already has.
        `finish_reason`: `length` where the completion was cut off."""
        return self.submit(label, completion, known, finish_reason).result()

    def submit(
        self, label: str | None, completion: str, known: Sequence[str] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        """The judgement to come: already there for common answers, otherwise when a process has decided."""
        future: Future[Judgement] = Future()
        formatted = check_format(completion, self.format)
        answer = choose_answer(extract(completion, self.extract, finish_reason == CUT), label)
        if formatted is not True:
            key = None if answer is None else _read(answer).key
            future.set_result(Judgement(Verdict.WRONG, answer, key, f"format: {formatted[1]}", format_ok=False))
            return future
        if answer is None:
            detail = "no boxed answer" if self.extract == "boxed" else "no answer"
            future.set_result(Judgement(Verdict.WRONG, None, None, detail))
            return future
        self._compare(label, answer, known, future)
        return future

    def compare(self, label: str | None, answer: str, known: Sequence[str] = ()) -> Judgement:
        """The judgement on an answer that is already extracted."""
        future: Future[Judgement] = Future()
        self._compare(label, answer, known, future)
        return future.result()

    def group(self, answers: Sequence[str]) -> list[str]:
        """A key for each answer: equal keys, and only they, are one class of equivalent answers.

        Answers are one class when the verifier calls them the same; a bare number joins the one unit that the others
        give it (5 and 5 cm, but not where there is 5 m too). The classes do not depend on the order of common answers.
        """
        items = [_read(answer) for answer in answers]
        representatives: list[_Answer] = []
        keys: dict[str, str] = {}
        for item in sorted(dict.fromkeys(items), key=_precedence):
            if item.key not in keys:
                known = self._find(item, representatives, strict=True).result()
                keys[item.key] = item.key if known is None else known
                if known is None:
                    representatives.append(item)
        measured = [item for item in representatives if item.value is not None and has_unit(item.value)]
        for item in representatives:
            if item.value is not None and not has_unit(item.value):
                same = [other.key for other in measured if _is_same(item, other, strict=False)]
                if len(same) == 1:
                    keys = {key: same[0] if name == item.key else name for key, name in keys.items()}
        return [keys[item.key] for item in items]

    def _compare(self, label: str | None, answer: str, known: Sequence[str], future: Future[Judgement]) -> None:
        if not answer.strip():
            future.set_result(Judgement(Verdict.WRONG, None, None, "no answer"))
            return
        given, expected = _read(answer), _read(label or "")

        def classify(verdict: Verdict, detail: str, among: Sequence[str], cause: Cause | None = None) -> None:
            others = [_read(key) for key in among if key != expected.key]
            _then(
                self._find(given, others),
                lambda key: future.set_result(Judgement(verdict, answer, key or given.key, detail, cause=cause)),
                future,
            )

        screened = screen_label(label)
        if isinstance(screened, tuple):
            classify(Verdict.UNKNOWN, f"unverifiable label: {screened[1]}", known, Cause.UNDECIDED)
            return
        verdict = decide(label or "", answer)
        if verdict == "same":
            future.set_result(Judgement(Verdict.CORRECT, answer, expected.key, "equal"))
        elif verdict == "differ":
            reading = read(answer)
            detail = f"cannot be read: {reading.problem}" if reading.problem else "not equal"
            classify(Verdict.WRONG, detail, known, Cause.ANSWER_LIMIT if reading.too_large else None)
        elif verdict == "unknown":
            over = is_over_limit(label or "", answer)
            detail = "the answer is over a limit" if over else "not decided at any point"
            classify(Verdict.UNKNOWN, detail, (), Cause.ANSWER_LIMIT if over else Cause.UNDECIDED)
        else:

            def decided(outcome: Outcome) -> None:
                if outcome.verdict is Verdict.CORRECT:
                    future.set_result(Judgement(Verdict.CORRECT, answer, expected.key, "equal"))
                else:
                    among = known if outcome.verdict is Verdict.WRONG else ()
                    cause = None
                    if outcome.verdict is Verdict.UNKNOWN:
                        cause = _CAUSES.get(outcome.detail, Cause.INFRASTRUCTURE)
                    classify(outcome.verdict, outcome.detail, among, cause)

            identical = clean(answer) == clean(label or "")
            _then(self.pool.submit(slow_text(label or ""), None if identical else slow_text(answer)), decided, future)

    def _find(self, item: _Answer, others: Sequence[_Answer], strict: bool = False) -> Future[str | None]:
        """The key of the first of `others` that `item` is the same as, or None. Only hard pairs wait for a process."""
        future: Future[str | None] = Future()
        slow: list[_Answer] = []
        for other in others:
            if item.key == other.key or _is_same(item, other, strict):
                future.set_result(other.key)
                return future
            if None in (item.value, other.value) and _may_ask(item, other):
                slow.append(other)
        if not slow:
            future.set_result(None)
            return future
        lock, left, hits = threading.Lock(), [len(slow)], [False] * len(slow)

        def collect(position: int) -> Callable[[Outcome], None]:
            def received(outcome: Outcome) -> None:
                with lock:
                    hits[position] = outcome.verdict is Verdict.CORRECT
                    left[0] -= 1
                    last = left[0] == 0
                if last:
                    future.set_result(next((other.key for other, hit in zip(slow, hits, strict=True) if hit), None))

            return received

        for position, other in enumerate(slow):
            _then(self.pool.submit(slow_text(other.text), slow_text(item.text)), collect(position), future)
        return future


def _precedence(item: _Answer) -> tuple[bool, int, str, str]:
    """The order in which answers are put into classes: what can be read first, the exact before the rounded."""
    return item.value is None, 0 if item.value is None else roughness(item.value), item.key, item.text


def _is_same(left: _Answer, right: _Answer, strict: bool) -> bool:
    return left.value is not None and right.value is not None and same_class(left.value, right.value, strict) == "same"


def _may_ask(left: _Answer, right: _Answer) -> bool:
    """Whether SymPy may say that two answers, of which one at least has no value, are equal."""
    return decide(left.text, right.text) == "fallback"


def _then(future: Future[T], action: Callable[[T], None], waiting: Future[Any]) -> None:
    """Calls `action` with the result: now when it is there, else from the thread that brings it. An error there fails
    `waiting`, which nothing else would ever set."""

    def act(done: Future[T]) -> None:
        try:
            action(done.result())
        except Exception as error:
            if not waiting.done():
                waiting.set_exception(error)

    if future.done():
        action(future.result())
    else:
        future.add_done_callback(act)
