"""The embedded model, and the session's server with it, as sampling's configs name them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.server import ServerEngine
from schemas.config import ModelConfig
from tests.conftest import Served
from tests.pipeline.inference.unruly import Behaviour, Unruly


@dataclass(frozen=True)
class Server:
    """A running `vllm serve` on loopback."""

    url: str
    root: str
    name: str

    def model(self, **more: object) -> ModelConfig:
        return ModelConfig(**{"name": self.name, "url": self.url, "max_num_seqs": 16, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    return ensure_embedded()


@pytest.fixture(scope="session")
def server(embedded_model: Path, served_model: Served) -> Server:
    return Server(served_model.url, str(embedded_model), served_model.name)


@pytest.fixture
def unruly() -> Iterator[Callable[..., Unruly]]:
    started: list[Unruly] = []

    def start(behave: Behaviour, **more: Any) -> Unruly:
        started.append(Unruly(behave, **more))
        return started[-1]

    yield start
    for one in started:
        if not one.hung:
            one.shutdown()
            one.server_close()


@pytest.fixture
def opened() -> Iterator[Callable[..., ServerEngine]]:
    engines: list[ServerEngine] = []

    def start(model: ModelConfig, **more: Any) -> ServerEngine:
        engines.append(ServerEngine(model, **more))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
