"""What every test may use."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

from tests.faults.figures import FIGURES

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
PR_SET_PDEATHSIG = 1
SERVER_SECONDS = 600
"""A hang guard: the server is up in about half a minute, in ten times that on a busy machine."""

# Threads that wait for one another sleep: two test processes on two cores spent four times as long spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("goldilocks", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make check` looks at fewer examples; CI at the same ones each time, so that it fails for what a commit changed.
settings.register_profile("check", settings.get_profile("goldilocks"), max_examples=30)
settings.register_profile("ci", settings.get_profile("goldilocks"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "goldilocks"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = asdict(FIGURES)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if "faults" in (told := getattr(node, "workeroutput", {})):
        FIGURES.add(**told["faults"])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FIGURES.tried:
        terminalreporter.write_line(str(FIGURES))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real problems and truth sets; a test that reads it is skipped where the folder is absent."""
    if not SHARED.is_dir():
        pytest.skip("no shared data beside this checkout")
    return SHARED


@dataclass(frozen=True)
class Served:
    """A running `vllm serve` with the embedded model: its base URL and the name that it serves."""

    url: str
    name: str


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve_model(
    log: Path, port: int | None = None, name: str = "smollm2", takes_weights: bool = False
) -> "Iterator[tuple[Served, subprocess.Popen[bytes]]]":
    """A real OpenAI-compatible server on loopback, up; it ends with the block, however that ends.

    With `takes_weights` it is started as the page on clusters says, so that a trainer may load its weights into it.
    """
    from pipeline.inference.embedded import ensure_embedded
    from pipeline.inference.machine import engine_environment

    port = port or free_port()
    # What `vllm serve` runs; the command itself looks for the package's name, which the CPU build does not have.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(ensure_embedded())]
    command += ["--served-model-name", name, "--enforce-eager", "--disable-log-stats"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--max-model-len", "512", "--max-num-seqs", "64"]
    environment = {k: v for k, v in engine_environment(os.environ).items() if k != "VLLM_ENABLE_V1_MULTIPROCESSING"}
    # 64 short sequences of this model are 0.8 GB; several of these servers run at once.
    environment["VLLM_CPU_KVCACHE_SPACE"] = "1"
    if takes_weights:
        from pipeline.inference.server_weights import LAUNCH

        settings, options = LAUNCH.split(" vllm serve NAME ")
        environment |= dict([settings.split("=", 1)]) | {"PYTHONPATH": str(ROOT)}
        command += options.split()
    parent = os.getpid()

    def die_with_us() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env=environment, start_new_session=True, preexec_fn=die_with_us
        )
    try:
        deadline = time.monotonic() + SERVER_SECONDS
        while True:
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield Served(f"http://127.0.0.1:{port}/v1", name), server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="session")
def served_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the whole session."""
    with serve_model(tmp_path_factory.mktemp("server") / "log") as (served, _):
        yield served


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment with a Prefect of its own: no server configured, results and database in a folder of the session."""
    home = tmp_path_factory.mktemp("prefect")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return clean | {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def goldilocks(prefect_home: dict[str, str]) -> Run:
    """Run the command line as a user does, in a process of its own; `check` is the exit code that is expected."""

    def run(*arguments: str, check: int = 0, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.main", *arguments],
            cwd=cwd,
            env=prefect_home | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
