"""What goes into the sandbox and what comes out: programs, cases, limits, runs. Plain frozen data."""

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

Checker = Mapping[str, object]
"""The contract's `checker` column: float_tolerance (float), ignore_case, strict_whitespace (bool), ignore_order
(`schemas.problem.ORDERS`), and of a program that judges outputs `language`, `code`, `protocol`, `flags`; null is
unset."""


class Status(StrEnum):
    """How one run ended. `infra` and `unchecked` (a checker gave no verdict) say nothing about the program: its verdict
    is unknown."""

    PASSED = "passed"
    WRONG = "wrong"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    RUNTIME = "runtime"
    COMPILE = "compile"
    UNCHECKED = "unchecked"
    INFRA = "infra"


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """What a problem allows a program. `stated`: seconds on its source's judge. `measured`: (language, seconds) that
    a program may take here at least, by the speed of the problem's trusted programs.

    With `lengthens` it never gives less than the usual limit: for programs whose speed is not known yet.
    """

    stated: float | None = None
    measured: tuple[tuple[str, float], ...] = ()
    lengthens: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Somebody's source. `entry_point` names the function of a function-call problem (Python only; dots reach into
    classes, and a method of `Solution` is found by its bare name); None reads stdin and writes stdout."""

    language: Literal["python", "cpp"]
    code: str
    entry_point: str | None = None
    time_limit: TimeLimit | None = None
    """Its problem's; None for the usual one."""
    hash_seed: int = 0
    """Of Python's texts: under another one sets come in another order, and objects stand at other addresses."""

    def __post_init__(self) -> None:
        if self.language not in ("python", "cpp"):
            raise ValueError(f"language is {self.language!r}; the sandbox runs 'python' and 'cpp'")
        if self.language == "cpp" and self.entry_point is not None:
            raise ValueError("an entry_point needs Python; a C++ program reads stdin and writes stdout")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a checker is called and what its exit status means; any other status is no verdict.

    `arguments` name the files `{input}`, `{answer}` and `{output}` and the folder `{feedback}`, where what it writes is
    lost. `stdin`: the output comes on its standard input.
    """

    arguments: tuple[str, ...]
    stdin: bool
    accepts: int
    rejects: frozenset[int]


PROTOCOLS: Mapping[str, Protocol] = {
    "kattis": Protocol(("{input}", "{answer}", "{feedback}"), True, 42, frozenset({43})),
    "testlib": Protocol(("{input}", "{output}", "{answer}"), False, 0, frozenset({1, 2, 4, 7, 8, *range(16, 117)})),
    "input": Protocol((), True, 42, frozenset({43})),
}
"""`kattis`: output validators of Kattis, ICPC and DOMjudge packages (Problem Package Format, "Output Validator").
`testlib`: checkers of Codeforces and Polygon (testlib's exit codes; some of the points are not all of them).
`input`: input validators of packages ("Input Validators"), which judge an input and read that in the place of an
output."""


@dataclass(frozen=True, slots=True)
class CheckerProgram:
    """Somebody's program that judges an output: a `checker` with code."""

    language: Literal["python", "cpp"]
    code: str
    protocol: str = "kattis"
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.language not in ("python", "cpp"):
            raise ValueError(f"a checker's language is {self.language!r}; the sandbox runs 'python' and 'cpp'")
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"a checker's protocol is {self.protocol!r}; it is one of {', '.join(PROTOCOLS)}")


def read_program(checker: Checker | None) -> CheckerProgram | None:
    """The program of a `checker`; None where outputs are compared. Raises ValueError for one that cannot be run."""
    code = (checker or {}).get("code")
    if checker is None or code is None:
        return None
    language, protocol = checker.get("language"), checker.get("protocol") or "kattis"
    flags = checker.get("flags") or ""
    if not isinstance(code, str) or not isinstance(protocol, str) or not isinstance(flags, str):
        raise ValueError("a checker's code, protocol and flags are text")
    return CheckerProgram(language, code, protocol, tuple(flags.split()))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    stdin/stdout problems: `input` is the text on stdin, `expected` the text on stdout.
    Function-call problems: `input` is a JSON list of arguments, a JSON object of keyword arguments, a call such as
    `f([1, 2], 3)`, or a test program (assert statements, or a `check(candidate)`); `expected` is a Python literal. A
    value that is more than a call, such as `set(f(1))`, has to equal `expected`.
    With `expected` None a run is judged by its end alone, and only a test program's end means anything.
    """

    input: str
    expected: str | None = None


SHORTEST = 1.0
"""Seconds a test at least, whatever a problem says: the start of a process counts here, and on few judges."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one test may take. A problem with a time limit of its own has that one, by language (`fit`)."""

    wall: float = 4.0
    """Seconds, not counting those in which the machine had no core free for it."""
    cpu: int = 5
    """CPU seconds over all threads, so that threads do not multiply the time."""
    memory_mb: int = 300
    """Resident memory at its peak."""
    output_mb: int = 16
    files: int = 32
    """Open descriptors."""
    compile_seconds: int = 10
    compile_memory_mb: int = 2048
    keep_chars: int = 1 << 20
    """Longer outputs are judged whole but cut in `Run.output`."""
    python_factor: float = 5.0
    """Times a problem's own limit, for Python."""
    cpp_factor: float = 2.0
    machine_factor: float = 1.0
    """Times a problem's own limit, in either language."""
    longest: float = 15.0
    """Seconds that no problem's own limit exceeds."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"limit {name} is {getattr(self, name)}; it has to be positive")

    def fit(self, language: str, time_limit: "TimeLimit | None") -> "Limits":
        """These limits with the time that a problem allows a program in `language`; CPU as it is to `wall` here."""
        if time_limit is None:
            return self
        wall = self.wall
        if time_limit.stated is not None:
            factor = self.python_factor if language == "python" else self.cpp_factor
            least = self.wall if time_limit.lengthens else SHORTEST
            wall = max(time_limit.stated * factor * self.machine_factor, least)
        measured = dict(time_limit.measured).get(language, 0.0)
        wall = min(max(wall, measured), max(self.longest, self.wall))
        return self if wall == self.wall else replace(self, wall=wall, cpu=math.ceil(wall * self.cpu / self.wall))

    @property
    def address_mb(self) -> int:
        """The cap on address space: well over the memory limit, because thread stacks and libraries reserve more than
        they use."""
        return self.memory_mb + 724


@dataclass(frozen=True, slots=True)
class Run:
    """How one program did on one case. `passed` with `judged` False only says that it ran to its end."""

    status: Status
    output: str = ""
    """Text of stdout, or the returned value as a Python literal (sets in a fixed order)."""
    detail: str = ""
    seconds: float = 0.0
    """Wall time; of a test within a batch, its share of the batch."""
    max_rss_mb: float = 0.0
    """Of the process; tests run in one process share it."""
    judged: bool = True
    complete: bool = True
    """Whether `output` is all of it."""


def all_passed(runs: Sequence[Run], cases: int) -> bool:
    """Whether a program passed all its `cases` tests: each was run and judged. No tests is no pass."""
    return 0 < cases == len(runs) and all(run.status is Status.PASSED and run.judged for run in runs)


SOLUTION_IMPORTS = """
import bisect, collections, copy, datetime, functools, heapq, itertools, math, operator, re, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import ceil, comb, factorial, floor, gcd, hypot, inf, isqrt, lcm, log, log2, log10, nan, perm, pi, prod, sqrt
from string import *
from typing import *
"""
"""What stands before a class `Solution`: the judge that this form comes from imports as much, so programs that were
written for it leave it out. Of `math` by name: its `pow` takes no modulus."""
_SOLUTION = re.compile(r"^class\s+Solution\b", re.MULTILINE)


def put_prelude(prelude: str, code: str) -> str:
    """Python `code` with `prelude` before it, but after its `from __future__` imports, which have to come first.

    A class `Solution` also has `SOLUTION_IMPORTS` before it, be it a data set's or a sample's.
    """
    if _SOLUTION.search(code):
        prelude = SOLUTION_IMPORTS + prelude
    if not prelude.strip():
        return code
    last = 0
    if "__future__" in code:
        try:
            body = ast.parse(code).body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return code
        ends = [n.end_lineno or 0 for n in body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        last = max(ends, default=0)
    lines = code.split("\n")
    return "\n".join([*lines[:last], prelude.strip("\n"), *lines[last:]])
