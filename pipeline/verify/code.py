"""The one verifier of code: a completion's program against the problem's tests, in the sandbox.

As in the Magistral paper (arXiv 2506.10910, section 2.2): the first fenced block that names its language, at most 20
tests drawn at random, the same for the whole group; all of them pass, or the completion is wrong. The verdict is
`unknown`, never `wrong`, when the sandbox had trouble of its own.
"""

from __future__ import annotations

import ast
import json
import random
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.text.letter_case import read_checker
from pipeline.text.thoughts import answer_section, check_thoughts
from pipeline.verify.math import Judgement
from schemas.reasons import Cause, Verdict

if TYPE_CHECKING:
    from pipeline.sandbox import Run, Sandbox

Language = Literal["python", "cpp"]
TAGS: dict[str, Language] = {
    **dict.fromkeys(("python", "py", "python3", "py3"), "python"),
    **dict.fromkeys(("cpp", "c++", "cc", "cxx", "cpp20", "c++20", "cpp17", "c++17"), "cpp"),
}
"""What a fenced block calls the two languages that are run."""
MAX_TRIMMED = 40
"""Lines at most that are taken off a continuation until it parses: it was cut off in the last of them."""
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<tag>[^`\s]*)[^`]*")
_TOP = re.compile(r"(?:async\s+def|def|class|from|import|@)\b|@")


class DrawnTest(NamedTuple):
    """One test of a problem; `expected` is None only for a test that is a program of its own."""

    id: str
    input: str
    expected: str | None


@dataclass(frozen=True)
class CodeLabel:
    """What a program is judged against: the drawn tests, and how they are put and compared.

    `language` is what the statement asks for, None for either. `prelude` stands before every program. `stub` is the
    code that the statement ends in, where a raw continuation goes on. `time_limit`: the source's own, in seconds;
    `measured`: seconds by language that a program may take at least, as the problem's trusted programs took long.
    """

    language: Language | None
    entry_point: str | None
    tests: tuple[DrawnTest, ...]
    checker: Mapping[str, Any] | None = None
    prelude: str = ""
    stub: str = ""
    time_limit: float | None = None
    measured: Mapping[str, float] = field(default_factory=dict)


def read_code_label(problem: Mapping[str, Any], tests: int) -> CodeLabel:
    """The label of a code problem's row with at most `tests` of its tests, drawn by its `id`, in their old order.

    Reads `id`, `statement`, `tests`, `entry_point`, `checker`, `time_limit`, `code_language` and `extra` where they are
    there. Tests that say nothing of what is right are left out.
    """
    entry_point = problem.get("entry_point") or None
    extra = json.loads(problem["extra"]) if problem.get("extra") else {}
    prelude = extra.get("prelude")
    usable = [
        DrawnTest(test["id"] or f"t{at}", test["input"], test["expected"])
        for at, test in enumerate(problem.get("tests") or ())
        if test["input"] is not None and _says_what_is_right(test["input"], test["expected"], entry_point)
    ]
    drawn = sorted(random.Random(problem["id"]).sample(range(len(usable)), min(tests, len(usable))))
    return CodeLabel(
        language=problem.get("code_language") or ("python" if entry_point else None),
        entry_point=entry_point,
        tests=tuple(usable[at] for at in drawn),
        checker=read_checker(problem.get("checker"), problem.get("statement")) or None,
        prelude=prelude if isinstance(prelude, str) else "",
        stub=find_stub(problem.get("statement") or "", entry_point) if entry_point else "",
        time_limit=problem.get("time_limit"),
        measured=read_measured(extra.get("code_tests")),
    )


def read_measured(report: Any) -> dict[str, float]:
    """`seconds` by language, as the stage `code_tests` leaves them in its report in `extra`; what is none is left
    out."""
    seconds = report.get("seconds") if isinstance(report, Mapping) else None
    items = seconds.items() if isinstance(seconds, Mapping) else ()
    return {name: float(value) for name, value in items if isinstance(value, int | float) and value > 0}


def _says_what_is_right(given: str, expected: str | None, entry_point: str | None) -> bool:
    if expected is not None or entry_point is None:
        return expected is not None
    from pipeline.sandbox.calls import read_call

    return read_call(given, entry_point) is None


def find_stub(statement: str, entry_point: str) -> str:
    """The code that a statement ends in when that is the open function `entry_point` (as in HumanEval); else ""."""
    lines = statement.rstrip().split("\n")
    first = next((at for at, line in enumerate(lines) if _TOP.match(line)), len(lines))
    stub = "\n".join(lines[first:])
    try:
        body = ast.parse(f"{stub}\n    pass\n").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
    last = body[-1] if body else None
    return stub if isinstance(last, ast.FunctionDef) and last.name == entry_point else ""


def extract_program(completion: str, label: CodeLabel, how: Literal["boxed", "last"]) -> tuple[str, Language] | None:
    """The program of a completion and its language, or None when there is none.

    `boxed` (the paper's way): the first fenced block of the answer section that names a language that is run; one that
    is never closed was cut off. `last`, for models that do not fence: without such a block also a bare Python
    function, be it the continuation of the statement's own stub or a function of the asked name. It ends before the
    first line that is no code, and lines at its end that do not parse are taken off.
    """
    section = answer_section(completion)
    block = find_block(section)
    if block is not None or how == "boxed" or label.entry_point is None:
        return block
    bare = continue_stub(section, label.stub) or find_function(section, label.entry_point)
    return (bare, "python") if bare else None


def find_block(section: str) -> tuple[str, Language] | None:
    """The first closed fenced block marked with one of `TAGS`, and its language."""
    lines = iter(section.split("\n"))
    for line in lines:
        opened = _FENCE.fullmatch(line.rstrip())
        if opened is None:
            continue
        fence, indent, body = opened["fence"], opened["indent"], []
        for inner in lines:
            stripped = inner.strip()
            if len(stripped) >= len(fence) and set(stripped) == {fence[0]}:
                break
            body.append(inner.removeprefix(indent))
        else:
            return None
        language = TAGS.get(opened["tag"].strip("{}.").lower())
        if language is not None:
            return "\n".join(body) + "\n", language
    return None


def continue_stub(section: str, stub: str) -> str | None:
    """`stub` and the lines that go on with its body; None where nothing does."""
    if not stub:
        return None
    lines = section.removeprefix("\n").split("\n")
    end = next((at for at, line in enumerate(lines) if line.strip() and not line[0].isspace()), len(lines))
    return _trim([stub], lines[:end])


def find_function(section: str, entry_point: str) -> str | None:
    """The definitions and imports from the first on, when one of them is the function `entry_point`."""
    lines = section.split("\n")
    first = next((at for at, line in enumerate(lines) if _TOP.match(line)), len(lines))
    taken = lines[first:]
    end = next(
        (at for at, line in enumerate(taken) if line.strip() and not line[0].isspace() and not _TOP.match(line)),
        len(taken),
    )
    function = _trim([], taken[:end])
    return function if function and re.search(rf"^def\s+{re.escape(entry_point)}\b", function, re.MULTILINE) else None


def _trim(head: list[str], body: list[str]) -> str | None:
    """`head` and the longest beginning of `body` that parse together; None where nothing of `body` is left."""
    for _ in range(MAX_TRIMMED):
        while body and not body[-1].strip():
            body = body[:-1]
        if not body:
            return None
        program = "\n".join([*head, *body]) + "\n"
        try:
            ast.parse(program)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            body = body[:-1]
        else:
            return program
    return None


def check_code_format(completion: str, format: Literal["none", "think"]) -> Literal[True] | tuple[Literal[False], str]:
    """Whether a completion of a code problem keeps the format, or (False, what breaks it).

    `think`: thoughts as in math, and after them at least one fenced block that names its language.
    """
    if format == "none":
        return True
    if (thoughts := check_thoughts(completion)) is not True:
        return thoughts
    if find_block(answer_section(completion)) is None:
        return False, "no fenced block with its language after the thoughts"
    return True


class CodeVerifier(AbstractContextManager["CodeVerifier"]):
    """Judges completions of code problems. A context manager; safe to use from several threads.

    `open` makes the sandbox, which happens at the first program; this closes it. `extract` and `format` as in
    `MathVerifier`, with fenced blocks for boxes.
    """

    def __init__(
        self,
        open: Callable[[], Sandbox],
        extract: Literal["boxed", "last"] = "boxed",
        format: Literal["none", "think"] = "none",
    ) -> None:
        self.extract, self.format, self._open = extract, format, open
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._closed = False

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the sandbox; what is still undecided becomes `unknown`."""
        with self._lock:
            self._closed = True
            sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    def judge(
        self, label: CodeLabel, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Judgement:
        """The judgement on one completion."""
        return self.submit(label, completion, known, finish_reason).result()

    def submit(
        self, label: CodeLabel, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        """The judgement to come. `answer` is the program; there is no `answer_key`: a majority of programs says
        nothing. `detail` names the status and the test of the first failure, and never what was expected. A program
        that was cut off shows that itself, so `finish_reason` changes nothing.
        """
        future: Future[Judgement] = Future()
        program = extract_program(completion, label, self.extract)
        formatted = check_code_format(completion, self.format)
        if formatted is not True:
            answer = program[0] if program else None
            future.set_result(Judgement(Verdict.WRONG, answer, None, f"format: {formatted[1]}", format_ok=False))
        elif program is None:
            future.set_result(Judgement(Verdict.WRONG, None, None, "no program"))
        elif label.language is not None and program[1] != label.language:
            detail = f"the program is {program[1]}, {label.language} was asked for"
            future.set_result(Judgement(Verdict.WRONG, program[0], None, detail))
        elif not label.tests:
            future.set_result(
                Judgement(Verdict.UNKNOWN, program[0], None, "the problem has no tests", cause=Cause.UNDECIDED)
            )
        else:
            self._run(label, *program, future)
        return future

    def _run(self, label: CodeLabel, code: str, language: Language, future: Future[Judgement]) -> None:
        from pipeline.sandbox import Case, Program, SandboxUnavailable, TimeLimit, put_prelude

        if label.entry_point is not None and language == "cpp":
            future.set_result(Judgement(Verdict.WRONG, code, None, "a function was asked for, in Python"))
            return

        def ended(done: Future[list[Run]]) -> None:
            error = done.exception()
            if error is not None:
                future.set_result(_lose(code, f"{type(error).__name__}: {error}"))
            else:
                future.set_result(rule(done.result(), label, code))

        cases = [Case(test.input, test.expected) for test in label.tests]
        try:
            whole = put_prelude(label.prelude, code) if language == "python" else code
            time_limit = TimeLimit(label.time_limit, tuple(sorted(label.measured.items())))
            program = Program(language, whole, label.entry_point, time_limit)
            running = self._get_sandbox().submit(program, cases, label.checker, stop_at_first=True)
        except (SandboxUnavailable, RuntimeError) as error:
            future.set_result(_lose(code, str(error)))
            return
        running.add_done_callback(ended)

    def _get_sandbox(self) -> Sandbox:
        with self._lock:
            if self._closed:
                raise RuntimeError("the verifier is closed")
            if self._sandbox is None:
                self._sandbox = self._open()
            return self._sandbox


def _lose(code: str, problem: str) -> Judgement:
    """No verdict, for a reason that lies with the sandbox."""
    return Judgement(Verdict.UNKNOWN, code, None, f"sandbox: {problem}", cause=Cause.INFRASTRUCTURE)


def rule(runs: list[Run], label: CodeLabel, code: str) -> Judgement:
    """The judgement on a program whose `runs` over the label's tests end at the first that failed."""
    from pipeline.sandbox import Status, all_passed

    if all_passed(runs, len(label.tests)):
        return Judgement(Verdict.CORRECT, code, None, f"passed {len(runs)} tests")
    last = runs[-1] if runs else None
    if last is not None and last.status is Status.UNCHECKED:
        detail = f"test {label.tests[len(runs) - 1].id}: {last.detail}"
        return Judgement(Verdict.UNKNOWN, code, None, detail, cause=Cause.UNDECIDED)
    if last is None or last.status in (Status.INFRA, Status.PASSED):
        problem = last.detail if last is not None and last.status is Status.INFRA else "not every test was judged"
        return _lose(code, problem)
    if last.status is Status.COMPILE:
        lines = [line for line in last.detail.splitlines() if "error" in line.lower()] or last.detail.splitlines()[-1:]
        return Judgement(Verdict.WRONG, code, None, f"compile: {lines[0].strip()[:200] if lines else ''}".rstrip(": "))
    return Judgement(Verdict.WRONG, code, None, f"{last.status.value}: test {label.tests[len(runs) - 1].id}")
