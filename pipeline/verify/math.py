"""The one verifier of math: what grades a sample in curation is what rewards a completion in training.

A completion's answer is extracted and compared with the label: at once where the fast path reads both, otherwise by
math-verify in a killable process. The verdict is `unknown`, never `wrong`, when the verifier itself had trouble: a
time limit, a dead process, a label that nothing can read. An answer that is refused unparsed (prose, towers of
powers, longer than 2,000 characters) is `wrong`: no label that passes `check_label` can equal it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

from pipeline.closing import Closing
from pipeline.verify.decide import decide, read
from pipeline.verify.equal import same
from pipeline.verify.extract import Extracted, extract
from pipeline.verify.fast import Value, parse_fast
from pipeline.verify.guard import MAX_ANSWER, refuse
from pipeline.verify.label import screen_label, slow_text
from pipeline.verify.normal import clean
from pipeline.verify.pool import MathPool, Outcome
from pipeline.verify.reader.values import Many, Named
from pipeline.verify.reader.values import Sequence as Tuple
from pipeline.verify.reward import check_format
from schemas.reasons import Verdict

T = TypeVar("T")

CUT = "length"
"""The finish reason of a completion whose tokens were used up, as vLLM and OpenAI's servers name it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the verifier says of one completion.

    `answer`: as the completion wrote it, None when there is none. `answer_key`: the name of its class of equivalent
    answers within the problem, itself a readable answer; the label's key when correct. `detail`: why, in a few words.
    `format_ok`: whether the completion keeps the format that was asked for.
    """

    verdict: Verdict
    answer: str | None
    answer_key: str | None
    detail: str
    format_ok: bool = True


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with what the fast path makes of it; `refused` says why nothing slower may be asked."""

    text: str
    value: Value | None
    refused: str | None

    @property
    def key(self) -> str:
        return self.value.key if self.value is not None else clean(self.text)[:MAX_ANSWER]


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> _Answer:
    if len(text) > MAX_ANSWER:
        return _Answer(text[:MAX_ANSWER], None, f"longer than {MAX_ANSWER} characters")
    value = parse_fast(text)
    return _Answer(text, value, None if value is not None else refuse(clean(text)))


class MathVerifier(Closing):
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
        read = [_read(answer) for answer in answers]
        units: dict[str, set[str]] = {}
        for item in read:
            if item.value is not None and item.value.unit:
                units.setdefault(item.value.bare, set()).add(item.value.key)
        representatives: list[_Answer] = []
        keys: dict[str, str] = {}
        for item in sorted(
            read, key=lambda item: (item.value is None, item.value.places if item.value else 0, item.key)
        ):
            if item.key in keys:
                continue
            found = self._find(item, representatives, strict=True).result()
            if found is None and item.value is not None and len(units.get(item.value.key, ())) == 1:
                found = next(iter(units[item.value.key]))
            if found is None:
                representatives.append(item)
            keys[item.key] = item.key if found is None else found
        return [keys[item.key] for item in read]

    def _compare(self, label: str | None, answer: str, known: Sequence[str], future: Future[Judgement]) -> None:
        if not answer.strip():
            future.set_result(Judgement(Verdict.WRONG, None, None, "no answer"))
            return
        found = _read(answer)

        def wrong(detail: str) -> None:
            self._classify(found, answer, expected, known, Verdict.WRONG, detail, future)

        expected = _read(label or "")
        screened = screen_label(label)
        if isinstance(screened, tuple):
            detail = f"unverifiable label: {screened[1]}"
            self._classify(found, answer, None, known, Verdict.UNKNOWN, detail, future)
            return
        identical = clean(answer) == clean(label or "")
        verdict = decide(label or "", answer)
        if verdict == "same":
            future.set_result(Judgement(Verdict.CORRECT, answer, expected.key, "equal"))
            return
        if verdict == "differ":
            problem = read(answer).problem
            wrong(f"cannot be read: {problem}" if problem else "not equal")
            return
        if verdict == "unknown":
            self._classify(found, answer, None, (), Verdict.UNKNOWN, "not decided at any point", future)
            return

        def decided(outcome: Outcome) -> None:
            if outcome.verdict is Verdict.CORRECT:
                future.set_result(Judgement(Verdict.CORRECT, answer, expected.key, "equal"))
            elif outcome.verdict is Verdict.WRONG:
                wrong(outcome.detail)
            else:
                self._classify(found, answer, None, (), Verdict.UNKNOWN, outcome.detail, future)

        _then(self.pool.submit(slow_text(label or ""), None if identical else slow_text(answer)), decided)

    def _classify(
        self,
        found: _Answer,
        answer: str,
        expected: _Answer | None,
        known: Sequence[str],
        verdict: Verdict,
        detail: str,
        future: Future[Judgement],
    ) -> None:
        """Names the class of an answer that is not the label's, among the known ones or as a new one."""

        def named(key: str | None) -> None:
            name = key or found.key
            if expected is not None and name == expected.key:
                prefix = found.value.name if found.value is not None and found.value.name else "not"
                name = f"{prefix} = {name}"
            future.set_result(Judgement(verdict, answer, name, detail))

        others = [_read(key) for key in known if expected is None or key != expected.key]
        _then(self._find(found, others), named)

    def _find(self, item: _Answer, others: Sequence[_Answer], strict: bool = False) -> Future[str | None]:
        """The key of the first of `others` that `item` is the same as, or None. Only hard pairs wait for a process."""
        future: Future[str | None] = Future()
        slow: list[_Answer] = []
        for other in others:
            if item.key == other.key or _same_class(item, other, strict):
                future.set_result(other.key)
                return future
            if None in (item.value, other.value):
                verdict = _one_class(item, other)
                if verdict == "same":
                    future.set_result(other.key)
                    return future
                if verdict == "fallback":
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
            _then(self.pool.submit(slow_text(other.text), slow_text(item.text)), collect(position))
        return future


def choose_answer(extracted: Extracted, label: str | None) -> str | None:
    """The answer that counts against a label: all boxes of the final statement where the label has several values and
    the last box has one, or where the boxes are alternatives; else the last box."""
    if extracted.alternatives:
        return " or ".join(extracted.together)
    if extracted.text is None or not extracted.together or len(extracted.text) > MAX_ANSWER:
        return extracted.text
    expected = _several(label or "")
    if not expected or _several(extracted.text) == expected:
        return extracted.text
    joined = ", ".join(extracted.together)
    return f"({joined})" if expected == "tuple" else joined


def _several(text: str) -> str:
    """ "list" for several values, "tuple" for one of several parts, "" for anything else."""
    value = read(text).value
    value = value.value if isinstance(value, Named) else value
    return "list" if isinstance(value, Many) else "tuple" if isinstance(value, Tuple) else ""


def _places(item: _Answer) -> int:
    return item.value.places if item.value is not None else 0


def _one_class(left: _Answer, right: _Answer) -> str:
    """What the reader says of two answers of which one at least is not common: each must accept the other."""
    if None in (read(left.text).value, read(right.text).value):
        return decide(left.text, right.text) if read(left.text).fallback or read(right.text).fallback else "differ"
    verdict = decide(left.text, right.text)
    return decide(right.text, left.text) if verdict == "same" else verdict


def _same_class(left: _Answer, right: _Answer, strict: bool) -> bool:
    if left.value is None or right.value is None:
        return False
    if same(left.value, right.value):
        return True
    if strict or "" not in (left.value.unit, right.value.unit):
        return False
    return left.value.kind == right.value.kind == "number" and left.value.bare == right.value.bare


def _then(future: Future[T], action: Callable[[T], None]) -> None:
    """Calls `action` with the result: now when it is there, else from the thread that brings it."""
    if future.done():
        action(future.result())
    else:
        future.add_done_callback(lambda done: action(done.result()))
