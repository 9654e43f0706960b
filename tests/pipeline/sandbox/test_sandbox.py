"""Programs that mean well: statuses, limits, batches, threads, C++, and trouble that is not theirs."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.sandbox import (
    Case,
    Limits,
    Program,
    Sandbox,
    SandboxUnavailable,
    Status,
    all_passed,
    describe_sandbox,
    open_sandbox,
)
from pipeline.sandbox.box import find_interpreter
from pipeline.sandbox.compile import FLAGS, Compiler, compiler_version, trim_cache
from pipeline.sandbox.describe import try_mode
from schemas.config import SandboxConfig
from tests.pipeline.sandbox.traces import descendants, open_files

ROOT = Path(__file__).resolve().parents[3]
DOUBLE = Program("python", "print(int(input()) * 2)")
DOUBLES = [Case(f"{i}\n", f"{2 * i}\n") for i in range(40)]


def statuses(sandbox: Sandbox, code: str, *cases: Case, entry_point: str | None = None) -> list[Status]:
    return [run.status for run in sandbox.run(Program("python", code, entry_point), cases)]


def test_every_case_gets_its_run_in_order(sandbox: Sandbox) -> None:
    cases = [*DOUBLES[:20], Case("21", "41"), *DOUBLES[21:], Case("x", "1"), Case("5", None)]
    runs = sandbox.run(DOUBLE, cases)
    failing = {20: Status.WRONG, 40: Status.RUNTIME}
    assert [run.status for run in runs] == [failing.get(i, Status.PASSED) for i in range(len(cases))]
    assert runs[20].output == "42\n"
    assert "ValueError" in runs[40].detail
    assert (runs[41].output, runs[41].judged) == ("10\n", False)


def test_stopping_at_the_first_failure_ends_the_list_there(sandbox: Sandbox) -> None:
    runs = sandbox.run(DOUBLE, [*DOUBLES[:3], Case("3", "7"), *DOUBLES], stop_at_first=True)
    assert [run.status for run in runs] == [Status.PASSED] * 3 + [Status.WRONG]
    assert not all_passed(runs, 44)


def test_no_cases_are_no_pass(sandbox: Sandbox) -> None:
    assert sandbox.run(DOUBLE, []) == []
    assert not all_passed([], 0)
    assert not all_passed(sandbox.run(DOUBLE, [Case("1", None)]), 1)
    assert all_passed(sandbox.run(DOUBLE, DOUBLES), len(DOUBLES))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("while True: pass", Status.TIME),
        ("import time; time.sleep(9)", Status.TIME),
        ("x = bytearray(330 << 20)", Status.MEMORY),
        ("x = bytearray(4 << 30)", Status.MEMORY),
        ("while True: print('x' * 9999)", Status.OUTPUT),
        ("1 / 0", Status.RUNTIME),
        ("import sys; sys.exit(3)", Status.RUNTIME),
        ("import os; os.abort()", Status.RUNTIME),
        ("print(", Status.COMPILE),
        ("print(1)", Status.WRONG),
        ("print(2)", Status.PASSED),
        ("import sys; print(2); sys.exit(0)", Status.PASSED),
        ("import os; print(2, flush=True); os._exit(0)", Status.PASSED),
    ],
)
def test_statuses(sandbox: Sandbox, code: str, status: Status) -> None:
    assert statuses(sandbox, code, Case("", "2")) == [status]
    assert statuses(sandbox, code, Case("", "2"), Case("", "2"), Case("", "2")) == [status] * 3


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
        "import sys\nprint(sum(int(x) for line in sys.stdin for x in line.split()))",
        "print(sum(map(int, open(0).read().split())))",
        "print(sum(map(int, open('/dev/stdin').read().split())))",
        "import os\nprint(sum(map(int, os.read(0, 1 << 20).split())))",
        "import fileinput\nprint(sum(int(x) for l in fileinput.input() for x in l.split()))",
        "import sys\ninput = sys.stdin.readline\ndef main():\n    print(sum(map(int, (input() + input()).split())))\n"
        "if __name__ == '__main__': main()",
        "import io, os, sys\nsys.stdin = io.TextIOWrapper(io.BytesIO(os.read(0, 999)))\n"
        "print(sum(map(int, (input() + ' ' + input()).split())))",
        "import sys\nsys.stdout.buffer.write(str(sum(map(int, sys.stdin.read().split()))).encode())",
        "import os, sys\nout = os.fdopen(1, 'w')\nout.write(str(sum(map(int, sys.stdin.read().split()))))",
        "import atexit, io, sys\nsys.stdout = io.StringIO()\n"
        "atexit.register(lambda: sys.__stdout__.write(sys.stdout.getvalue()))\n"
        "print(sum(map(int, sys.stdin.read().split())))",
        "import threading, sys\nsys.setrecursionlimit(10 ** 6)\nthreading.stack_size(1 << 27)\n"
        "def deep(n): return 0 if n == 0 else 1 + deep(n - 1)\n"
        "def main():\n    assert deep(20000) == 20000\n    print(sum(map(int, sys.stdin.read().split())))\n"
        "threading.Thread(target=main).start()",
        "import sys\nprint(sum(map(int, sys.stdin.read().split()))); sys.stderr.write('x' * 200000)",
        "import resource, signal, sys\nresource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))\nsignal.alarm(5)\n"
        "print(sum(map(int, sys.stdin.read().split())))",
    ],
)
def test_every_way_to_read_and_write_is_right(sandbox: Sandbox, code: str) -> None:
    cases = [Case("1 2\n3\n", "6"), Case("4 5\r\n6\r\n", "15\n"), Case("7\n8", "15")]
    assert statuses(sandbox, code, *cases) == [Status.PASSED] * 3


def test_a_megabyte_out_and_in_is_no_deadlock(sandbox: Sandbox) -> None:
    text = "x" * 79 + "\n"
    code = "import sys\ndata = sys.stdin.read()\nsys.stderr.write(data)\nsys.stdout.write(data)"
    assert statuses(sandbox, code, Case(text * 13000, text * 13000), Case(text, text)) == [Status.PASSED] * 2


def test_a_failure_within_a_batch_is_confirmed_alone(sandbox: Sandbox) -> None:
    code = "import string\nstring.seen = getattr(string, 'seen', 0) + 1\nprint(string.seen)"
    assert statuses(sandbox, code, *[Case("", "1")] * 5) == [Status.PASSED] * 5
    early = "import os\nprint(input(), flush=True)\nos._exit(0)"
    assert statuses(sandbox, early, *[Case(str(i), str(i)) for i in range(40)]) == [Status.PASSED] * 40


KNOCK = """
import os, time
def knock():
    for fd in range(3, 40):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
                os.write(fd, b"k")
        except OSError:
            pass
"""


def test_a_program_that_writes_into_its_progress_pipe_gains_no_time() -> None:
    code = f"{KNOCK}\nif input() == '0':\n    for _ in range(12):\n        time.sleep(0.1)\n        knock()\nprint(5)"
    cases = [Case(f"{i}\n", "5") for i in range(16)]
    with Sandbox(workers=1, limits=Limits(wall=0.6)) as sandbox:
        assert statuses(sandbox, code, *cases) == [Status.TIME] + [Status.PASSED] * 15


@pytest.mark.slow
def test_the_cpu_of_a_test_is_not_lent_to_another() -> None:
    burn = "import signal, time\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
    burn += "end = 1.5 if input() == '0' else 0\nwhile time.process_time() < end: pass\nprint(5)"
    cases = [Case(f"{i}\n", "5") for i in range(6)]
    with Sandbox(workers=1, limits=Limits(wall=4, cpu=1)) as sandbox:
        assert statuses(sandbox, burn, *cases) == [Status.TIME] + [Status.PASSED] * 5
        calls = "import signal, time\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f(x):\n"
        calls += "    end = time.process_time() + (1.5 if x == 1 else 0)\n    while time.process_time() < end: pass\n"
        calls += "    return 5"
        found = statuses(sandbox, calls, *[Case(f"f({i})", "5") for i in range(4)], entry_point="f")
        assert found == [Status.PASSED, Status.TIME, Status.PASSED, Status.PASSED]


@pytest.mark.slow
def test_tests_that_take_the_time_of_several_all_pass() -> None:
    with Sandbox(workers=1, limits=Limits(wall=1)) as sandbox:
        slow = "import time\ntime.sleep(0.3)\nprint(input())"
        assert statuses(sandbox, slow, *[Case(str(i), str(i)) for i in range(8)]) == [Status.PASSED] * 8
        function = "import time\ndef f(x):\n    time.sleep(0.3)\n    return x"
        cases = [Case(f"f({i})", str(i)) for i in range(8)]
        assert statuses(sandbox, function, *cases, entry_point="f") == [Status.PASSED] * 8


def test_a_program_learns_nothing_of_the_machine_s_boot_and_devices(sandbox: Sandbox) -> None:
    code = "import sys\nfor name in ('cmdline', 'modules', 'partitions', 'keys', 'kallsyms'):\n"
    code += "    try: print(name, open('/proc/' + name).read())\n    except OSError: pass"
    assert [run.output for run in sandbox.run(Program("python", code), [Case("")])] == [""]


@pytest.mark.slow
def test_a_header_folder_left_by_a_dead_process_is_in_nobody_s_way(tmp_path: Path) -> None:
    compiler = Compiler(Sandbox(workers=1).mode, Limits(), tmp_path)
    said = "\0".join((compiler_version(), *FLAGS)).encode()
    left = tmp_path / f"headers-{hashlib.sha256(said).hexdigest()[:16]}.{os.getpid()}"
    (left / "bits").mkdir(parents=True)
    os.utime(left, (0, 0))
    tmp_path.chmod(0o755)
    for above in tmp_path.parents[:3]:
        above.chmod(above.stat().st_mode | 0o11)
    assert compiler.build("int main() {}").binary
    compiler.close()
    assert not left.exists()


def test_memory_of_one_test_is_not_held_against_the_others(sandbox: Sandbox) -> None:
    code = "x = bytearray(int(input()) << 20)\nprint(len(x) >> 20)"
    found = statuses(sandbox, code, *[Case(str(mb), str(mb)) for mb in (1, 500, 2, 200)])
    assert found == [Status.PASSED, Status.MEMORY, Status.PASSED, Status.PASSED]


def test_a_program_that_hangs_on_all_is_given_up(sandbox: Sandbox) -> None:
    runs = sandbox.run(Program("python", "while True: pass"), [Case("", "1")] * 30)
    assert [run.status for run in runs] == [Status.TIME] * 30
    assert [run.detail.startswith("not run") for run in runs] == [False] * 3 + [True] * 27


def test_functions_are_called_with_data_and_judged_by_data(sandbox: Sandbox) -> None:
    code = "from collections import Counter\ndef f(a, b=2):\n    a.append(b)\n    return tuple(a), Counter(a)"
    cases = [
        Case("f([1])", "((1, 2), {1: 1, 2: 1})"),
        Case("f([1], b=3)", "((1, 3), Counter({1: 1, 3: 1}))"),
        Case("[[1]]", "[[1, 2], {'1': 1, '2': 1}]"),
        Case('{"a": [], "b": 0}', "[[0], {'0': 1}]"),
        Case("f([1])", "([1, 2], {1: 1, 2: 1})"),
        Case("f([x for x in range(2)])", "((0, 1, 2), {0: 1, 1: 1, 2: 1})"),
        Case("f(1)", "1"),
        Case("f([1])", "no literal"),
        Case("f([5])", None),
    ]
    runs = sandbox.run(Program("python", code, "f"), cases)
    assert [run.status for run in runs[:4]] == [Status.PASSED] * 4
    assert [run.status for run in runs[4:8]] == [Status.WRONG, Status.PASSED, Status.RUNTIME, Status.INFRA]
    assert (runs[8].output, runs[8].judged) == ("((5, 2), {5: 1, 2: 1})", False)


def test_methods_of_a_solution_class_are_found(sandbox: Sandbox) -> None:
    code = (
        "class Solution:\n    def __init__(self): self.n = 0\n"
        "    def f(self, x):\n        self.n += x\n        return self.n"
    )
    for entry_point, call in (("f", "[3]"), ("Solution.f", "[3]"), ("f", "Solution().f(3)")):
        assert statuses(sandbox, code, *[Case(call, "3")] * 2, entry_point=entry_point) == [Status.PASSED] * 2


def test_what_site_and_an_open_recursion_give_is_there(sandbox: Sandbox) -> None:
    early = "n = int(input())\nprint(n)\nif n:\n    {leave}\nprint('zero')"
    for leave in ("exit()", "quit()", "exit(0)"):
        cases = [Case("5\n", "5\n"), Case("0\n", "0\nzero\n"), Case("6\n", "6\n")]
        assert statuses(sandbox, early.format(leave=leave), *cases) == [Status.PASSED] * 3
    assert statuses(sandbox, early.format(leave="quit(1)"), Case("5\n", "5\n")) == [Status.RUNTIME]
    deep = "import sys\nsys.setrecursionlimit(10**6)\nf = lambda n: n and 1 + f(n - 1)\nprint(f(int(input())))"
    assert statuses(sandbox, deep, Case("50000\n", "50000\n"), Case("3\n", "3\n")) == [Status.PASSED] * 2


def test_a_value_run_for_its_own_sake_owes_nothing_to_earlier_calls(sandbox: Sandbox) -> None:
    program = Program("python", "def f(x, seen=[]):\n    seen.append(x)\n    return seen", "f")
    assert [run.output for run in sandbox.run(program, [Case("[1]"), Case("[2]")])] == ["[1]", "[2]"]


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("assert f(2) == 4\nassert candidate(3) == 9", Status.PASSED),
        ("def check(candidate):\n    assert all(candidate(i) == i * i for i in range(50))", Status.PASSED),
        ("import math\nassert math.isclose(f(0.1), 0.01)", Status.PASSED),
        ("try:\n    f('x')\n    assert False\nexcept TypeError: pass", Status.PASSED),
        ("assert f(2) == 5", Status.WRONG),
        ("f('x')", Status.RUNTIME),
        ("def check(candidate: pass", Status.INFRA),
        ("while f(1): pass", Status.TIME),
    ],
)
def test_test_programs_ask_through_the_split_judge(sandbox: Sandbox, test: str, status: Status) -> None:
    assert statuses(sandbox, "def f(x): return x * x", Case(test), entry_point="f") == [status]


def test_cpp_runs_and_is_compiled_once(sandbox: Sandbox) -> None:
    code = (
        "#include <bits/stdc++.h>\nusing namespace std;\nint deep(int n) { return n ? deep(n - 1) + 1 : 0; }\n"
        "int main() { long long n; cin >> n; vector<thread> t; t.emplace_back([] {}); t[0].join();\n"
        "if (deep(300000) == 300000) cout << n * 2 << endl; ranges::sort(t, {}, [](auto& x) { return x.get_id(); }); }"
    )
    program = Program("cpp", code)
    assert all_passed(sandbox.run(program, DOUBLES), len(DOUBLES))
    kept = {path for path in sandbox._compiler.folder().glob("*/*") if path.is_file()}
    assert all_passed(sandbox.run(program, DOUBLES), len(DOUBLES))
    assert {path for path in sandbox._compiler.folder().glob("*/*") if path.is_file()} == kept


def test_the_cache_of_binaries_drops_what_was_unused_for_longest(tmp_path: Path) -> None:
    for age, name in enumerate(("ab/new", "cd/old", "ef/older")):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(bytes(1000))
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "headers-x").mkdir()
    trim_cache(tmp_path, 2000)
    assert sorted(p.name for p in tmp_path.glob("*/*")) == ["new", "old"]
    assert (tmp_path / "headers-x").is_dir()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("int main() { return 3; }", Status.RUNTIME),
        ("int main() { for (;;) ; }", Status.TIME),
        ("#include <bits/stdc++.h>\nint main() { for (;;) memset(new char[1 << 20], 1, 1 << 20); }", Status.MEMORY),
        ('#include <bits/stdc++.h>\nint main() { for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxx"); }', Status.OUTPUT),
        ("int main() { *(volatile int*)0 = 1; }", Status.RUNTIME),
        ("int main() { return x; }", Status.COMPILE),
    ],
)
def test_cpp_statuses(sandbox: Sandbox, code: str, status: Status) -> None:
    runs = sandbox.run(Program("cpp", code), [Case("", "2")] * 2)
    assert [run.status for run in runs] == [status] * 2
    assert ("prog.cpp:1" in runs[0].detail) is (status is Status.COMPILE)


def test_a_lost_sandbox_is_built_again_and_the_test_repeated() -> None:
    program = Program("python", "import time\ntime.sleep(0.3)\nprint(input())")
    others = descendants()
    with Sandbox(workers=1) as sandbox:
        assert statuses(sandbox, program.code, Case("1", "1")) == [Status.PASSED]
        before = descendants() - others
        future = sandbox.submit(program, [Case("1", "1")])
        time.sleep(0.15)
        for pid in before & descendants():
            os.kill(pid, signal.SIGKILL)
        assert [run.status for run in future.result(60)] == [Status.PASSED]


def test_a_sandbox_lost_twice_is_no_verdict() -> None:
    others = descendants()
    with Sandbox(workers=1) as sandbox:
        future = sandbox.submit(Program("python", "import time\ntime.sleep(0.4)\nprint(input())"), [Case("1", "1")])
        end = time.monotonic() + 60
        while not future.done() and time.monotonic() < end:
            # The outermost first: a program that alone is killed may have done it itself.
            for pid in sorted(descendants() - others):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        (run,) = future.result(60)
        assert run.status is Status.INFRA
        assert run.detail
        assert all_passed(sandbox.run(DOUBLE, DOUBLES), len(DOUBLES))


def test_many_threads_share_one_sandbox() -> None:
    with Sandbox(workers=2) as sandbox:
        found: list[bool] = []

        def ask() -> None:
            found.extend(all_passed(sandbox.run(DOUBLE, DOUBLES), len(DOUBLES)) for _ in range(5))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 40


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    before, files = descendants(), open_files()
    sandbox = Sandbox(workers=2)
    waiting = [sandbox.submit(DOUBLE, DOUBLES) for _ in range(6)]
    sandbox.close()
    for future in waiting:
        assert {run.status for run in future.result(0)} <= {Status.PASSED, Status.INFRA}
    assert descendants() == before
    assert open_files() == files
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.submit(DOUBLE, DOUBLES)


def test_a_killed_owner_takes_its_programs_with_it() -> None:
    code = (
        "from pipeline.sandbox import *\n"
        "s = Sandbox(workers=1)\n"
        "s.submit(Program('python', 'import time\\nprint(1, flush=True)\\ntime.sleep(60)'), [Case('', '1')])\n"
        "import time; time.sleep(0.7); print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        under = {pid for pid in descendants() if _is_under(pid, owner.pid)}
        assert len(under) >= 2
        owner.kill()
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in under) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in under if Path(f"/proc/{pid}").exists()]


def _is_under(pid: int, owner: int) -> bool:
    while pid > 1:
        if pid == owner:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_landlock_stands_in_for_namespaces() -> None:
    if not try_mode("landlock").works:
        pytest.skip(try_mode("landlock").why)
    with Sandbox(workers=1, mode="landlock") as sandbox:
        assert all_passed(sandbox.run(DOUBLE, DOUBLES), len(DOUBLES))
        cpp = Program("cpp", "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << n * 2; }")
        assert all_passed(sandbox.run(cpp, DOUBLES), len(DOUBLES))
        for act in (
            "open('/etc/passwd').read()",
            "__import__('os').listdir('/')",
            "open('/proc/self/environ').read()",
            "open('/tmp/goldilocks-was-here', 'w')",
            "open('/dev/shm/goldilocks-was-here', 'w')",
            "__import__('socket').socket()",
            "__import__('os').kill(__import__('os').getppid(), 9)",
            "__import__('os').fork()",
        ):
            runs = sandbox.run(Program("python", f"print({act})"), [Case("")])
            assert runs[0].status is Status.RUNTIME, act
        leak = Program("cpp", 'asm(".incbin \\"/etc/passwd\\"");\nint main() {}')
        assert sandbox.run(leak, [Case("")])[0].status is Status.COMPILE


def test_unsafe_has_to_be_asked_for_and_is_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="unsafe"), Sandbox(workers=1, mode="unsafe") as sandbox:
        assert all_passed(sandbox.run(DOUBLE, DOUBLES), len(DOUBLES))
    with pytest.raises(ValueError, match="one of auto"):
        Sandbox(mode="none")  # type: ignore[arg-type]


def test_without_bubblewrap_the_next_best_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    find_interpreter()
    monkeypatch.setenv("PATH", "/nowhere")
    try_mode.cache_clear()
    try:
        found = describe_sandbox()
        assert found["mode"] in ("landlock", None)
        assert "apt-get install bubblewrap" in found["install"]
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            Sandbox(mode="bubblewrap")
        if found["mode"] == "landlock":
            with pytest.warns(RuntimeWarning, match="bubblewrap is not installed"):
                Sandbox(workers=1).close()
    finally:
        try_mode.cache_clear()


def test_the_config_s_section_is_the_sandbox_s_own_limits() -> None:
    with open_sandbox(SandboxConfig(workers=1)) as sandbox:
        assert sandbox.limits == Limits()
    with open_sandbox(SandboxConfig(workers=1, wall=0.3, memory_mb=64)) as sandbox:
        assert (sandbox.limits.wall, sandbox.limits.memory_mb) == (0.3, 64)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="'java'"):
        Program("java", "")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs Python"):
        Program("cpp", "", "f")
    with pytest.raises(ValueError, match="wall is 0"):
        Limits(wall=0)
    with pytest.raises(ValueError, match="at least one"):
        Sandbox(workers=0)
