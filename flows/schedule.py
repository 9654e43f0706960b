"""The flow on a schedule, for those without a worker."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_URL, temporary_settings

from pipeline.progress import track
from pipeline.progress.display import show_progress
from pipeline.text.visible import print_visible

HOST, PORT = "127.0.0.1", 4200
"""Where Prefect's own server listens by default; loopback only."""
SERVER_START_SECONDS = 120
"""It takes about 20 s here; a loaded machine takes longer."""


def serve_flow(config_path: str, overrides: list[str], cron: str) -> None:
    """Serve `curate` on `cron` until interrupted. One run at a time: two would write to one folder."""
    from flows.curate import curate

    with configured_server() as url, temporary_settings({PREFECT_API_URL: url}):
        print_visible(f"scheduled: {config_path} at {cron!r}; Prefect's UI: {url.removesuffix('/api')}")
        curate.serve(
            name=Path(config_path).stem,
            cron=cron,
            parameters={"config_path": str(Path(config_path).resolve()), "overrides": overrides},
            global_limit=1,
            description=f"Goldilocks over {config_path}",
        )


@contextmanager
def configured_server() -> Iterator[str]:
    """The API's URL of the configured Prefect server, or of one started here and stopped at the end."""
    url = PREFECT_API_URL.value()
    if url:
        yield url
        return
    port = int(os.environ.get("PREFECT_SERVER_API_PORT", PORT))
    api = f"http://{HOST}:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    # The page in the browser asks this address, not the port of the option.
    environment = os.environ | {"PREFECT_SERVER_UI_API_URL": api}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        with show_progress(), track("start Prefect's server", unit="", part=True, note=api):
            wait_for_server(server, api)
        yield api
    finally:
        server.terminate()
        server.wait()


def wait_for_server(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Return once the server answers; raises RuntimeError when it ended or stays silent."""
    import httpx

    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"prefect server start ended with {server.returncode}; run it by hand to see why")
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise RuntimeError(
        f"no Prefect server at {url} after {SERVER_START_SECONDS} s; set PREFECT_API_URL to a running one"
    )
