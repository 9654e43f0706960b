"""The engine that a config asks for: vLLM in a child process, or servers by their URLs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.inference.engine import Engine
from pipeline.inference.server import ServerEngine
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import ModelConfig, SamplingConfig


@contextmanager
def open_engine(model: ModelConfig, sampling: SamplingConfig, fixed_length: bool = False) -> Iterator[Engine]:
    """The engine, until the block ends.

    A vLLM child starts at the first request, so a run that owes nothing starts none. `fixed_length` makes every
    completion `max_tokens` long, so that a benchmark compares equal work. Raises ModelError, EngineDied.
    """
    maker = VllmEngine if model.url is None else ServerEngine
    engine: Engine = maker(model, sampling, fixed_length=fixed_length)
    try:
        yield engine
    finally:
        engine.close()
