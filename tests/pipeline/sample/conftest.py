"""The embedded model, and the session's server with it, as sampling's configs name them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.sample.embedded import ensure_embedded
from schemas.config import ModelConfig
from tests.conftest import Served


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
