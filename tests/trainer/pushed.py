"""One engine without `RolloutEngines` around it: opened for a block, and given weights as that one gives them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import torch

from trainer.rollout_engine import RolloutEngine
from trainer.weights import own_path, write_weights


@asynccontextmanager
async def opened(engine: RolloutEngine) -> AsyncIterator[RolloutEngine]:
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def push(engine: RolloutEngine, weights: Iterable[tuple[str, torch.Tensor]], version: int) -> None:
    with await asyncio.to_thread(write_weights, weights, engine.dtype) as file:
        await engine.load(own_path(file), version)
