"""Programs that judge an output: one run a check, in a fresh process, and nothing but its exit status counts.

A checker is trusted no more than what it judges. It sees the input, the jury's answer and the output as files that it
cannot change, and neither the program that wrote the output nor another test. One that ends otherwise than its protocol
says (it crashed, it took too long) gives no verdict.
"""

import json
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import NamedTuple

from pipeline.sandbox import box
from pipeline.sandbox.box import make_memfd
from pipeline.sandbox.compile import Built
from pipeline.sandbox.ends import end_of
from pipeline.sandbox.program import PROTOCOLS, CheckerProgram, Limits, Status
from pipeline.sandbox.worker import Attempt, Worker, one_attempt

CHECK_SECONDS = 4.0
"""What a checker may take for one output, whatever the program may: validators read their files once, and contest
judges give them as much as the slowest program."""
CHECK_CPU = 5
"""CPU seconds at least, as the usual limit of a program has them for as many seconds."""


class Asked(NamedTuple):
    """One output to judge, with the test's input and the jury's answer."""

    input: str
    answer: str
    output: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a checker said: `accepted` None where it gave no verdict, for the reason in `detail`."""

    accepted: bool | None
    detail: str = ""
    infra: bool = False
    """The sandbox failed, not the checker."""


class CheckRunner(AbstractContextManager["CheckRunner"]):
    """A checker, ready to run in one worker. `built` is a C++ checker's binary."""

    def __init__(self, worker: Worker, program: CheckerProgram, built: Built | None) -> None:
        self.worker, self.program = worker, program
        self.protocol = PROTOCOLS[program.protocol]
        self.failed = None if built is None or built.binary else Checked(None, _say_broken(built), built.infra)
        feedback = box.find_feedback(worker.mode)
        arguments = [feedback if word == "{feedback}" else word for word in self.protocol.arguments]
        job = {"arguments": [*arguments, *program.flags], "stdin": self.protocol.stdin}
        if built is None:
            job["code"] = program.code
        parts = [json.dumps(job).encode("utf-8", "surrogatepass")]
        if built is not None and built.binary:
            parts.append(built.binary)
        self.last: tuple[tuple[str, str, bytes] | None, Checked] = (None, Checked(None))
        self.job, *self.binary = [make_memfd(part, seal=True) for part in parts]

    def __exit__(self, *raised: object) -> None:
        for fd in (self.job, *self.binary):
            os.close(fd)

    def check(self, given: str, answer: str, output: bytes) -> Checked:
        """Whether `output` is right for the test with this input and answer."""
        if self.failed is not None:
            return self.failed
        asked = (given, answer, output)
        if asked == self.last[0]:
            return self.last[1]
        texts = [encode_text(text) for text in (given, answer)]
        limits = self.worker.limits
        self.worker.limits = replace(limits, wall=CHECK_SECONDS, cpu=max(limits.cpu, CHECK_CPU))
        try:
            reply, _, stderr = self.worker.attempt("checker", [self.job, *texts, output, *self.binary], 0)
            checked = self._read(one_attempt(reply, b"", stderr), self.worker.limits)
        finally:
            self.worker.limits = limits
        # A test that failed in a process with others runs again alone, and mostly prints the same.
        self.last = (asked if checked.accepted is not None else None, checked)
        return checked

    def _read(self, tried: Attempt, limits: Limits) -> Checked:
        status, detail = end_of(tried, limits)
        if status is Status.INFRA:
            return Checked(None, detail, infra=True)
        if status in (Status.PASSED, Status.RUNTIME):
            if tried.exit == self.protocol.accepts:
                return Checked(True)
            if tried.exit in self.protocol.rejects:
                return Checked(False, tried.stderr[-200:])
        words = f"exit status {tried.exit}" if status is Status.PASSED else f"{status.value}: {detail[-200:]}"
        return Checked(None, f"the checker gave no verdict ({words.strip()})")


def encode_text(text: str) -> bytes:
    """The bytes of an input or output; what was no UTF-8 is what it was."""
    return text.encode("utf-8", "surrogateescape")


def _say_broken(built: Built) -> str:
    lines = [line for line in built.message.splitlines() if "error" in line.lower()] or built.message.splitlines()
    return f"the checker does not compile: {lines[0][:300] if lines else ''}"
