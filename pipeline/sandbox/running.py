"""Running one program over its cases, and saying how each went. One worker, one thread.

Python tests go many to a process first, because a fork costs ten times a test. The process has the time and the CPU of
one test, so that what ends in it is within the limits whatever the program says of its progress; the rest goes on in
another. A test that fails there is run again alone in a fresh process, and only that counts.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.sandbox.calls import Call, NoLiteral, demand_value, read_call, read_literal
from pipeline.sandbox.check import CheckRunner
from pipeline.sandbox.compile import Built
from pipeline.sandbox.ends import MAX_DETAIL, end_of, outlived
from pipeline.sandbox.inside import children
from pipeline.sandbox.judge import compare_output, compare_value, write_literal
from pipeline.sandbox.program import Case, Checker, Limits, Program, Run, Status
from pipeline.sandbox.worker import Attempt, Worker, one_attempt

BATCH = 32
"""Tests a process: past it the fork is paid off, and a lost process loses little."""
TIMEOUTS = 3
"""A program that timed out this often is not run on the rest: each more costs as much as a thousand tests."""
MAX_VALUE = 4 << 20
"""Bytes of one returned value: it is parsed here, outside the limits."""

Attempts = Callable[[Sequence[int]], list[Attempt]]
Judge = Callable[[int, Attempt], Run]
Rule = Checker | CheckRunner | None
"""What outputs are judged by: rules of comparison, or a program."""


def run_cases(
    worker: Worker, program: Program, cases: Sequence[Case], checker: Rule, stop: bool, built: Built | None
) -> list[Run]:
    """A run for each case, in order; with `stop` none after the first that fails. `built` is a C++ program's binary.

    Texts on stdout are judged by `checker`, be it rules of comparison or a program; values are compared.
    """
    limits = worker.limits
    if built is not None:
        if built.binary is None:
            status = Status.INFRA if built.infra else Status.COMPILE
            return _same_run(Run(status, detail=built.message[:MAX_DETAIL]), len(cases), stop)
        return _run_alone(worker, "executable", built.binary, cases, checker, stop)
    if program.entry_point is None:
        code = program.code.encode("utf-8", "surrogatepass")
        attempts = _attempt_programs(worker, code, cases)
        return run_rounds(attempts, _judge_texts(cases, checker, limits), len(cases), stop, BATCH)
    if isinstance(checker, CheckRunner):
        raise ValueError("a program that judges outputs judges text on stdout, and no function's values")
    calls = [read_call(case.input, program.entry_point) for case in cases]
    return _run_functions(worker, program, cases, calls, checker, stop)


def run_rounds(attempt: Attempts, judge: Judge, cases: int, stop: bool, batch: int) -> list[Run]:
    """The rounds of a program: batches of `batch` cases, what fails in one again alone."""
    runs: list[Run] = []
    timeouts = 0
    while len(runs) < cases:
        numbers = range(len(runs), min(cases, len(runs) + batch))
        for number, tried in zip(numbers, attempt(numbers), strict=True):
            if not tried.ran:
                break
            run = judge(number, tried)
            if run.status is not Status.PASSED and not tried.alone:
                run = judge(number, attempt([number])[0])
            runs.append(run)
            if run.status is Status.COMPILE:
                return _same_run(run, cases, stop)
            if run.status is not Status.PASSED and stop:
                return runs
            timeouts += run.status is Status.TIME
            if timeouts == TIMEOUTS:
                left = Run(Status.TIME, detail=f"not run: {TIMEOUTS} cases before it timed out")
                return runs + [left] * (cases - len(runs))
    return runs


def _same_run(run: Run, cases: int, stop: bool) -> list[Run]:
    return [run] * (min(1, cases) if stop else cases)


def _attempt_programs(worker: Worker, code: bytes, cases: Sequence[Case]) -> Attempts:
    def attempt(numbers: Sequence[int]) -> list[Attempt]:
        inputs = [cases[number].input.encode("utf-8", "surrogateescape") for number in numbers]
        reply, outputs, stderr = worker.attempt("program", [code, *inputs], len(inputs), len(inputs))
        if "infra" in reply:
            return [one_attempt(reply, b"", "")] * len(inputs)
        ends = reply["ends"][: len(inputs) - 1]
        last = one_attempt(reply, outputs[len(ends)], stderr)
        fits = _within(last, worker.limits)
        attempts = [
            replace(_before(last, fits), exit=0 if well else 1, seconds=seconds, output=output, alone=False)
            for (well, seconds), output in zip(ends, outputs, strict=False)
        ]
        attempts.append(replace(last, alone=len(inputs) == 1 or (not ends and fits)))
        return attempts + [Attempt(ran=False)] * (len(inputs) - len(attempts))

    return attempt


def _within(attempt: Attempt, limits: Limits) -> bool:
    """Whether a whole process stayed within what one test may take, but for the time: past it the process is ended."""
    return attempt.rss_mb <= limits.memory_mb and not outlived(attempt, limits)


def _before(last: Attempt, fits: bool) -> Attempt:
    """What is known of the tests of a process that ended with `last`: with more CPU than one may take, of none of them
    that it took less."""
    return replace(last, exit=0, timed_out=False, cpu=0.0 if fits else last.cpu)


def _run_alone(worker: Worker, kind: str, first: bytes, cases: Sequence[Case], checker: Rule, stop: bool) -> list[Run]:
    def attempt(numbers: Sequence[int]) -> list[Attempt]:
        text = cases[numbers[0]].input.encode("utf-8", "surrogateescape")
        reply, outputs, stderr = worker.attempt(kind, [first, text], 1)
        return [one_attempt(reply, outputs[0] if outputs else b"", stderr)]

    return run_rounds(attempt, _judge_texts(cases, checker, worker.limits), len(cases), stop, 1)


def _judge_texts(cases: Sequence[Case], checker: Rule, limits: Limits) -> Judge:
    def judge(number: int, tried: Attempt) -> Run:
        text = tried.output.decode("utf-8", "replace")
        status, detail = end_of(tried, limits)
        expected = cases[number].expected
        if status is Status.PASSED and expected is not None:
            if isinstance(checker, CheckRunner):
                status, detail = _ask(checker, cases[number].input, expected, tried.output)
            elif not compare_output(expected, text, checker):
                status, detail = Status.WRONG, "not the expected output"
        return _run(tried, status, detail, text, expected is not None, limits)

    return judge


def _ask(checker: CheckRunner, given: str, answer: str, output: bytes) -> tuple[Status, str]:
    checked = checker.check(given, answer, output)
    if checked.accepted is None:
        return (Status.INFRA if checked.infra else Status.UNCHECKED), checked.detail
    return (Status.PASSED, "") if checked.accepted else (Status.WRONG, "the checker rejects the output")


def _run(tried: Attempt, status: Status, detail: str, output: str, judged: bool, limits: Limits) -> Run:
    kept = output[: limits.keep_chars]
    return Run(
        status=status,
        output=kept,
        detail=detail[:MAX_DETAIL],
        seconds=tried.seconds,
        max_rss_mb=round(tried.rss_mb, 1),
        judged=judged,
        complete=len(kept) == len(output),
    )


def _run_functions(
    worker: Worker,
    program: Program,
    cases: Sequence[Case],
    calls: Sequence[Call | None],
    checker: Checker | None,
    stop: bool,
) -> list[Run]:
    """Calls that are judged go many to a process; calls only run for their value one by one, since a function may
    remember earlier ones; test programs one by one through the split judge."""
    runs: list[Run] = []
    while len(runs) < len(cases):
        first = len(runs)
        kind = _way(cases[first], calls[first])
        last = first
        while last < len(cases) and _way(cases[last], calls[last]) == kind:
            last += 1
        part = range(first, last)
        if kind == "tester":
            attempt, judge = _attempt_testers(worker, program, cases), _judge_testers(worker.limits)
        else:
            attempt, judge = _attempt_calls(worker, program, calls), _judge_calls(cases, calls, checker, worker.limits)
        shifted = _shift(attempt, first)
        runs += run_rounds(
            shifted,
            lambda number, tried, judge=judge, first=first: judge(number + first, tried),  # type: ignore[misc]
            len(part),
            stop,
            BATCH if kind == "judged" else 1,
        )
        if stop and runs[-1].status is not Status.PASSED:
            break
    return runs


def _way(case: Case, call: Call | None) -> str:
    return "tester" if call is None else "judged" if case.expected is not None else "called"


def _shift(attempt: Attempts, by: int) -> Attempts:
    return lambda numbers: attempt([number + by for number in numbers])


def _attempt_calls(worker: Worker, program: Program, calls: Sequence[Call | None]) -> Attempts:
    def attempt(numbers: Sequence[int]) -> list[Attempt]:
        tagged = [call.tag() for call in (calls[number] for number in numbers) if call is not None]
        job = json.dumps({"code": program.code, "entry": program.entry_point, "calls": tagged}).encode()
        reply, outputs, stderr = worker.attempt("calls", [job], 1, len(tagged))
        if "infra" in reply:
            return [one_attempt(reply, b"", "")] * len(numbers)
        *lines, torn = outputs[0].split(b"\n")
        end = one_attempt(reply, torn, stderr)
        fits = _within(end, worker.limits)
        single = len(numbers) == 1
        share = reply["seconds"] / len(numbers)
        attempts = [
            replace(_before(end, fits), seconds=share, output=line, alone=single or (at == 0 and fits))
            for at, line in enumerate(lines[: len(numbers)])
        ]
        if len(attempts) < len(numbers):
            attempts.append(replace(end, alone=single or (not attempts and fits)))
        return attempts + [Attempt(ran=False)] * (len(numbers) - len(attempts))

    return attempt


def _judge_calls(cases: Sequence[Case], calls: Sequence[Call | None], checker: Checker | None, limits: Limits) -> Judge:
    def judge(number: int, tried: Attempt) -> Run:
        status, detail = end_of(tried, limits)
        expected, call = cases[number].expected, calls[number]
        judged = expected is not None
        if status is not Status.PASSED or call is None:
            return _run(tried, status, detail, "", judged, limits)
        if len(tried.output) > MAX_VALUE:
            return _run(tried, Status.OUTPUT, f"a value of over {MAX_VALUE >> 20} MB", "", judged, limits)
        try:
            reply = json.loads(tried.output)
            if "ok" not in reply:
                return _run(tried, *_raised(reply), "", judged, limits)
            text = write_literal(reply["ok"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            return _run(tried, Status.RUNTIME, "it ended without an answer", "", judged, limits)
        if expected is not None:
            try:
                wanted = read_literal(expected)
            except NoLiteral as error:
                return _run(tried, Status.INFRA, f"the expected value cannot be read: {error}", text, judged, limits)
            if not compare_value(wanted, reply["ok"], checker, call.loose):
                status, detail = Status.WRONG, "not the expected value"
        return _run(tried, status, detail, text, judged, limits)

    return judge


def _raised(reply: dict[str, str]) -> tuple[Status, str]:
    error, message = str(reply["error"]), str(reply.get("message"))
    if error == "NotData":
        return Status.WRONG, message
    return Status.MEMORY if error == "MemoryError" else Status.RUNTIME, f"{error}: {message}"


def _attempt_testers(worker: Worker, program: Program, cases: Sequence[Case]) -> Attempts:
    def attempt(numbers: Sequence[int]) -> list[Attempt]:
        job = json.dumps({"code": program.code, "entry": program.entry_point}).encode()
        case = cases[numbers[0]]
        test = json.dumps({"test": demand_value(case.input, case.expected), "entry": program.entry_point}).encode()
        reply, outputs, stderr = worker.attempt("tester", [job, test], 1)
        if "infra" in reply:
            return [one_attempt(reply, b"", "")]
        return [one_attempt(reply, outputs[0], stderr)]

    return attempt


def _judge_testers(limits: Limits) -> Judge:
    def judge(number: int, tried: Attempt) -> Run:
        printed = tried.output.decode("utf-8", "replace").strip()[-MAX_DETAIL:]
        if tried.infra is not None or tried.timed_out or not _within(tried, limits):
            status, detail = end_of(tried, limits)
        elif tried.exit == children.TESTER_PASSED:
            status, detail = Status.PASSED, ""
        elif tried.exit == children.TESTER_BROKEN:
            status, detail = Status.INFRA, f"the test program does not compile: {printed}"
        elif tried.candidate_exit:
            ended = Attempt(exit=tried.candidate_exit, stderr=tried.stderr)
            status, detail = end_of(ended, limits)
        elif tried.exit == children.TESTER_FAILED:
            status, detail = Status.WRONG, printed
        else:
            status, detail = Status.RUNTIME, printed
        return _run(tried, status, detail, "", True, limits)

    return judge
