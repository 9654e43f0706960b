"""A small pool of killable processes that runs the comparisons that could hang, blow up or crash.

Every request ends: with math-verify's verdict, or `unknown` with a detail when its time or memory ran out or its
worker died twice. A time limit is kept by killing the worker, from a thread of its own; no signal is used in this
process, so the pool works in any thread. Nothing starts before the first request.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.reasons import Verdict

if TYPE_CHECKING:
    from schemas.config import VerifyConfig

_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from pipeline.verify.worker import main; "
    "main(int(sys.argv[2]), int(sys.argv[3]))"
)
_START_LIMIT = 180.0
_CACHE = 1 << 14
_BATCH = 8
_PATIENCE = 4.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What SymPy says of one comparison, and why."""

    verdict: Verdict
    detail: str


@dataclass(slots=True)
class _Request:
    label: str
    answer: str | None
    futures: list[Future[Outcome]]
    deaths: int = 0


class _Gone(Exception):
    """The worker, or the nursery, is not there any more."""


class _Worker:
    """The pool's end of one worker: a socket, and the process id that its nursery knows it by."""

    def __init__(self, channel: socket.socket, pid: int, nursery: _Nursery) -> None:
        self.channel, self.pid, self.nursery = channel, pid, nursery
        self.buffer = b""

    def send(self, requests: Sequence[_Request]) -> None:
        lines = b"".join(json.dumps([request.label, request.answer]).encode() + b"\n" for request in requests)
        try:
            self.channel.sendall(lines)
        except OSError as error:
            raise _Gone from error

    def receive(self, timeout: float) -> Outcome | None:
        """The next reply, or None when none came in time.

        The time is the worker's own (CPU time), so that a busy machine makes no answer unknown, and at most
        `_PATIENCE` times as much on the clock, for a worker that sleeps.
        """
        began, spent = time.monotonic(), _cpu_seconds(self.pid)
        left = timeout
        while b"\n" not in self.buffer:
            if not select.select([self.channel], [], [], left)[0]:
                left = timeout - (_cpu_seconds(self.pid) - spent)
                if left <= 0.01 or time.monotonic() - began >= _PATIENCE * timeout:
                    return None
                continue
            try:
                chunk = self.channel.recv(1 << 16)
            except OSError as error:
                raise _Gone from error
            if not chunk:
                raise _Gone
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        verdict, detail = json.loads(line)
        return Outcome(Verdict(verdict), detail)

    def kill(self) -> None:
        self.channel.close()
        self.nursery.kill(self.pid)


def _cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Nursery:
    """The process that holds math-verify in memory and forks workers; started again when it is gone."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.lock = threading.Lock()
        self.control: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.closed = False

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, _ROOT, str(theirs.fileno()), str(self.memory)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        ours.settimeout(_START_LIMIT)
        self.control = ours
        return ours

    def fork(self) -> _Worker:
        """A new worker. Raises _Gone when neither the nursery nor its successor gives one."""
        with self.lock:
            for _ in range(2):
                if self.closed:
                    break
                ours, theirs = socket.socketpair()
                try:
                    control = self.control or self._start()
                    with theirs:
                        socket.send_fds(control, [b"fork"], [theirs.fileno()])
                    reply = control.recv(64)
                    if reply:
                        return _Worker(ours, int(reply), self)
                except OSError:
                    pass
                ours.close()
                self._stop()
        raise _Gone

    def kill(self, pid: int) -> None:
        with self.lock:
            if self.control is None:
                return
            try:
                self.control.send(f"kill {pid}".encode())
                if not self.control.recv(64):
                    self._stop()
            except OSError:
                self._stop()

    def _stop(self) -> None:
        if self.control is not None:
            self.control.close()
            self.control = None
        if self.process is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def close(self) -> None:
        self.closed = True
        with self.lock:
            self._stop()


class VerifierLost(RuntimeError):
    """The verifier's processes are not there, so a question that only they can answer has no answer yet."""


LOST = frozenset(("the verifier was closed", "the verifier's process does not start"))
"""Details of an unknown outcome that say nothing of what was compared."""


class MathPool(AbstractContextManager["MathPool"]):
    """Compares answers in processes that can be killed. Safe to use from any thread; a context manager.

    `workers`: how many at once. `timeout`: seconds for one comparison, of the worker's own time. `memory`: bytes that
    a worker may take over what the libraries take.
    """

    def __init__(self, workers: int = 2, timeout: float = 5.0, memory: int = 1 << 30) -> None:
        if workers < 1 or timeout <= 0 or memory < 1 << 26:
            raise ValueError("a pool needs at least 1 worker, a positive timeout and 64 MiB of memory a worker")
        self.workers, self.timeout, self.memory = workers, timeout, memory
        self._nursery = _Nursery(memory)
        self._ready = threading.Condition()
        self._queue: deque[_Request] = deque()
        self._inflight: dict[tuple[str, str | None], _Request] = {}
        self._cache: OrderedDict[tuple[str, str | None], Outcome] = OrderedDict()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    @property
    def started(self) -> bool:
        """Whether any process was started: what the reader can compare starts none."""
        return bool(self._threads)

    def submit(self, label: str, answer: str | None) -> Future[Outcome]:
        """The verdict to come on one pair; without an answer, whether the label can be parsed. Never raises for a
        pair."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()
        key = (label, answer)
        with self._ready:
            if self._closed:
                raise RuntimeError("the pool is closed")
            cached = self._cache.get(key)
            if cached is None:
                request = self._inflight.get(key)
                if request is not None:
                    request.futures.append(future)
                    return future
                request = self._inflight[key] = _Request(label, answer, [future])
                self._queue.append(request)
                if self._idle < len(self._queue) and len(self._threads) < self.workers:
                    thread = threading.Thread(target=self._serve, name="math-pool", daemon=True)
                    self._threads.append(thread)
                    thread.start()
                self._ready.notify()
                return future
            self._cache.move_to_end(key)
        future.set_result(cached)
        return future

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[Verdict]:
        """The verdicts of (label, answer) pairs, in their order."""
        return [future.result().verdict for future in [self.submit(label, answer) for label, answer in pairs]]

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes; what was not decided is `unknown`. Returns when they are gone."""
        with self._ready:
            if self._closed:
                return
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            self._ready.notify_all()
        for request in waiting:
            self._finish(request, Outcome(Verdict.UNKNOWN, "the verifier was closed"))
        self._nursery.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _take(self) -> list[_Request]:
        with self._ready:
            self._idle += 1
            while not self._queue and not self._closed:
                self._ready.wait()
            self._idle -= 1
            share = max(1, min(_BATCH, len(self._queue) // self.workers))
            return [self._queue.popleft() for _ in range(min(share, len(self._queue)))]

    def _finish(self, request: _Request, outcome: Outcome) -> None:
        key = (request.label, request.answer)
        with self._ready:
            self._inflight.pop(key, None)
            if outcome.verdict is not Verdict.UNKNOWN or outcome.detail == "the label cannot be parsed":
                self._cache[key] = outcome
                if len(self._cache) > _CACHE:
                    self._cache.popitem(last=False)
        for future in request.futures:
            future.set_result(outcome)

    def _serve(self) -> None:
        worker: _Worker | None = None
        while batch := self._take():
            pending = deque(batch)
            while pending:
                if self._closed:
                    self._finish(pending.popleft(), Outcome(Verdict.UNKNOWN, "the verifier was closed"))
                    continue
                try:
                    if worker is None:
                        worker = self._nursery.fork()
                except _Gone:
                    self._finish(pending.popleft(), Outcome(Verdict.UNKNOWN, "the verifier's process does not start"))
                    continue
                worker = self._drain(worker, pending)
        if worker is not None:
            worker.channel.close()

    def _drain(self, worker: _Worker, pending: deque[_Request]) -> _Worker | None:
        """Has the worker answer what is pending; None when it had to be given up, with the rest still pending."""
        try:
            worker.send(pending)
            while pending:
                outcome = worker.receive(self.timeout)
                if outcome is None:
                    worker.kill()
                    self._finish(pending.popleft(), Outcome(Verdict.UNKNOWN, f"timed out after {self.timeout:g} s"))
                    return None
                self._finish(pending.popleft(), outcome)
        except _Gone:
            worker.kill()
            if pending and not self._closed:
                pending[0].deaths += 1
                if pending[0].deaths > 1:
                    self._finish(pending.popleft(), Outcome(Verdict.UNKNOWN, "its worker died twice"))
            return None
        return worker


def share_pool(verify: VerifyConfig) -> MathPool:
    """The pool with `verify`'s workers, timeout and memory for the rest of this process, one for each such settings.

    To start one takes seconds, too many for every shard.
    """
    return _open_shared(verify.workers, verify.timeout, verify.memory_mb << 20)


@cache
def _open_shared(workers: int, timeout: float, memory: int) -> MathPool:
    pool = MathPool(workers, timeout, memory)
    atexit.register(pool.close)
    return pool
