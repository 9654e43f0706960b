"""Processes that can be killed: every comparison ends, nothing is left behind, nothing is started in vain."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from pipeline.verify.pool import MathPool
from schemas.reasons import Verdict

pytestmark = pytest.mark.slow

ROOT = str(Path(__file__).resolve().parents[3])
HANGS = r"\int_0^1 \sin(x^{x^{x}}) \log(1+x^{\sin x})^{\cos x} dx + \sum_{n=1}^{10^8} \frac{1}{n^{\sin n}}"
GUARD = 120.0


def descendants(pid: int) -> set[int]:
    """The processes below `pid` that are alive."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found.update(children)
        todo.extend(children)
    return found


def wait_until(condition: object, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def pool() -> Iterator[MathPool]:
    with MathPool(workers=2, timeout=20.0) as running:
        yield running


PAIRS = [
    (r"\sin x", r"\sin(x)", Verdict.CORRECT),
    (r"\sin x", r"\cos x", Verdict.WRONG),
    (r"\sin^2 x + \cos^2 x", "1", Verdict.CORRECT),
    (r"\log_2 8", "3", Verdict.CORRECT),
    (r"e^{-50}", r"e^{-60}", Verdict.WRONG),
    (r"\frac{1}{x-1}", r"\frac{x+1}{x^2-1}", Verdict.CORRECT),
    (r"\frac{1}{x-1", r"\frac{1}{x-1", Verdict.UNKNOWN),
    (r"\frac{1}{0}", r"\frac{1}{0}", Verdict.UNKNOWN),
    ("", "", Verdict.UNKNOWN),
    (r"\sqrt[3]{2}", "1.2599", Verdict.WRONG),
    (r"\int_0^3 x\,dx", r"\frac{9}{2}", Verdict.CORRECT),
    (r"\int_0^3 x\,dx", r"\frac{9}{2}+\frac{1}{10^{9}}", Verdict.WRONG),
    (r"\int_0^1 e^{-x^2}dx", r"\int_0^1 e^{-t^2}dt", Verdict.CORRECT),
    (r"\lim_{x \to 0} \frac{\sin x}{x}", "1", Verdict.CORRECT),
    (r"\sum_{n=1}^{\infty} \frac{1}{n^2}", r"\frac{\pi^2}{6}", Verdict.CORRECT),
    ("0 < x < 1", "0<x<1", Verdict.UNKNOWN),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", Verdict.UNKNOWN),
]


def test_verdicts_in_their_order(pool: MathPool) -> None:
    assert pool.compare([(label, answer) for label, answer, _ in PAIRS]) == [verdict for *_, verdict in PAIRS]


def test_labels_are_parsed(pool: MathPool) -> None:
    assert pool.submit(r"\sin x", None).result().verdict is Verdict.CORRECT
    outcome = pool.submit(r"\sin x +", None).result()
    assert (outcome.verdict, outcome.detail) == (Verdict.UNKNOWN, "the label cannot be parsed")


def test_many_threads_share_a_pool(pool: MathPool) -> None:
    results: dict[int, list[Verdict]] = {}

    def work(number: int) -> None:
        pairs = [(rf"\sin {number} x", rf"\sin({number if i % 2 else i + 90} x)") for i in range(6)]
        results[number] = pool.compare(pairs)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD)
    assert results == {number: [Verdict.WRONG, Verdict.CORRECT] * 3 for number in range(2, 8)}


def test_nothing_starts_before_it_is_needed() -> None:
    before = descendants(os.getpid())
    with MathPool() as idle:
        assert not idle.started
        assert descendants(os.getpid()) == before


def test_a_hang_is_unknown_and_the_rest_goes_on() -> None:
    before = descendants(os.getpid())
    with MathPool(workers=1, timeout=1.5) as pool:
        futures = [pool.submit(HANGS, "5"), pool.submit(r"\sin x", r"\sin(x)"), pool.submit("5", HANGS)]
        outcomes = [future.result(GUARD) for future in futures]
        assert [outcome.verdict for outcome in outcomes] == [Verdict.UNKNOWN, Verdict.CORRECT, Verdict.UNKNOWN]
        assert outcomes[0].detail == "timed out after 1.5 s"
        assert len(descendants(os.getpid()) - before) <= 2
    assert descendants(os.getpid()) == before


def test_memory_is_bounded() -> None:
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r}); from pipeline.verify.worker import _limit\n"
        "_limit(1 << 26)\nkept = bytearray(1 << 25)\n"
        "try: bytearray(1 << 27)\nexcept MemoryError: print('bounded')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "bounded\n"
    with MathPool(workers=1, timeout=2.0, memory=1 << 27) as pool:
        outcome = pool.submit("5", "7^{9^{9}}").result(GUARD)
        assert outcome.verdict in (Verdict.UNKNOWN, Verdict.WRONG)
        assert pool.submit(r"\sin x", r"\sin(x)").result(GUARD).verdict is Verdict.CORRECT


def test_a_dead_worker_is_replaced_and_its_request_tried_again() -> None:
    before = descendants(os.getpid())
    with MathPool(workers=1, timeout=60.0) as pool:
        assert pool.compare([(r"\sin x", r"\sin(x)")]) == [Verdict.CORRECT]
        nursery = pool._nursery.process
        assert nursery is not None
        killed: set[int] = set()
        future = pool.submit(HANGS, "5")
        for _ in range(2):
            assert wait_until(lambda seen=frozenset(killed): descendants(nursery.pid) - seen)
            time.sleep(0.3)
            victims = descendants(nursery.pid) - killed
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            killed |= victims
        outcome = future.result(GUARD)
        assert (outcome.verdict, outcome.detail) == (Verdict.UNKNOWN, "its worker died twice")
        assert pool.compare([(r"\cos x", r"\cos(x)")]) == [Verdict.CORRECT]
        os.kill(nursery.pid, signal.SIGKILL)
        assert pool.compare([(r"\tan x", r"\tan(x)")]) == [Verdict.CORRECT]
    assert descendants(os.getpid()) == before


def test_closing_ends_what_runs() -> None:
    before = descendants(os.getpid())
    pool = MathPool(workers=2, timeout=600.0)
    futures = [pool.submit(HANGS, str(number)) for number in range(5)]
    assert wait_until(lambda: len(descendants(os.getpid()) - before) >= 3, GUARD)
    pool.close()
    pool.close()
    done, rest = wait(futures, GUARD)
    assert not rest
    assert {future.result().verdict for future in done} == {Verdict.UNKNOWN}
    assert descendants(os.getpid()) == before
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit("1", "2")


def test_no_orphans_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import json, sys, time\n"
        f"sys.path.insert(0, {ROOT!r})\n"
        "from pipeline.verify.pool import MathPool\n"
        "pool = MathPool(workers=2, timeout=600.0)\n"
        "pool.compare([(r'\\sin x', r'\\sin(x)')])\n"
        f"futures = [pool.submit({HANGS!r}, str(n)) for n in range(4)]\n"
        "time.sleep(1)\n"
        "print(json.dumps('ready'), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert json.loads(parent.stdout.readline()) == "ready"
        family = descendants(parent.pid)
        assert len(family) == 3
        parent.kill()
        parent.wait()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() and alive(pid) for pid in family))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("workers", "timeout", "memory"), [(0, 1, 1 << 30), (1, 0, 1 << 30), (1, 1, 1 << 20)])
def test_impossible_pools_are_refused(workers: int, timeout: float, memory: int) -> None:
    with pytest.raises(ValueError, match="at least 1 worker"):
        MathPool(workers, timeout, memory)
