"""vLLM in a child process, watched: a child that dies or hangs is started again and what it owed is asked for again.

One thread owns the child from its start to its end, because the kernel ties the child's life to the thread that made
it. A request that is in flight whenever the child dies is a suspect: with two such deaths it is asked for alone, and
when the child dies of it alone it fails, by itself. The deaths it explains are then not counted against
`model.restarts`.
"""

import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from pipeline.inference.engine import Completion, EngineDied, EngineFailure, EngineStats, Request
from pipeline.inference.machine import engine_environment, find_project, vllm_version
from pipeline.inference.models import ResolvedModel, resolve_model
from schemas.config import ModelConfig

SUSPECT = 2
"""Deaths in flight after which a request is asked for alone."""
LOG_TAIL = 2000
CLOSE_SECONDS = 5.0


@dataclass(eq=False)
class _Owed:
    number: int
    request: Request
    future: Future[tuple[Completion, ...]]
    strikes: int = 0


class VllmEngine:
    """An `Engine` (see pipeline.inference.engine). The child, `python -m` this `child`, starts at the first request."""

    def __init__(self, model: ModelConfig, child: str = "pipeline.inference.vllm_worker") -> None:
        if not vllm_version()[0]:
            raise EngineDied(
                "vLLM is not installed: install goldilocks[cpu] or goldilocks[gpu], or set model.url to a server's"
            )
        resolved = resolve_model(model)
        self.model, self.revision = model.name, resolved.revision
        self.capacity = 2 * model.max_num_seqs
        self._config, self._module = model, child
        self._settings = child_settings(model, resolved)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._backlog: deque[_Owed] = deque()
        self._sent: dict[int, _Owed] = {}
        self._stats = EngineStats()
        self._restarts_left = model.restarts
        self._closing = False
        self._dead: EngineDied | None = None
        self._bell, self._ring = Pipe(duplex=False)
        self._thread: threading.Thread | None = None
        self._child: Child | None = None

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._dead is not None or self._closing:
                future.set_exception(self._dead or EngineDied("the engine is closed"))
                return future
            self._backlog.append(_Owed(next(self._numbers), request, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="vllm", daemon=True)
                self._thread.start()
        self._wake()
        return future

    def in_flight(self) -> int:
        with self._lock:
            return len(self._backlog) + len(self._sent)

    @property
    def stats(self) -> EngineStats:
        with self._lock:
            return self._stats

    @property
    def pid(self) -> int | None:
        """The child's process, while there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def close(self) -> None:
        with self._lock:
            self._closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
        self._fail(EngineDied("the engine is closed"))

    def _wake(self) -> None:
        # A bell that already rings needs no second stroke; the pipe must never fill up.
        if not self._bell.poll():
            self._ring.send_bytes(b"!")

    def _watch(self) -> None:
        """The thread of the child: start, serve, bury, until closed or given up."""
        try:
            while True:
                child = self._child = Child(self._module, self._settings)
                try:
                    reason = self._serve(child)
                finally:
                    child.end(kindly=self._closing and not self._sent)
                    self._child = None
                if reason is None:
                    if self._dead is None:
                        child.forget_log()
                    return
                if not self._bury(child, reason):
                    return
        except BaseException as error:
            self._give_up(EngineDied(f"the engine's watch failed: {type(error).__name__}: {error}"))
            raise

    def _serve(self, child: "Child") -> str | None:
        """Feed the child and hand out its answers; returns why it must go, or None when all is over."""
        patience = self._config.timeout
        heard = time.monotonic()
        while True:
            waiting = self._sent or not child.ready
            left = heard + patience - time.monotonic() if waiting else None
            if left is not None and left <= 0:
                what = "no completion" if child.ready else "it was not ready"
                return f"{what} for {patience:g} s (model.timeout)"
            rung = wait([child.pipe, self._bell, child.pidfd], timeout=left)
            if self._bell in rung:
                self._bell.recv_bytes()
            if self._closing:
                return None
            try:
                while child.pipe.poll():
                    message = child.pipe.recv()
                    heard = time.monotonic()
                    child.ready = True
                    if message[0] == "fatal":
                        self._give_up(EngineDied(self._explain(child, message[1], "Mend the settings")))
                        return None
                    self._take(message)
            except (EOFError, OSError):
                return child.last_words()
            if child.pidfd in rung:
                return child.last_words()
            if child.ready:
                if not self._sent:
                    heard = time.monotonic()
                self._dispatch(child)

    def _dispatch(self, child: "Child") -> None:
        with self._lock:
            room = self.capacity - sum(owed.request.n for owed in self._sent.values())
            while self._backlog and (room > 0 or not self._sent):
                suspect = self._backlog[0].strikes >= SUSPECT
                if self._sent and (suspect or any(owed.strikes >= SUSPECT for owed in self._sent.values())):
                    return
                owed = self._backlog.popleft()
                self._sent[owed.number] = owed
                room -= owed.request.n
                child.send(("add", owed.number, owed.request))

    def _take(self, message: tuple[Any, ...]) -> None:
        if message[0] == "refused":
            with self._lock:
                owed = self._sent.pop(message[1], None)
            if owed is not None:
                owed.future.set_exception(EngineFailure(message[2]))
        elif message[0] == "done":
            _, busy, answers = message
            for number, completions in answers:
                with self._lock:
                    owed = self._sent.pop(number, None)
                    if owed is None:
                        continue
                    self._stats = replace(
                        self._stats,
                        tokens=self._stats.tokens + sum(tokens for _, tokens, _, _ in completions),
                        requests=self._stats.requests + 1,
                    )
                owed.future.set_result(tuple(Completion(*completion) for completion in completions))
            with self._lock:
                self._stats = replace(self._stats, busy=self._stats.busy + busy)

    def _bury(self, child: "Child", reason: str) -> bool:
        """Sort what the dead child owed; returns whether a new one is to be started."""
        with self._lock:
            owed = sorted(self._sent.values(), key=lambda one: one.number)
            self._sent.clear()
            for one in owed:
                one.strikes += 1
            poison = owed[0] if len(owed) == 1 and owed[0].strikes > SUSPECT else None
            if poison is None:
                self._backlog.extendleft(reversed(owed))
                self._restarts_left -= 1
            else:
                self._restarts_left = min(self._config.restarts, self._restarts_left + SUSPECT)
            spent = self._restarts_left < 0
        if poison is not None:
            poison.future.set_exception(
                EngineFailure(f"the engine died {poison.strikes} times of this request, at last of it alone: {reason}")
            )
        if spent:
            advice = f"It was started again {self._config.restarts} times (model.restarts)"
            self._give_up(EngineDied(self._explain(child, reason, advice)))
            return False
        child.forget_log()
        with self._lock:
            self._stats = replace(self._stats, restarts=self._stats.restarts + 1)
        return True

    def _explain(self, child: "Child", reason: str, advice: str) -> str:
        return (
            f"the vLLM engine of {self.model} ended: {reason}\n{advice}; `goldilocks doctor` says what is here. "
            f"What was sampled is kept: run again to go on.\nThe end of its log ({child.log}):\n{child.log_tail()}"
        )

    def _give_up(self, error: EngineDied) -> None:
        with self._lock:
            self._dead = error
        self._fail(error)

    def _fail(self, error: EngineDied) -> None:
        with self._lock:
            owed: Iterable[_Owed] = [*self._sent.values(), *self._backlog]
            self._sent.clear()
            self._backlog.clear()
        for one in owed:
            one.future.set_exception(error)


def child_settings(model: ModelConfig, resolved: ResolvedModel) -> dict[str, Any]:
    """What the child builds its engine from; `model.engine` overrides ours."""
    engine: dict[str, Any] = {
        "model": resolved.path_or_name,
        "dtype": model.dtype,
        "max_model_len": model.max_model_len,
        "max_num_seqs": model.max_num_seqs,
        "enforce_eager": model.enforce_eager,
    }
    if not resolved.local:
        engine |= {"revision": resolved.revision, "tokenizer_revision": resolved.revision}
    return {"engine": engine | model.engine}


class Child:
    """One child process with its pipe, its log file, and a thread that writes to it so that nobody else ever blocks."""

    def __init__(self, module: str, settings: dict[str, Any]) -> None:
        self.ready = False
        self.pipe, theirs = Pipe()
        handle, log = tempfile.mkstemp(prefix="goldilocks-engine-", suffix=".log")
        self.log = Path(log)
        environment = find_project(engine_environment(os.environ))
        told = json.dumps({**settings, "parent": os.getpid()})
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), told],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(handle)
            theirs.close()
        self.pidfd = os.pidfd_open(self.process.pid)
        self._outbox: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=_write, args=(self.pipe, self._outbox), daemon=True)
        self._writer.start()

    def send(self, message: tuple[Any, ...]) -> None:
        self._outbox.put(message)

    def end(self, kindly: bool) -> None:
        """Nothing of the child is left when this returns. `kindly`: one that is ready may let go of its device."""
        if kindly and self.ready:
            self.send(("close",))
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(CLOSE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._outbox.put(None)
        self._writer.join()
        self.pipe.close()
        os.close(self.pidfd)

    def last_words(self) -> str:
        try:
            code = self.process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        if code >= 0:
            return f"it exited with {code}"
        killed = signal.Signals(-code).name
        hint = " (often: out of memory)" if code == -signal.SIGKILL else ""
        return f"it was ended by {killed}{hint}"

    def log_tail(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-LOG_TAIL:].strip() or "(empty)"
        except OSError as error:
            return f"(cannot be read: {error})"

    def forget_log(self) -> None:
        self.log.unlink(missing_ok=True)


def _write(pipe: Connection, outbox: "queue.SimpleQueue[tuple[Any, ...] | None]") -> None:
    while (message := outbox.get()) is not None:
        try:
            pipe.send(message)
        except OSError:
            # The child is gone; its watcher has noticed by other means.
            continue
