"""A stand-in model server on loopback, which misbehaves as a test says: for the odd cases that no real one shows."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipeline.inference.engine import Request, SamplingParams
from pipeline.inference.prompts import Prompt
from schemas.config import ModelConfig

Behaviour = Callable[[dict[str, Any], int], tuple[int, dict[str, str], Any]]


def ask(text: str, n: int = 1, chat: bool = False) -> Request:
    return Request(
        Prompt((("user", text),) if chat else None, None if chat else text, "0" * 16),
        n,
        SamplingParams(max_tokens=8, temperature=0.7),
    )


class Unruly(ThreadingHTTPServer):
    """Answers as `behave(body, number of the call)` says: (status, headers, JSON). It serves `m`, out of `root`."""

    daemon_threads = True

    def __init__(self, behave: Behaviour, port: int = 0, root: str | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.behave, self.calls, self.at, self.root, self.hung = behave, 0, list[float](), root, False
        self.owner = "us"
        self.weights: str | None = None
        self.loaded: list[tuple[str, str]] = []
        """What vLLM's endpoints for training did: (endpoint, what it was given). Without `weights` there are none."""
        self.unreadable: frozenset[str] = frozenset()
        self.most, self.now, self.looks, self.lock = 0, 0, 0, threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def model(self, **more: Any) -> ModelConfig:
        return ModelConfig(**{"name": "m", "url": self.url, "timeout": 20, **more})

    def handle_error(self, *_: Any) -> None:
        """A client that gave up is what a test asked for."""

    def vanish(self) -> None:
        """Refuse connections from here on and let those that are open hang, as a machine that is gone does."""
        self.hung = True
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Unruly

    def do_GET(self) -> None:
        served = {"id": "m", "object": "model", "owned_by": self.server.owner, "created": 0, "root": self.server.root}
        self.server.looks += 1
        if self.server.hung:
            time.sleep(3600)
        if self.path == "/weight_info":
            has = self.server.weights
            self._send(404 if has is None else 200, {}, {"weight_version": has})
            return
        self._send(200, {}, {"object": "list", "data": [served]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        if not self.path.startswith(("/v1", "/inference", "/tokenize", "/detokenize")):
            self._send(*self._train(body))
            return
        with self.server.lock:
            self.server.calls += 1
            number = self.server.calls
            self.server.at.append(time.monotonic())
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            self._send(*self.server.behave(body, number))
        finally:
            with self.server.lock:
                self.server.now -= 1

    def _train(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        """As vLLM's endpoints for training answer."""
        endpoint, _, query = self.path[1:].partition("?")
        given = body.get("new_version") or "".join(body.get("args", ())) or query
        self.server.loaded.append((endpoint, given))
        if self.server.weights is None or given in self.server.unreadable:
            return 500, {}, {"error": "no such endpoint, or no such file"}
        if endpoint == "update_weight_version":
            self.server.weights = given
        return 200, {}, {}

    def _send(self, status: int, headers: dict[str, str], value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, said in {**headers, "Content-Type": "application/json", "Content-Length": str(len(data))}.items():
            self.send_header(name, said)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def answer(n: int) -> tuple[int, dict[str, str], Any]:
    choices = [{"index": i, "text": f"t{i}", "finish_reason": "stop", "logprobs": None} for i in range(n)]
    usage = {"completion_tokens": 5 * n, "prompt_tokens": 1, "total_tokens": 5 * n + 1}
    return (
        200,
        {},
        {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": choices, "usage": usage},
    )
