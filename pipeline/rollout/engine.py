"""The engine that the trainer samples from: vLLM in a child process, into which new weights go while it generates.

A whole child, as for grading, and not vLLM's asynchronous engine in this process: its libraries and threads stay out of
the trainer's, it can be frozen and given weights exactly between two steps, and one process is all there is to end.
"""

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from pipeline.inference.engine import EngineDied, EngineFailure, EngineStats
from pipeline.inference.machine import vllm_version
from pipeline.inference.models import ResolvedModel
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_engine import Child, child_settings
from pipeline.rollout.child import READY
from pipeline.rollout.rollout import Sampled
from pipeline.rollout.weights import own_path, write_weights
from schemas.config import ModelConfig

WATCH_SECONDS = 1.0


class RolloutEngine:
    """Samples groups and takes new weights; `async with` starts and ends it. All calls from one event loop.

    The kernel ends the child when the thread that started it ends, so that loop's thread must stay. `folder` is the
    model or a checkpoint in Hugging Face form, `version` what its weights are called. Nothing restarts by itself: after
    EngineDied make another engine, and push the newest weights before the first sample.
    """

    def __init__(self, model: ModelConfig, folder: Path, stop_strings: Sequence[str] = (), version: int = 0) -> None:
        if not vllm_version()[0]:
            raise EngineDied("vLLM is not installed: install goldilocks[cpu] or goldilocks[gpu]; training needs it")
        built = child_settings(model, ResolvedModel(str(folder), "", local=True))["engine"]
        self.version = version
        self._settings = {
            "engine": built
            | {
                "worker_extension_cls": "pipeline.rollout.weights.WeightReceiver",
                # Log-probabilities of the model itself, whatever temperature samples.
                "logprobs_mode": "raw_logprobs",
                # A step begun under the old weights must not end under the name of the new ones.
                "async_scheduling": False,
            },
            "stop_strings": list(stop_strings),
            "version": version,
        }
        self._patience = model.timeout
        self._numbers = itertools.count(READY + 1)
        self._owed: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None
        self._dtype = torch.float32
        self._frozen = False
        self._end: str | None = "the rollout engine is not started"
        self._heard = self._busy = 0.0
        self._tokens = self._requests = 0

    async def __aenter__(self) -> "RolloutEngine":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Returns when the engine is ready (half a minute on CPU). Raises EngineDied, with its log."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        self._owed[READY] = ("start", ready)
        self._end = None
        child = self._child = Child("pipeline.rollout.child", self._settings)
        self._heard = time.monotonic()
        loop.add_reader(child.pipe.fileno(), self._listen)
        loop.add_reader(child.pidfd, self._listen)
        self._watch = loop.create_task(self._keep_watch())
        try:
            self._dtype = getattr(torch, await ready)
        except BaseException:
            await self.close()
            raise
        child.ready = True

    async def close(self) -> None:
        """End the engine; what is unanswered fails with EngineDied. Nothing of it stays behind."""
        child = self._part("the rollout engine is closed")
        if child is not None:
            await asyncio.to_thread(child.end, kindly=True)
            child.forget_log()

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled:
        """`n` completions of at most `max_tokens` tokens; fewer where prompt and completion fill model.max_model_len.

        Log-probabilities are the model's at temperature 1. Cancelling drops the request. Raises EngineFailure (this
        prompt alone, such as one too long) and EngineDied.
        """
        sampled = cast(Sampled, await self._ask("sample", prompt.messages, prompt.text, n, max_tokens, temperature))
        self._requests += 1
        self._tokens += sum(len(rollout.tokens) for rollout in sampled.rollouts)
        return sampled

    async def push(self, weights: Iterable[tuple[str, torch.Tensor]], version: int) -> float:
        """Give the engine all of its weights anew, by their checkpoint names; returns the seconds it took.

        Requests in flight keep their tokens and their KV cache and go on under the new weights; a frozen engine stays
        frozen. The tensors are read in another thread and must not change until this returns. Raises EngineDied, also
        when a weight is missing or unknown: an engine with a mixture of weights does not go on.
        """
        began = time.perf_counter()
        # Once begun it is carried through, or engine and trainer would disagree about the version.
        await asyncio.shield(asyncio.ensure_future(self._push(weights, version)))
        return time.perf_counter() - began

    async def _push(self, weights: Iterable[tuple[str, torch.Tensor]], version: int) -> None:
        with await asyncio.to_thread(write_weights, weights, self._dtype) as file:
            await self._ask("push", own_path(file), version)
        self.version = version

    async def freeze(self) -> None:
        """Stop generating, between two steps, until `thaw`; requests are taken and wait."""
        await self._ask("freeze")
        self._frozen = True

    async def thaw(self) -> None:
        await self._ask("thaw")
        self._frozen = False

    @property
    def stats(self) -> EngineStats:
        """Since the start: `tokens` and `requests` of what was returned, `busy` seconds spent generating.

        Two readings give the idle share between them: 1 - busy / seconds. `busy` is at most a quarter of a second old
        while the engine works, and exact after `freeze` and `push`.
        """
        return EngineStats(tokens=self._tokens, requests=self._requests, busy=self._busy)

    @property
    def pid(self) -> int | None:
        """The child's process, while there is one."""
        return None if self._child is None else self._child.process.pid

    async def _ask(self, kind: str, *rest: Any) -> Any:
        if self._child is None:
            raise EngineDied(self._end)
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        self._owed[number] = (kind, future)
        if len(self._owed) == 1:
            self._heard = time.monotonic()
        self._child.send((kind, number, *rest))
        try:
            return await future
        except asyncio.CancelledError:
            if kind == "sample" and number in self._owed and self._child is not None:
                del self._owed[number]
                self._child.send(("drop", number))
            raise

    def _listen(self) -> None:
        child = self._child
        if child is None:
            return
        try:
            while child.pipe.poll():
                self._take(*child.pipe.recv())
            if child.process.poll() is None:
                return
        except (EOFError, OSError):
            pass
        self._bury(child.last_words())

    def _take(self, kind: str, busy: float, *rest: Any) -> None:
        self._heard, self._busy = time.monotonic(), busy
        if kind == "fatal":
            self._bury(rest[0])
        elif kind != "beat":
            number, what = rest
            future = self._owed.pop(number)[1] if number in self._owed else None
            if future is not None and not future.done():
                if kind == "answer":
                    future.set_result(what)
                else:
                    future.set_exception(EngineFailure(what))

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            waiting = any(kind != "sample" or not self._frozen for kind, _ in self._owed.values())
            if not waiting:
                self._heard = time.monotonic()
            elif time.monotonic() - self._heard > self._patience:
                self._bury(f"no sign of life for {self._patience:g} s (model.timeout)")
                return

    def _bury(self, reason: str) -> None:
        child = self._child
        if child is not None:
            folder = self._settings["engine"]["model"]
            tail = f"The end of its log ({child.log}):\n{child.log_tail()}"
            self._part(f"the rollout engine of {folder} ended: {reason}\n{tail}")
            child.end(kindly=False)

    def _part(self, why: str) -> Child | None:
        """Let go of the child, which is returned to be ended, and fail what it owes."""
        child, self._child = self._child, None
        if child is None:
            return None
        self._end = why
        loop = asyncio.get_running_loop()
        loop.remove_reader(child.pipe.fileno())
        loop.remove_reader(child.pidfd)
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        owed, self._owed = self._owed, {}
        for _, future in owed.values():
            if not future.done():
                future.set_exception(EngineDied(why))
        return child
