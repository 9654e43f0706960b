"""The engine that the trainer samples from: vLLM in a worker process, which takes new weights while it generates.

The same worker as for grading, and not vLLM's asynchronous engine in this process: its libraries and threads stay out
of the trainer's, it can be paused and given weights exactly between two steps, and one process is all there is to end.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pipeline.inference.engine import EngineDied, EngineStats, PromptRefused, Request, SamplingParams
from pipeline.inference.machine import ALONE, Place, find_device, vllm_version
from pipeline.inference.messages import (
    Answer,
    Cancel,
    Done,
    DropOlder,
    Dropped,
    Fatal,
    Finished,
    FromWorker,
    Generate,
    LoadWeights,
    Pause,
    Ready,
    Refused,
    Resume,
    Sleep,
    Wake,
    WorkerSettings,
)
from pipeline.inference.models import ResolvedModel
from pipeline.inference.prompts import Prompt
from pipeline.inference.worker_process import START, WORKER, WorkerProcess, engine_arguments
from pipeline.progress import track
from schemas.config import ModelConfig
from trainer.heap import unbound
from trainer.rollout import Rollout, Sampled, TooOld

READY = 0
"""The number under which the start waits; those of messages follow."""
WATCH_SECONDS = 1.0


class RolloutEngine:
    """Samples groups and takes new weights, between `start` and `close`. All calls from one event loop.

    The kernel ends the worker when the thread that started it ends, so that loop's thread must stay. `folder` is the
    model or a checkpoint in Hugging Face form, whose weights are version 0. Nothing restarts by itself: after
    EngineDied make another engine, and push the newest weights before the first sample. The process is
    `python -m worker`, on the devices of its `place`.
    """

    def __init__(
        self,
        model: ModelConfig,
        folder: Path,
        stop_strings: Sequence[str] = (),
        place: Place = ALONE,
        worker: str = WORKER,
    ) -> None:
        if not vllm_version()[0]:
            raise EngineDied("vLLM is not installed: install goldilocks[cpu] or goldilocks[gpu]; training needs it")
        engine = engine_arguments(model, ResolvedModel(str(folder), "", local=True)) | {
            "worker_extension_cls": "trainer.weights.WeightReceiver",
            # Log-probabilities of the model itself, whatever temperature samples.
            "logprobs_mode": "raw_logprobs",
            # A step begun under the old weights must not end under the name of the new ones.
            "async_scheduling": False,
        }
        if place.share is not None:
            sleeps = find_device() != "cpu"
            engine = {"gpu_memory_utilization": place.share, "enable_sleep_mode": sleeps} | engine
        self.version = 0
        self._folder, self._stop = folder, tuple(stop_strings)
        self._place, self._module = place, worker
        self._environment = place.restrict(unbound(os.environ), model.devices)
        self._settings = WorkerSettings(engine, trains=True)
        self._patience = model.timeout
        self._numbers = itertools.count(READY + 1)
        self._pending: dict[int, tuple[type, asyncio.Future[Any]]] = {}
        self._worker: WorkerProcess | None = None
        self._watch: asyncio.Task[None] | None = None
        self._paused = False
        self._asleep: Literal["", "cache", "all"] = ""
        """What of a GPU's memory it has let go of."""
        self._end: str | None = "the rollout engine is not started"
        self._last_message = self._busy = 0.0
        self._tokens = self._requests = 0

    async def start(self) -> None:
        """Returns when the engine is ready (half a minute on CPU). Raises EngineDied, with its log."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        self._pending[READY] = (Ready, ready)
        self._end = None
        worker = self._worker = WorkerProcess(self._settings, self._module, self._environment)
        self._last_message = time.monotonic()
        loop.add_reader(worker.pipe.fileno(), self._listen)
        loop.add_reader(worker.pidfd, self._listen)
        self._watch = loop.create_task(self._keep_watch())
        try:
            with track(START, unit="", note=self._place.name(self._folder.name)):
                await ready
        except BaseException:
            await self.close()
            raise
        worker.ready = True

    async def close(self) -> None:
        """End the engine; what is unanswered fails with EngineDied. Nothing of it stays behind."""
        worker = self._detach("the rollout engine is closed")
        if worker is not None:
            await asyncio.to_thread(worker.end, kindly=True)
            worker.forget_log()

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled:
        """`n` completions of at most `max_tokens` tokens; fewer where prompt and completion fill model.max_model_len.

        Log-probabilities are the model's at temperature 1. Cancelling drops the request. Raises EngineFailure (this
        prompt alone, such as one too long; TooOld after `drop_older`) and EngineDied.
        """
        params = SamplingParams(max_tokens, temperature, stop=self._stop)
        sampled = _read(await self._ask(Generate(next(self._numbers), Request(prompt, n, params))))
        self._requests += 1
        self._tokens += sum(len(rollout.tokens) for rollout in sampled.rollouts)
        return sampled

    async def drop_older(self, version: int) -> None:
        """End every request of which a token is of weights before `version`, finished completions of it included.

        One that is still waiting for its first token has none, however long ago it was asked. Raises EngineDied.
        """
        await self._ask(DropOlder(next(self._numbers), version))

    async def load(self, path: str, version: int) -> None:
        """Replace all of the engine's weights by those that come from `path`: the address of a stream, a file of
        `write_weights`, or a checkpoint's folder.

        Several engines may read them at once. Requests in flight keep their tokens and their KV cache and go on under
        the new weights; a paused engine stays paused. Raises EngineDied, also when a weight is missing or unknown: an
        engine with a mixture of weights does not go on.
        """
        if self._asleep == "all":
            await self._ask(Wake(next(self._numbers), "weights"))
            self._asleep = "cache"
        await self._ask(LoadWeights(next(self._numbers), path, version))
        self.version = version

    async def pause(self) -> None:
        """Stop generating, between two steps, until `resume`; requests are taken and wait.

        Where the trainer has its GPUs in turn (`place.share`) it sleeps: their memory is free, its weights are lost and
        have to be pushed before `resume`, and what was in flight is computed again up to where it was.
        """
        if self._place.share is None:
            await self._ask(Pause(next(self._numbers)))
        elif not self._asleep:
            await self._ask(Sleep(next(self._numbers)))
            self._asleep = "all"
        self._paused = True

    async def resume(self) -> None:
        """Go on after `pause`. Raises RuntimeError for an engine that sleeps and has not been given weights."""
        if self._asleep == "all":
            raise RuntimeError("the engine slept and has no weights: push some before it goes on")
        if self._asleep:
            await self._ask(Wake(next(self._numbers), "kv_cache"))
            self._asleep = ""
        else:
            await self._ask(Resume(next(self._numbers)))
        self._paused = False

    @property
    def stats(self) -> EngineStats:
        """Since the start: `tokens` and `requests` of what was returned, `busy` seconds spent generating.

        Two readings give the idle share between them: 1 - busy / seconds. `busy` is at most a quarter of a second old
        while the engine works, and exact after `pause` and `load`.
        """
        return EngineStats(tokens=self._tokens, requests=self._requests, busy=self._busy)

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        return None if self._worker is None else self._worker.process.pid

    async def _ask(self, message: Generate | DropOlder | LoadWeights | Pause | Resume | Sleep | Wake) -> Any:
        """The `Answer` of `Generate`, None for the others."""
        if self._worker is None:
            raise EngineDied(self._end)
        number, future = message.number, asyncio.get_running_loop().create_future()
        self._pending[number] = (type(message), future)
        if len(self._pending) == 1:
            self._last_message = time.monotonic()
        self._worker.send(message)
        try:
            return await future
        except asyncio.CancelledError:
            if isinstance(message, Generate) and number in self._pending and self._worker is not None:
                del self._pending[number]
                self._worker.send(Cancel(number))
            raise

    def _listen(self) -> None:
        worker = self._worker
        if worker is None:
            return
        try:
            while worker.pipe.poll():
                self._take(worker.pipe.recv())
            if worker.process.poll() is None:
                return
        except (EOFError, OSError):
            pass
        self._fail(worker.explain_end())

    def _take(self, message: FromWorker) -> None:
        self._last_message = time.monotonic()
        match message:
            case Ready():
                self._settle(READY, None)
            case Fatal(reason):
                self._fail(reason)
            case Refused(number, reason, too_long):
                self._settle(number, PromptRefused(reason, too_long))
            case Finished(busy, answers):
                self._busy = busy
                for answer in answers:
                    self._settle(answer.number, answer)
            case Done(busy, number):
                self._busy = busy
                self._settle(number, None)
            case Dropped(number, dropped):
                for one in dropped:
                    self._settle(one, TooOld("it began under weights that are too old now"))
                self._settle(number, None)
            case _:
                self._busy = message.busy

    def _settle(self, number: int, outcome: object) -> None:
        _, future = self._pending.pop(number, (None, None))
        if future is None or future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            waiting = any(kind is not Generate or not self._paused for kind, _ in self._pending.values())
            if not waiting:
                self._last_message = time.monotonic()
            elif time.monotonic() - self._last_message > self._patience:
                self._fail(f"no sign of life for {self._patience:g} s (model.timeout)")
                return

    def _fail(self, reason: str) -> None:
        worker = self._worker
        if worker is not None:
            tail = f"The end of its log ({worker.log}):\n{worker.log_tail()}"
            self._detach(f"the rollout engine of {self._folder} ended: {reason}\n{tail}")
            worker.end(kindly=False)

    def _detach(self, why: str) -> WorkerProcess | None:
        """Let go of the worker, which is returned to be ended, and fail what is in flight."""
        worker, self._worker = self._worker, None
        if worker is None:
            return None
        self._end = why
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.pipe.fileno())
        loop.remove_reader(worker.pidfd)
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        pending, self._pending = self._pending, {}
        for _, future in pending.values():
            if not future.done():
                future.set_exception(EngineDied(why))
        return worker


def _read(answer: Answer) -> Sampled:
    rollouts = (
        Rollout(trace.tokens, trace.logprobs, completion.text, completion.finish_reason, trace.versions)
        for completion, trace in zip(answer.completions, answer.traces, strict=True)
    )
    return Sampled(answer.prompt, tuple(rollouts))
