"""Connections that say nothing, or never end what they say, are given up; whoever speaks is answered."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.serving import protocol


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    config = uvicorn.Config(app, http=protocol.ImpatientProtocol, log_level="error", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\nX: "])
def test_a_request_that_never_comes_whole_is_given_up(address: tuple[str, int], said: bytes) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(said)
        assert connection.recv(100) == b""


def test_after_an_answer_the_next_request_has_its_time_too(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = b""
            while not answer.endswith(b"here"):
                answer += connection.recv(1000)
        connection.sendall(b"GET / HT")
        assert connection.recv(100) == b""
