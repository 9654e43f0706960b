"""The sandbox as others use it: N workers, a queue, and runs of programs over cases."""

import os
import queue
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pipeline.sandbox.box import Mode, SandboxUnavailable
from pipeline.sandbox.check import Asked, Checked, CheckRunner, encode_text
from pipeline.sandbox.compile import Built, Compiler
from pipeline.sandbox.describe import choose_mode
from pipeline.sandbox.program import Case, Checker, CheckerProgram, Limits, Program, Run, Status, read_program
from pipeline.sandbox.running import run_cases
from pipeline.sandbox.worker import Worker

if TYPE_CHECKING:
    from schemas.config import SandboxConfig

T = TypeVar("T")


def open_sandbox(config: "SandboxConfig") -> "Sandbox":
    """The sandbox that a run config asks for; raises SandboxUnavailable."""
    limits = config.model_dump(exclude={"mode", "workers"})
    return Sandbox(config.workers, config.mode, Limits(**limits))


@dataclass(frozen=True, slots=True)
class _Job:
    """What one worker is to do: `run`, or `lose` with the reason why it could not."""

    run: "Callable[[Worker], list[Any]]"
    lose: "Callable[[str], list[Any]]"
    limits: Limits
    future: "Future[list[Any]]"
    hash_seed: int = 0


class Sandbox(AbstractContextManager["Sandbox"]):
    """Runs untrusted programs. Thread-safe; a context manager.

    `workers`: programs at once (one a core by default). `mode`: `auto` takes bubblewrap, else Landlock with a warning;
    `unsafe` has to be asked for by name. `cache`: folder of compiled programs, the user's cache by default. Raises
    SandboxUnavailable when this machine has no such sandbox; nothing else is ever run in its place.
    """

    def __init__(
        self,
        workers: int | None = None,
        mode: Literal["auto"] | Mode = "auto",
        limits: Limits | None = None,
        cache: Path | None = None,
    ) -> None:
        count = workers if workers is not None else len(os.sched_getaffinity(0))
        if count < 1:
            raise ValueError(f"workers is {count}; a sandbox needs at least one")
        self.limits = limits if limits is not None else Limits()
        chosen = choose_mode(mode)
        self.mode: Mode = chosen.mode
        if chosen.warning:
            warnings.warn(chosen.warning, RuntimeWarning, stacklevel=2)
        self._compiler = Compiler(self.mode, self.limits, cache)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._count = count
        self._threads: list[threading.Thread] = []
        self._idle = 0

    def submit(
        self,
        program: Program,
        cases: Sequence[Case],
        checker: Checker | None = None,
        stop_at_first: bool = False,
        wall: float | None = None,
    ) -> "Future[list[Run]]":
        """A run for each case, to come. With `stop_at_first` the list ends at the first that failed. `wall`: seconds a
        case, where that is less than the program's limit. A `checker` with code judges each output in a process of its
        own."""
        cases = tuple(cases)
        judging = read_program(checker) if program.entry_point is None else None

        def run(worker: Worker) -> list[Run]:
            built = self._build(program, worker) if cases else None
            if judging is None:
                return run_cases(worker, program, cases, checker, stop_at_first, built)
            with CheckRunner(worker, judging, self._build(judging, worker)) as runner:
                return run_cases(worker, program, cases, runner, stop_at_first, built)

        limits = self.limits.fit(program.language, program.time_limit)
        if wall is not None and wall < limits.wall:
            limits = replace(limits, wall=wall)
        return self._put(run, lambda why: [Run(Status.INFRA, detail=why)] * len(cases), limits, program.hash_seed)

    def submit_checks(self, checker: CheckerProgram, asked: Sequence[Asked]) -> "Future[list[Checked]]":
        """What a checker says of each output, to come."""
        asked = tuple(asked)

        def run(worker: Worker) -> list[Checked]:
            with CheckRunner(worker, checker, self._build(checker, worker)) as runner:
                return [runner.check(one.input, one.answer, encode_text(one.output)) for one in asked]

        return self._put(run, lambda why: [Checked(None, why, infra=True)] * len(asked), self.limits)

    def _build(self, program: Program | CheckerProgram, worker: Worker) -> "Built | None":
        return self._compiler.build(program.code, worker.slot) if program.language == "cpp" else None

    def _put(
        self,
        run: "Callable[[Worker], list[T]]",
        lose: "Callable[[str], list[T]]",
        limits: Limits,
        hash_seed: int = 0,
    ) -> "Future[list[T]]":
        future: Future[list[T]] = Future()
        job = _Job(run, lose, limits, future, hash_seed)
        with self._lock:
            if self._closed:
                raise RuntimeError("the sandbox is closed")
            if self._idle <= self._queue.qsize() and len(self._threads) < self._count:
                slot = len(self._threads)
                thread = threading.Thread(target=self._serve, args=(slot,), name=f"sandbox-{slot}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._queue.put(job)
        return future

    def run(
        self, program: Program, cases: Sequence[Case], checker: Checker | None = None, stop_at_first: bool = False
    ) -> list[Run]:
        """A run for each case. With `stop_at_first` the list ends at the first that failed."""
        return self.submit(program, cases, checker, stop_at_first).result()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes; what waits is `infra`. Returns when they are gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._compiler.close()

    def _serve(self, slot: int) -> None:
        # By hash seed: that of every sample, and the last other one.
        workers: dict[int, Worker] = {}
        try:
            while True:
                with self._lock:
                    self._idle += 1
                job = self._queue.get()
                with self._lock:
                    self._idle -= 1
                if job is None:
                    return
                if job.future.set_running_or_notify_cancel():
                    seed = job.hash_seed
                    if seed not in workers:
                        for other in [kept for kept in workers if 0 not in (kept, seed)]:
                            workers.pop(other).close()
                        workers[seed] = Worker(self.mode, self.limits, slot, seed)
                    self._answer(workers[seed], job)
        finally:
            for worker in workers.values():
                worker.close()

    def _answer(self, worker: Worker, job: _Job) -> None:
        if self._closed:
            job.future.set_result(job.lose("the sandbox was closed"))
            return
        worker.limits = job.limits
        try:
            results = job.run(worker)
        except SandboxUnavailable as error:
            results = job.lose(str(error))
        except BaseException as error:
            job.future.set_exception(error)
            return
        job.future.set_result(results)
