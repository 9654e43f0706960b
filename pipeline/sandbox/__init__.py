"""Runs programs that nobody trusts, and says how each test went.

    with Sandbox() as sandbox:
        runs = sandbox.run(Program("python", "print(int(input()) * 2)"), [Case("4", "8")])

What passes is decided outside, from bytes and plain data: exit status and output, or the value that a function gave
back as tagged JSON. Nothing that a program prints, patches or claims can be taken for a verdict, and the expected value
is never in a process with it. Infrastructure trouble is `infra`, which says nothing about the program.
"""

from pipeline.sandbox.box import SandboxUnavailable
from pipeline.sandbox.calls import parse_assert
from pipeline.sandbox.check import Asked, Checked
from pipeline.sandbox.describe import describe_sandbox
from pipeline.sandbox.judge import compare_output
from pipeline.sandbox.program import (
    Case,
    Checker,
    CheckerProgram,
    Limits,
    Program,
    Run,
    Status,
    TimeLimit,
    all_passed,
    put_prelude,
    read_program,
)
from pipeline.sandbox.sandbox import Sandbox, open_sandbox

__all__ = [
    "Asked",
    "Case",
    "Checked",
    "Checker",
    "CheckerProgram",
    "Limits",
    "Program",
    "Run",
    "Sandbox",
    "SandboxUnavailable",
    "Status",
    "TimeLimit",
    "all_passed",
    "compare_output",
    "describe_sandbox",
    "open_sandbox",
    "parse_assert",
    "put_prelude",
    "read_program",
]
