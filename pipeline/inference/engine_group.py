"""Several engines of one model on this machine, each on GPUs of its own: the least loaded is asked next.

Independent engines are the data-parallel way of grading: requests know nothing of one another. An engine that dies is
started again by its own watch; what one for good has left behind is asked of the others.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from pipeline.inference.engine import Completion, Engine, EngineDied, EngineStats, Request


class EngineGroup:
    """`engines` as one `Engine`, which has died when all of them have."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = tuple(engines)
        self.model, self.revision = engines[0].model, engines[0].revision
        self.capacity = sum(engine.capacity for engine in engines)
        self.continues = all(engine.continues for engine in engines)
        self._lock = threading.Lock()
        self._loads = [0] * len(engines)
        self._closing = False

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        future.set_running_or_notify_cancel()
        self._pass_on(request, future, EngineDied("the engines are closed"))
        return future

    def _pass_on(self, request: Request, future: Future[tuple[Completion, ...]], why: BaseException) -> None:
        """Ask the least loaded engine that lives; without one the request fails with `why`."""
        with self._lock:
            living = [at for at, engine in enumerate(self.engines) if not engine.is_dead]
            chosen = None if self._closing else min(living, key=self._loads.__getitem__, default=None)
            if chosen is not None:
                self._loads[chosen] += request.n
        if chosen is None:
            future.set_exception(why)
            return

        def take(answered: Future[tuple[Completion, ...]]) -> None:
            with self._lock:
                self._loads[chosen] -= request.n
            error = answered.exception()
            if isinstance(error, EngineDied):
                self._pass_on(request, future, error)
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(answered.result())

        self.engines[chosen].submit(request).add_done_callback(take)

    def in_flight(self) -> int:
        return sum(engine.in_flight() for engine in self.engines)

    @property
    def is_dead(self) -> bool:
        return all(engine.is_dead for engine in self.engines)

    @property
    def stats(self) -> EngineStats:
        """Sums over the engines, `busy` too: with two of them a minute has two minutes of work."""
        each = [engine.stats for engine in self.engines]
        return EngineStats(
            tokens=sum(one.tokens for one in each),
            requests=sum(one.requests for one in each),
            busy=sum(one.busy for one in each),
            restarts=sum(one.restarts for one in each),
        )

    def close(self) -> None:
        with self._lock:
            self._closing = True
        closing = [threading.Thread(target=engine.close) for engine in self.engines]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
