"""Checkers: the exit status alone decides, they see what they must, and neither side gets at the other."""

import pytest

from pipeline.sandbox import Asked, Case, CheckerProgram, Program, Sandbox, Status, read_program

KATTIS = """
import sys
given, answer = (open(path).read() for path in sys.argv[1:3])
output = sys.stdin.read()
for name in ("judgemessage.txt", "teammessage.txt"):
    with open(sys.argv[3] + "/" + name, "a") as file:
        file.write("a message")
print("accepted", 42)
sys.exit(42 if sorted(output.split()) == sorted(given.split()) else 43)
"""
TESTLIB = """
import sys
given, output, answer = (open(path).read() for path in sys.argv[1:4])
assert sys.argv[4:] == ["loose"]
sys.exit(0 if sorted(output.split()) == sorted(given.split()) else 1)
"""
CPP = """
#include <bits/stdc++.h>
using namespace std;
int main(int argc, char** argv) {
    ifstream given(argv[1]), answer(argv[2]);
    multiset<string> left, right;
    for (string word; given >> word;) left.insert(word);
    for (string word; cin >> word;) right.insert(word);
    ofstream(string(argv[3]) + "judgemessage.txt", ios::app) << "a message";
    return left == right ? 42 : 43;
}
"""
ASKED = [Asked("1 2", "1 2", text) for text in ("2 1\n", "1 2", "1 1", "")]
RIGHT = [True, True, False, False]


def say(sandbox: Sandbox, code: str, *asked: Asked, language: str = "python") -> list[bool | None]:
    program = read_program({"language": language, "code": code, "protocol": "kattis"})
    assert program is not None
    return [checked.accepted for checked in sandbox.submit_checks(program, asked).result()]


@pytest.mark.parametrize(
    "program",
    [
        CheckerProgram("python", KATTIS),
        CheckerProgram("python", TESTLIB, "testlib", ("loose",)),
        CheckerProgram("cpp", CPP),
    ],
    ids=["kattis", "testlib", "compiled"],
)
def test_a_checker_judges_outputs(sandbox: Sandbox, program: CheckerProgram) -> None:
    assert [checked.accepted for checked in sandbox.submit_checks(program, ASKED).result()] == RIGHT


def test_an_input_validator_reads_the_input_and_its_flags_alone(sandbox: Sandbox) -> None:
    code = "import sys\nassert sys.argv[1:] == ['most', '3']\nsys.exit(42 if int(sys.stdin.read()) <= 3 else 43)"
    asked = [Asked("", "", text) for text in ("2\n", "4\n", "x\n")]
    program = CheckerProgram("python", code, "input", ("most", "3"))
    checked = [one.accepted for one in sandbox.submit_checks(program, asked).result()]
    assert checked == [True, False, None]


def test_a_program_is_judged_by_the_checker_and_not_by_comparison(sandbox: Sandbox) -> None:
    cases = [Case("1 2\n", "1 2\n"), Case("3 4 5\n", "3 4 5\n")]
    checker = {"language": "python", "code": KATTIS, "protocol": "kattis", "flags": None}
    backwards = Program("python", "print(*input().split()[::-1])")
    assert {run.status for run in sandbox.run(backwards, cases)} == {Status.WRONG}
    assert {(run.status, run.judged) for run in sandbox.run(backwards, cases, checker)} == {(Status.PASSED, True)}
    first = sandbox.run(Program("python", "print(1, 2)"), cases, checker, stop_at_first=True)
    assert [run.status for run in first] == [Status.PASSED, Status.WRONG]
    crashed = sandbox.run(Program("python", "print(1, 2)\nraise SystemExit(3)"), cases[:1], checker)
    assert [run.status for run in crashed] == [Status.RUNTIME]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys; sys.exit(0)", "exit status 0"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("while True: pass", "time"),
        ("x = bytearray(1 << 30)", "memory"),
        ("this is no program", "SyntaxError"),
    ],
)
def test_a_checker_that_ends_otherwise_gives_no_verdict(sandbox: Sandbox, code: str, words: str) -> None:
    [checked] = sandbox.submit_checks(CheckerProgram("python", code), ASKED[:1]).result()
    assert (checked.accepted, checked.infra) == (None, False)
    assert words in checked.detail
    checker = {"language": "python", "code": code, "protocol": "kattis"}
    [run] = sandbox.run(Program("python", "print(1)"), [Case("1", "1")], checker)
    assert run.status is Status.UNCHECKED


def test_a_compiled_checker_that_does_not_compile_gives_no_verdict(sandbox: Sandbox) -> None:
    [checked] = sandbox.submit_checks(CheckerProgram("cpp", '#include "nowhere.h"\nint main() {}'), ASKED[:1]).result()
    assert checked.accepted is None
    assert "does not compile" in checked.detail


def test_what_it_prints_and_writes_is_no_verdict_and_goes_nowhere(walled: Sandbox) -> None:
    code = "import sys\nopen(sys.argv[3] + 'judgemessage.txt', 'w').write('42')\nprint(42)\nsys.exit(43)"
    peek = "import sys\nsys.exit(42 if open(sys.argv[3] + 'judgemessage.txt').read() else 43)"
    assert say(walled, code, ASKED[0]) == [False]
    assert say(walled, peek, ASKED[0]) == [False]


WALLS = """
import os, socket, sys
def tries(what):
    try:
        what()
    except (OSError, PermissionError, ValueError):
        return False
    return True
def look(place):
    try:
        return [int(name) for name in os.listdir(place) if name.isdigit()]
    except OSError:
        return []
broken = [
    tries(lambda: open(sys.argv[1], "w").write("x")),
    tries(lambda: os.write(os.open(sys.argv[2], os.O_RDWR), b"x")),
    tries(lambda: open("/etc/passwd").read()),
    tries(lambda: open(sys.argv[3] + "kept", "w").write("x")),
    tries(lambda: open("/box/kept", "w").write("x")),
    tries(lambda: socket.socket()),
    tries(os.fork),
    tries(lambda: os.execv("/usr/bin/true", ["true"])),
    tries(lambda: os.kill(os.getppid(), 9)),
    len(look("/proc")) > 2,
    len(look("/proc/self/fd")) > 8,
]
sys.exit(43 if any(broken) else 42)
"""


def test_a_hostile_checker_reaches_nothing(walled: Sandbox) -> None:
    assert say(walled, WALLS, ASKED[0]) == [True]
    assert say(walled, KATTIS, *ASKED) == RIGHT


def test_a_hostile_validator_of_inputs_reaches_nothing(walled: Sandbox) -> None:
    """It is given no file: what a checker may try with its arguments is left out."""
    walls = "\n".join(line for line in WALLS.splitlines() if "sys.argv" not in line)
    asked = [Asked("", "", text) for text in ("1 2\n", "x" * 100_000, "\0\n")]
    for code in (walls, "import os\nos.kill(os.getpid(), 9)", "while True: print('valid')"):
        program = CheckerProgram("python", code, "input")
        accepted = [checked.accepted for checked in walled.submit_checks(program, asked).result()]
        assert accepted == ([True] * 3 if code == walls else [None] * 3)
    assert say(walled, KATTIS, *ASKED) == RIGHT


def test_a_hostile_checker_leaves_nothing_behind(walled: Sandbox) -> None:
    stay = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nimport sys\n"
    assert say(walled, f"{stay}sys.exit(42)", ASKED[0]) == [True]
    flood = "import os\nwhile True: os.write(1, b'x' * 65536)"
    assert say(walled, flood, ASKED[0]) == [None]
    progress = (
        "import os\nfor fd in range(3, 40):\n    try:\n        os.write(fd, b'k' * 99)\n    except OSError: pass\n"
    )
    assert say(walled, f"{progress}raise SystemExit(43)", ASKED[0]) == [False]
    assert say(walled, KATTIS, *ASKED) == RIGHT


LOOKING = """
import gc, os, sys
texts = [str(o) for o in gc.get_objects() if isinstance(o, (str, list, dict, tuple))]
places = []
for fd in range(3, 64):
    try:
        places.append(os.pread(fd, 1 << 16, 0).decode("utf-8", "replace"))
    except OSError:
        pass
print("seen" if any("7 syas yruj eht" in text[::-1] for text in texts + places) else "nothing")
"""


def test_a_hostile_program_does_not_see_the_answer_that_its_checker_gets(walled: Sandbox) -> None:
    code = "import sys\nsys.exit(42 if open(sys.argv[2]).read() == 'the jury says 7' else 43)"
    checker = {"language": "python", "code": code, "protocol": "kattis"}
    for _ in range(2):
        [run] = walled.run(Program("python", LOOKING), [Case("1", "the jury says 7")], checker)
        assert (run.status, run.output) == (Status.PASSED, "nothing\n")


@pytest.mark.parametrize(
    "output",
    [
        "print(chr(0) * 5)",
        "import sys; sys.stdout.buffer.write(bytes(range(256)))",
        "print('9' * 10**6)",
        "print('(' * 10**5)",
        "print('nan inf -inf 1e999')",
        "import sys; sys.stdout.buffer.write(b'1 2' + bytes([255, 254]))",
    ],
)
def test_a_hostile_output_is_rejected_and_the_next_is_judged(sandbox: Sandbox, output: str) -> None:
    checker = {"language": "cpp", "code": CPP, "protocol": "kattis"}
    cases = [Case("1 2", "1 2")]
    assert [run.status for run in sandbox.run(Program("python", output), cases, checker)] == [Status.WRONG]
    assert [run.status for run in sandbox.run(Program("python", "print(2, 1)"), cases, checker)] == [Status.PASSED]


@pytest.mark.parametrize(
    ("checker", "words"),
    [
        ({"code": "x", "language": "rust"}, "rust"),
        ({"code": "x", "language": "cpp", "protocol": "polygon"}, "polygon"),
        ({"code": 1, "language": "cpp"}, "text"),
    ],
)
def test_a_checker_that_cannot_be_run_is_refused(checker: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_program(checker)


def test_without_code_there_is_no_program() -> None:
    assert read_program(None) is None
    assert read_program({"float_tolerance": 1e-6, "code": None}) is None
