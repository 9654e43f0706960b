"""Scheduled runs, for real: `goldilocks serve` with its own server, and prefect.yaml with a server and a worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, Served, free_port
from tests.flows.test_curate import configure, sums, write_rows

pytestmark = pytest.mark.model
PATIENCE = 240
"""A hang guard."""


@contextmanager
def started(command: list[str], env: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with all that it starts; nothing of it is left at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        for sign in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)


def wait_for(what: str, ready: Callable[[], bool], log: Path) -> None:
    """Until `ready()` is true."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not come\n{log.read_text()[-3000:]}"
        time.sleep(0.5)


def answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    return False


def list_artifacts(url: str) -> set[str]:
    """What a run left in the UI."""
    return {artifact["key"] for artifact in httpx.post(f"{url}/artifacts/filter", json={}, timeout=10).json()}


def prefect(env: Mapping[str, str], *arguments: str) -> str:
    """Prefect's command line, as the docs use it."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def environment(prefect_home: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """With a database of its own: that of the session has what other tests left, and is locked while these write."""
    port = free_port()
    return prefect_home | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": str(ROOT),
        "GOLDILOCKS_HOME": str(ROOT),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_LOGGING_LEVEL": "INFO",
    }


def api_url(environment: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{environment['PREFECT_SERVER_API_PORT']}/api"


def test_serve_runs_the_flow_and_brings_its_server(
    environment: dict[str, str], served_model: Served, tmp_path: Path
) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 3))
    config, log, url = configure(tmp_path, served_model), tmp_path / "log", api_url(environment)
    command = [sys.executable, "-m", "flows.cli.main", "serve", str(config), "--cron", "0 3 * * *"]
    with started(command, environment, log):
        wait_for("the schedule", lambda: "scheduled:" in log.read_text() and answers(url), log)
        client = environment | {"PREFECT_API_URL": url}
        wait_for("the deployment", lambda: "goldilocks/run" in prefect(client, "deployment", "ls"), log)
        told = prefect(client, "deployment", "inspect", "goldilocks/run")
        assert "0 3 * * *" in told
        prefect(client, "deployment", "run", "goldilocks/run")
        wait_for("the run", (tmp_path / "run" / "report.html").exists, log)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["stages"][0]["kept"] == 3


def test_a_worker_runs_the_deployment(environment: dict[str, str], served_model: Served, tmp_path: Path) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 3))
    config, url = configure(tmp_path, served_model), api_url(environment)
    client = environment | {"PREFECT_API_URL": url}
    server = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "goldilocks"]
    log = tmp_path / "log"
    with started(server, environment, tmp_path / "server.log"):
        wait_for("the server", lambda: answers(url), tmp_path / "server.log")
        prefect(client, "work-pool", "create", "goldilocks", "--type", "process")
        prefect(client, "deploy", "--all")
        told = prefect(client, "deployment", "inspect", "goldilocks/quickstart")
        assert "0 3 * * *" in told
        prefect(
            client, "deployment", "run", "goldilocks/quickstart", "--param", f"config_path={json.dumps(str(config))}"
        )
        with started(worker, client, log):
            wait_for("the run", (tmp_path / "run" / "report.html").exists, log)
            wait_for("the artifacts", lambda: len(list_artifacts(url)) == 4, log)
            keys = list_artifacts(url)
    assert keys == {"funnel", "pass-rates", "counts", "report"}
