"""The page's server as others on the network reach it: started as `--host` starts it, asked over real connections."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.pipeline.publish.report_runs import lay_run, tell_small_run

START = """
import sys
from pipeline.publish.view.serve import serve_runs
from pipeline.run.storage import RunFolder
serve_runs([RunFolder(sys.argv[1])], sys.argv[2], 0, lambda address: print(address, flush=True))
"""


def serve(folder: Path, host: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", START, str(folder), host]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def beyond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.URL]:
    """The address that a server on all interfaces printed."""
    folder = tmp_path_factory.mktemp("run")
    lay_run(folder, tell_small_run())
    with serve(folder, "0.0.0.0") as server:
        assert server.stdout is not None
        yield httpx.URL(server.stdout.readline().strip())
        server.terminate()


def open_client(address: httpx.URL) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{address.port}", timeout=60)


PATHS = (
    "/",
    "/?q=marbles",
    "/problem/x",
    "/static/view.js",
    "/?token=",
    "/?token=%ff",
    "/?token=x&token=y",
    "//",
    "/../",
)


@pytest.mark.parametrize("path", PATHS)
def test_beyond_loopback_nothing_is_shown_without_the_token(beyond: httpx.URL, path: str) -> None:
    with open_client(beyond) as client:
        assert client.get(path).status_code == 401
        assert client.post(path, data={"form": "guess", "note": "x"}).status_code == 401
        name = f"goldilocks-{beyond.port}"
        assert client.get(path, headers={"cookie": f"{name}=guess; {name}="}).status_code == 401


def test_the_printed_address_lets_in_and_what_it_leaves_is_no_use_elsewhere(beyond: httpx.URL) -> None:
    token = beyond.params["token"]
    assert len(token) >= 32
    with open_client(beyond) as client:
        let_in = client.get("/", params={"token": token})
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
        cookie = {"cookie": let_in.headers["set-cookie"].partition(";")[0]}
        assert token not in let_in.text
        assert client.get("/", headers=cookie).status_code == 200
        assert client.get("/", headers=cookie | {"host": f"evil.example:{beyond.port}"}).status_code == 421
        assert client.get("/", headers=cookie | {"host": "127.0.0.1:1"}).status_code == 421
        assert client.get("/", headers=cookie | {"origin": "http://evil.example"}).status_code == 403
        assert client.post("/withdraw", headers=cookie, data={"name": "x", "form": "guess"}).status_code == 403


def test_on_loopback_the_address_has_no_token_and_only_loopback_names_lead_there(tmp_path: Path) -> None:
    lay_run(tmp_path, tell_small_run())
    with serve(tmp_path, "127.0.0.1") as server:
        assert server.stdout is not None
        address = httpx.URL(server.stdout.readline().strip())
        assert "token" not in address.params
        with open_client(address) as client:
            assert client.get("/").status_code == 200
            assert client.get("/", headers={"host": f"192.0.2.7:{address.port}"}).status_code == 421
        server.terminate()
