"""The engine that a config asks for: vLLM in a child process, or servers by their URLs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.inference.engine import Engine
from pipeline.inference.server import ServerEngine
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import ModelConfig


@contextmanager
def open_engine(model: ModelConfig) -> Iterator[Engine]:
    """The engine of `model`, until the block ends: one serves every stage that asks this model.

    A vLLM worker starts at the first request, so a run that has every sample starts none. Raises ModelError,
    EngineDied.
    """
    maker = VllmEngine if model.url is None else ServerEngine
    engine: Engine = maker(model)
    try:
        yield engine
    finally:
        engine.close()
