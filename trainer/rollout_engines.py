"""Several rollout engines as one: as many as the node has places for, or the servers of `model.url`.

The least loaded is asked next. All of them get the weights of each version, from one stream or file. An engine that
dies is started again, and what it held is asked of the others; it is asked for nothing before the next push, because
the model's folder, which it loads, has the weights of before training. All completions of one request come from one
engine, whose worker says which versions took part, so what is measured of the lag holds for any number of engines.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import torch

from pipeline.inference.engine import EngineDied, EngineStats
from pipeline.inference.machine import Place
from pipeline.inference.prompts import Prompt
from pipeline.inference.worker_process import WORKER
from pipeline.text.visible import print_visible
from schemas.config import Config, ModelConfig
from trainer.placement import place_engines
from trainer.rollout import Sampled
from trainer.rollout_engine import RolloutEngine
from trainer.rollout_server import RolloutServer
from trainer.weight_stream import WeightSender
from trainer.weights import Merge, write_weights

PUSHED = "pushed-weights"
"""In the folder of training, while servers read it."""


class _Engine(Protocol):
    """One engine, here or on a server."""

    version: int

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled: ...

    async def drop_older(self, version: int) -> None: ...

    async def load(self, path: str, version: int) -> None: ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    @property
    def stats(self) -> EngineStats: ...

    @property
    def pid(self) -> int | None: ...


Maker = Callable[[], _Engine]


def make_here(
    model: ModelConfig, folder: Path, places: Sequence[Place], stop_strings: Sequence[str] = (), worker: str = WORKER
) -> list[Maker]:
    """What makes the engine of each place on this machine."""
    return [partial(RolloutEngine, model, folder, stop_strings, place, worker) for place in places]


def open_rollouts(config: Config, folder: Path, home: Path) -> "RolloutEngines":
    """The engines that a config's trainer samples from, to be started; `home` is where training lies.

    Raises InputError where the machine has not what the config asks for.
    """
    model, stop = config.rollout_model, config.sampling.stop_strings
    if config.train.on_servers:
        servers: list[Maker] = [partial(RolloutServer, model, url, folder, stop) for url in config.model.urls]
        return RolloutEngines(servers, model.restarts, home.resolve() / PUSHED)
    return RolloutEngines(make_here(model, folder, place_engines(config), stop), model.restarts)


@dataclass(eq=False)
class _Slot:
    """Where one engine runs: the engine, None while none is ready, and the completions that it has in hand.

    `replacing` ends when another one is ready or given up, `starting` is one start; `ended` is what the dead ones did.
    """

    make: Maker
    restarts_left: int
    engine: _Engine | None = None
    load: int = 0
    replacing: "asyncio.Task[None] | None" = None
    starting: "asyncio.Task[None] | None" = None
    ended: list[EngineStats] = field(default_factory=list)


class RolloutEngines:
    """As `RolloutEngine`, with one engine of each of `makers`; `async with` starts and ends them.

    Each is started again `restarts` times. EngineDied is raised when none is left that has the weights of now: then
    make others, and push to them. With `shared` weights go through a file of that name, which servers elsewhere read.
    """

    def __init__(self, makers: Sequence[Maker], restarts: int, shared: Path | None = None) -> None:
        self.version = 0
        self._restarts, self._shared = restarts, shared
        self._slots = [_Slot(make, restarts) for make in makers]
        self._generating = asyncio.Event()
        self._generating.set()
        self._end = EngineDied("the rollout engines are not started")
        self._open = False

    async def __aenter__(self) -> "RolloutEngines":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Returns when all are ready. Raises EngineDied, with the log of the one that is not."""
        self._open = True
        starts = await asyncio.gather(*(self._start(slot) for slot in self._slots), return_exceptions=True)
        for outcome in starts:
            if isinstance(outcome, BaseException):
                await self.close()
                raise outcome

    async def close(self) -> None:
        """End them; what is unanswered fails with EngineDied. Nothing of them stays behind."""
        self._open = False
        self._end = EngineDied("the rollout engines are closed")
        replacing = [slot.replacing for slot in self._slots if slot.replacing is not None]
        for task in replacing:
            task.cancel()
        await asyncio.gather(*replacing, return_exceptions=True)
        await asyncio.gather(*(slot.engine.close() for slot in self._slots if slot.engine is not None))

    async def sample(self, prompt: Prompt, n: int, max_tokens: int, temperature: float = 1.0) -> Sampled:
        """As `RolloutEngine.sample`; a request whose engine dies is asked of another."""
        while True:
            slot, engine = self._choose()
            slot.load += n
            try:
                return await engine.sample(prompt, n, max_tokens, temperature)
            except EngineDied as error:
                self._lose(slot, engine, error)
            finally:
                slot.load -= n

    async def drop_older(self, version: int) -> None:
        """As `RolloutEngine.drop_older`, of every engine that is ready."""
        await self._all(lambda _, engine: engine.drop_older(version))

    @property
    def reads_files(self) -> bool:
        """Whether weights go to servers elsewhere, by way of a file: then adapters alone are less to write."""
        return self._shared is not None

    async def push(
        self, weights: Iterable[tuple[str, torch.Tensor]], version: int, merge: Merge | None = None
    ) -> float:
        """Replace the weights of every engine that is ready, by their checkpoint names; returns the seconds it took.

        With `merge`, which goes to servers alone (`reads_files`), the tensors are adapters. Until then each engine goes
        on under the weights that it has, and what is in flight goes on under the new ones (`load`). The tensors are
        read in another thread and must not change until this returns. Raises EngineDied where no engine could take
        them.
        """
        began = time.perf_counter()
        # Once begun it is carried through, or engines and trainer would disagree about the version.
        await asyncio.shield(asyncio.ensure_future(self._push(weights, version, merge)))
        return time.perf_counter() - began

    async def _push(
        self, weights: Iterable[tuple[str, torch.Tensor]], version: int, merge: Merge | None = None
    ) -> None:
        ready = [number for number, slot in enumerate(self._slots) if slot.engine is not None]
        if not ready:
            raise self._end
        if self._shared is None:
            await self._stream(weights, ready, version)
        else:
            path = str(self._shared)
            try:
                await asyncio.to_thread(_gather, weights, partial(_write, weights, self._shared, merge))
                await self._all(lambda slot, engine: engine.load(path, version))
            finally:
                self._shared.unlink(missing_ok=True)
        self.version = version

    async def _stream(self, weights: Iterable[tuple[str, torch.Tensor]], engines: Sequence[int], version: int) -> None:
        sender = WeightSender(weights, engines)

        async def load(slot: _Slot, engine: _Engine) -> None:
            number = self._slots.index(slot)
            try:
                await engine.load(sender.address(number), version)
            finally:
                sender.release(number)

        with sender:
            sending = asyncio.create_task(asyncio.to_thread(_gather, weights, sender.run))
            try:
                await self._all(load)
            finally:
                # What went wrong where they are gathered is the cause of what the engines say.
                await sending

    async def pause(self) -> None:
        """As `RolloutEngine.pause`. Waits for an engine that is starting, and none starts until `resume`: the devices
        are the caller's.
        """
        self._generating.clear()
        starting = [slot.starting for slot in self._slots if slot.starting is not None]
        await asyncio.gather(*starting, return_exceptions=True)
        await self._all(lambda _, engine: engine.pause())

    async def resume(self) -> None:
        """Go on after `pause`."""
        await self._all(lambda _, engine: engine.resume())
        self._generating.set()

    @property
    def stats(self) -> EngineStats:
        """Sums over the engines, `busy` too, and over those that died; `restarts` in all."""
        total = EngineStats()
        for slot in self._slots:
            for part in [*slot.ended, *([] if slot.engine is None else [slot.engine.stats])]:
                total = replace(
                    total,
                    tokens=total.tokens + part.tokens,
                    requests=total.requests + part.requests,
                    busy=total.busy + part.busy,
                )
        return replace(total, restarts=sum(self._restarts - slot.restarts_left for slot in self._slots))

    @property
    def count(self) -> int:
        """How many engines there are, those that are being started again included."""
        return len(self._slots)

    @property
    def pids(self) -> list[int | None]:
        """The process of each engine; None where there is none that is ready."""
        return [None if slot.engine is None else slot.engine.pid for slot in self._slots]

    def _choose(self) -> tuple[_Slot, _Engine]:
        """The least loaded engine with the weights of now, or of the push that is under way."""
        usable = [
            (slot, slot.engine)
            for slot in self._slots
            if slot.engine is not None and slot.engine.version >= self.version
        ]
        if not usable:
            raise self._end
        return min(usable, key=lambda one: one[0].load)

    async def _all(self, do: Callable[[_Slot, _Engine], Awaitable[None]]) -> None:
        """Do it with every engine that is ready. Raises EngineDied where the last one died of it."""

        async def do_with(slot: _Slot, engine: _Engine) -> None:
            try:
                await do(slot, engine)
            except EngineDied as error:
                self._lose(slot, engine, error)

        ready = [(slot, slot.engine) for slot in self._slots if slot.engine is not None]
        await asyncio.gather(*(do_with(slot, engine) for slot, engine in ready))
        if all(slot.engine is None for slot, _ in ready):
            raise self._end

    def _lose(self, slot: _Slot, engine: _Engine, error: EngineDied) -> None:
        """Note that an engine died, once, and start it again where the others go on without it."""
        if slot.engine is not engine:
            return
        slot.engine = None
        slot.ended.append(engine.stats)
        if not self._open:
            return
        self._end = error
        others = any(other.engine is not None and other.engine.version >= self.version for other in self._slots)
        if others and slot.restarts_left:
            print_visible(f"{str(error).splitlines()[0]}; it is started again, and the others go on")
            slot.replacing = asyncio.create_task(self._replace(slot))

    async def _replace(self, slot: _Slot) -> None:
        while slot.restarts_left:
            await self._generating.wait()
            slot.restarts_left -= 1
            try:
                await self._start(slot)
                break
            except EngineDied as error:
                print_visible(f"{str(error).splitlines()[0]}; it is tried {slot.restarts_left} times more")

    async def _start(self, slot: _Slot) -> None:
        engine = slot.make()
        slot.starting = asyncio.create_task(engine.start())
        try:
            await slot.starting
        finally:
            slot.starting = None
        slot.engine = engine


def _gather(weights: Iterable[tuple[str, torch.Tensor]], use: Callable[[], None]) -> None:
    """Use the weights, and end their gathering in the thread that does it: all ranks take part in it, and wait."""
    try:
        use()
    finally:
        if isinstance(weights, Generator):
            weights.close()


def _write(weights: Iterable[tuple[str, torch.Tensor]], file: Path, merge: Merge | None) -> None:
    with file.open("wb") as opened:
        write_weights(weights, opened, merge)
