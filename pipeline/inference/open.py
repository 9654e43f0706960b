"""The engine that a config asks for: vLLM in a child process, several of them, or servers by their URLs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.inference.engine import Engine
from pipeline.inference.engine_group import EngineGroup
from pipeline.inference.machine import Place
from pipeline.inference.server import ServerEngine
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import ModelConfig


@contextmanager
def open_engine(model: ModelConfig) -> Iterator[Engine]:
    """The engine of `model`, until the block ends: one serves every stage that asks this model.

    A vLLM worker starts at the first request, so a run that has every sample starts none. Raises ModelError,
    EngineDied.
    """
    engine: Engine
    if model.url is not None:
        engine = ServerEngine(model)
    elif model.engines == 1:
        engine = VllmEngine(model)
    else:
        engine = EngineGroup([VllmEngine(model, place=Place(number, model.engines)) for number in range(model.engines)])
    try:
        yield engine
    finally:
        engine.close()
