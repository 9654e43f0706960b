"""One engine without `RolloutEngines` around it: opened for a block, and given weights as that one gives them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import torch

from trainer.rollout_engine import RolloutEngine
from trainer.weight_stream import WeightSender


@asynccontextmanager
async def opened(engine: RolloutEngine) -> AsyncIterator[RolloutEngine]:
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def push(engine: RolloutEngine, weights: Iterable[tuple[str, torch.Tensor]], version: int) -> None:
    with WeightSender(weights, [0]) as sender:
        sending = asyncio.create_task(asyncio.to_thread(sender.run))
        try:
            await engine.load(sender.address(0), version)
        finally:
            sender.release(0)
            await sending
