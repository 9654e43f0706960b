"""What somebody sees who waits for a command: a sign before the work begins, the result alone on stdout."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run

pytestmark = pytest.mark.slow

PROBLEMS = str(ROOT / "tests" / "data" / "problems.jsonl")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_terminal(command: list[str], environment: dict[str, str]) -> tuple[str, str]:
    """(what a command shows on a terminal that is its stderr, what it prints to its stdout)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:
            # A terminal whose other side is closed has no end of file.
            break
        if not part:
            break
        shown += part
    os.close(ours)
    printed = process.communicate()[0]
    assert process.returncode == 0, shown.decode()
    return CODES.sub("", shown.decode()), printed


def test_a_terminal_shows_a_sign_first_then_the_stage_and_the_result_goes_to_stdout(
    prefect_home: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flows.cli.main", "stage", "screen", PROBLEMS, str(tmp_path / "out")]
    environment = prefect_home | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    shown, printed = read_terminal(command, environment)
    first = shown.index("load the libraries")
    assert first < shown.index("screen")
    assert len(shown[:first].strip()) <= 1, "only its spinner stands before it"
    assert re.search(r"screen: 4 problems in ", shown)
    assert printed == f"screen: 4 in, 4 kept, 0 rejected: {tmp_path / 'out'}\n"


def test_a_log_gets_a_line_a_stage_beside_the_result(goldilocks: Run, tmp_path: Path) -> None:
    done = goldilocks("stage", "screen", PROBLEMS, str(tmp_path / "out"))
    assert re.fullmatch(r"(?:load the libraries: .*\n)?screen: 4 problems in .*\n", done.stderr)
    assert done.stdout.startswith("screen: 4 in, ")


@pytest.mark.parametrize("form", ["log", "terminal"])
def test_quiet_prints_nothing_but_the_result(
    goldilocks: Run, prefect_home: dict[str, str], tmp_path: Path, form: str
) -> None:
    arguments = ("stage", "screen", PROBLEMS, str(tmp_path / "out"), "--quiet")
    if form == "log":
        done = goldilocks(*arguments)
        shown, printed = done.stderr, done.stdout
    else:
        command = [sys.executable, "-m", "flows.cli.main", *arguments]
        shown, printed = read_terminal(command, prefect_home | {"PYTHONPATH": str(ROOT), "TERM": "xterm"})
    assert shown == ""
    assert printed.startswith("screen: 4 in, ")
