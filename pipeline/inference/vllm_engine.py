"""vLLM in a worker process, watched: one that dies or hangs is started again and its requests are asked for again.

One thread owns the worker from its start to its end, because the kernel ties its life to the thread that made it. A
request that is in flight whenever the worker dies is a suspect: with two such deaths it is asked for alone, and when
the worker dies of it alone it fails, by itself. The deaths it explains are then not counted against `model.restarts`.
"""

import itertools
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Pipe, wait

from pipeline.inference.engine import Completion, EngineDied, EngineFailure, EngineStats, PromptRefused, Request
from pipeline.inference.machine import ALONE, Place, vllm_version
from pipeline.inference.messages import Fatal, Finished, FromWorker, Generate, Refused, WorkerSettings
from pipeline.inference.models import resolve_model
from pipeline.inference.worker_process import (
    START,
    WORKER,
    WorkerProcess,
    engine_arguments,
    name_revision,
)
from pipeline.progress import track
from schemas.config import ModelConfig

SUSPECT = 2
"""Deaths in flight after which a request is asked for alone."""


@dataclass(eq=False)
class _Pending:
    number: int
    request: Request
    future: Future[tuple[Completion, ...]]
    strikes: int = 0


class VllmEngine:
    """An `Engine` (see pipeline.inference.engine), whose process `python -m worker` starts at the first request, on the
    devices of its `place`."""

    def __init__(self, model: ModelConfig, worker: str = WORKER, place: Place = ALONE) -> None:
        if not vllm_version()[0]:
            raise EngineDied(
                "vLLM is not installed: install goldilocks[cpu] or goldilocks[gpu], or set model.url to a server's"
            )
        resolved = resolve_model(model)
        self.model, self.revision = model.name, name_revision(model, resolved)
        self.capacity, self.continues = 2 * model.max_num_seqs, True
        self._config, self._module, self._place = model, worker, place
        self._environment = place.restrict(os.environ, model.devices)
        self._settings = WorkerSettings(engine_arguments(model, resolved))
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._backlog: deque[_Pending] = deque()
        self._sent: dict[int, _Pending] = {}
        self._stats = EngineStats()
        self._restarts_left = model.restarts
        self._closing = False
        self._dead: EngineDied | None = None
        self._woken, self._waker = Pipe(duplex=False)
        self._busy_before = 0.0
        self._thread: threading.Thread | None = None
        self._worker: WorkerProcess | None = None

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._dead is not None or self._closing:
                future.set_exception(self._dead or EngineDied("the engine is closed"))
                return future
            self._backlog.append(_Pending(next(self._numbers), request, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="vllm", daemon=True)
                self._thread.start()
        self._wake()
        return future

    def in_flight(self) -> int:
        with self._lock:
            return len(self._backlog) + len(self._sent)

    @property
    def is_dead(self) -> bool:
        with self._lock:
            return self._dead is not None

    @property
    def stats(self) -> EngineStats:
        with self._lock:
            return self._stats

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        worker = self._worker
        return None if worker is None else worker.process.pid

    def close(self) -> None:
        with self._lock:
            self._closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
        self._fail(EngineDied("the engine is closed"))

    def _wake(self) -> None:
        # Skip if a wake-up byte is already pending: the pipe must never fill up.
        if not self._woken.poll():
            self._waker.send_bytes(b"!")

    def _watch(self) -> None:
        """The worker's thread: start one, serve, restart what died, until closed or given up."""
        try:
            while True:
                worker = self._worker = WorkerProcess(self._settings, self._module, self._environment)
                try:
                    with ExitStack() as starting:
                        start = starting.enter_context(track(START, unit="", note=self._place.name(self.model)))
                        reason = self._serve(worker, starting)
                        if reason is not None:
                            start.fail()
                finally:
                    worker.end(kindly=self._closing and not self._sent)
                    self._worker = None
                if reason is None:
                    if self._dead is None:
                        worker.forget_log()
                    return
                if not self._recover(worker, reason):
                    return
        except BaseException as error:
            self._give_up(EngineDied(f"the engine's watch failed: {type(error).__name__}: {error}"))
            raise

    def _serve(self, worker: WorkerProcess, starting: ExitStack) -> str | None:
        """Feed the worker and hand out its answers; returns why it must go, or None when all is over.

        `starting` is closed when it is ready.
        """
        patience = self._config.timeout
        last_message = time.monotonic()
        while True:
            waiting = self._sent or not worker.ready
            left = last_message + patience - time.monotonic() if waiting else None
            if left is not None and left <= 0:
                what = "no sign of life" if worker.ready else "it was not ready"
                return f"{what} for {patience:g} s (model.timeout)"
            ready = wait([worker.pipe, self._woken, worker.pidfd], timeout=left)
            if self._woken in ready:
                self._woken.recv_bytes()
            if self._closing:
                return None
            try:
                while worker.pipe.poll():
                    message: FromWorker = worker.pipe.recv()
                    if isinstance(message, Fatal):
                        self._give_up(EngineDied(self._explain(worker, message.reason, "Fix the settings")))
                        return None
                    worker.ready = True
                    starting.close()
                    last_message = time.monotonic()
                    self._take(message)
            except (EOFError, OSError):
                return worker.explain_end()
            if worker.pidfd in ready:
                return worker.explain_end()
            if worker.ready:
                if not self._sent:
                    last_message = time.monotonic()
                self._dispatch(worker)

    def _dispatch(self, worker: WorkerProcess) -> None:
        with self._lock:
            free = self.capacity - sum(pending.request.n for pending in self._sent.values())
            while self._backlog and (free > 0 or not self._sent):
                suspect = self._backlog[0].strikes >= SUSPECT
                if self._sent and (suspect or any(pending.strikes >= SUSPECT for pending in self._sent.values())):
                    return
                pending = self._backlog.popleft()
                self._sent[pending.number] = pending
                free -= pending.request.n
                worker.send(Generate(pending.number, pending.request))

    def _take(self, message: FromWorker) -> None:
        if isinstance(message, Refused):
            with self._lock:
                refused = self._sent.pop(message.number, None)
            if refused is not None:
                refused.future.set_exception(PromptRefused(message.reason, message.too_long))
        elif isinstance(message, Finished):
            for answer in message.answers:
                with self._lock:
                    answered = self._sent.pop(answer.number, None)
                    if answered is None:
                        continue
                    before = len(answered.request.begun.tokens) if answered.request.begun is not None else 0
                    tokens = sum((completion.tokens or 0) - before for completion in answer.completions)
                    self._stats = replace(
                        self._stats, tokens=self._stats.tokens + tokens, requests=self._stats.requests + 1
                    )
                answered.future.set_result(answer.completions)
            with self._lock:
                self._stats = replace(self._stats, busy=self._busy_before + message.busy)

    def _recover(self, worker: WorkerProcess, reason: str) -> bool:
        """Queue again what the dead worker had in hand; returns whether a new one is to be started."""
        with self._lock:
            pending = sorted(self._sent.values(), key=lambda one: one.number)
            self._sent.clear()
            for one in pending:
                one.strikes += 1
            poison = pending[0] if len(pending) == 1 and pending[0].strikes > SUSPECT else None
            if poison is None:
                self._backlog.extendleft(reversed(pending))
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
            self._give_up(EngineDied(self._explain(worker, reason, advice)))
            return False
        worker.forget_log()
        with self._lock:
            self._busy_before = self._stats.busy
            self._stats = replace(self._stats, restarts=self._stats.restarts + 1)
        return True

    def _explain(self, worker: WorkerProcess, reason: str, advice: str) -> str:
        return (
            f"the vLLM engine of {self.model} ended: {reason}\n{advice}; `goldilocks doctor` says what is here. "
            f"What was sampled is kept: run again to go on.\nThe end of its log ({worker.log}):\n{worker.log_tail()}"
        )

    def _give_up(self, error: EngineDied) -> None:
        with self._lock:
            self._dead = error
        self._fail(error)

    def _fail(self, error: EngineDied) -> None:
        with self._lock:
            pending = [*self._sent.values(), *self._backlog]
            self._sent.clear()
            self._backlog.clear()
        for one in pending:
            one.future.set_exception(error)
