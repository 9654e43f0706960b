"""Sampling from an OpenAI-compatible server: a real vLLM for what it does right, a server of our own for what goes
wrong.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline.sample.engine import EngineDied, EngineFailure, Request
from pipeline.sample.prompts import Prompt
from pipeline.sample.server import ServerEngine
from schemas.config import ModelConfig, SamplingConfig
from tests.pipeline.sample.conftest import Server

GUARD = 120


def ask(text: str, n: int = 1, chat: bool = False) -> Request:
    return Request(Prompt((("user", text),) if chat else None, None if chat else text, "0" * 16), n)


class Unruly(ThreadingHTTPServer):
    """A stand-in server that answers as `behave(path, body, number of the call)` says: (status, headers, JSON)."""

    daemon_threads = True

    def __init__(self, behave: Callable[[dict[str, Any], int], tuple[int, dict[str, str], Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behave, self.calls, self.at = behave, 0, list[float]()
        self.most, self.now, self.lock = 0, 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def model(self, **more: Any) -> ModelConfig:
        return ModelConfig(**{"name": "m", "url": f"http://127.0.0.1:{self.server_port}/v1", "timeout": 20, **more})


class _Handler(BaseHTTPRequestHandler):
    server: Unruly

    def do_GET(self) -> None:
        self._send(
            200, {}, {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "us", "created": 0}]}
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
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


@pytest.fixture
def unruly() -> Iterator[Callable[..., Unruly]]:
    started: list[Unruly] = []

    def start(behave: Callable[[dict[str, Any], int], tuple[int, dict[str, str], Any]]) -> Unruly:
        started.append(Unruly(behave))
        return started[-1]

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.fixture
def opened() -> Iterator[Callable[..., ServerEngine]]:
    engines: list[ServerEngine] = []

    def start(model: ModelConfig, **more: Any) -> ServerEngine:
        engines.append(ServerEngine(model, SamplingConfig(max_tokens=8), **more))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def test_too_many_requests_are_repeated_when_the_server_says(unruly: Any, opened: Any) -> None:
    here = unruly(
        lambda body, number: answer(body["n"]) if number > 2 else (429, {"Retry-After": "1"}, {"error": "slow"})
    )
    (one,) = opened(here.model()).submit(ask("q")).result(GUARD)
    assert (one.text, one.tokens, here.calls) == ("t0", 5, 3)
    assert here.at[1] - here.at[0] >= 1


def test_a_server_in_trouble_is_asked_again(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, number: answer(body["n"]) if number > 2 else (503, {}, {"error": "restarting"}))
    assert len(opened(here.model()).submit(ask("q", 3)).result(GUARD)) == 3


def test_a_request_that_the_server_never_answers_fails_alone(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: (500, {}, {"error": "boom"}) if body["prompt"] == "bad" else answer(body["n"]))
    engine = opened(here.model(), retries=1)
    bad, good = engine.submit(ask("bad")), engine.submit(ask("good"))
    with pytest.raises(EngineFailure, match="HTTP 500"):
        bad.result(GUARD)
    assert good.result(GUARD)[0].text == "t0"
    assert engine.in_flight() == 0


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_takes_no_n_is_asked_one_by_one(unruly: Any, opened: Any, status: int) -> None:
    here = unruly(lambda body, _: answer(1) if body["n"] == 1 else (status, {}, {"error": "n must be 1"}))
    engine = opened(here.model())
    assert [one.tokens for one in engine.submit(ask("q", 3)).result(GUARD)] == [5, 5, 5]
    calls = here.calls
    engine.submit(ask("q", 2)).result(GUARD)
    assert here.calls == calls + 2


def test_a_server_that_ignores_n_is_asked_until_there_are_enough(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: answer(1))
    assert len(opened(here.model()).submit(ask("q", 4)).result(GUARD)) == 4
    assert here.calls == 4


def test_tokens_of_several_choices_are_unknown_where_the_server_gives_their_sum(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: answer(body["n"]))
    engine = opened(here.model())
    assert [one.tokens for one in engine.submit(ask("q", 3)).result(GUARD)] == [None] * 3
    assert engine.stats.tokens == 15


def test_no_more_requests_are_open_than_the_config_allows(unruly: Any, opened: Any) -> None:
    def slowly(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        time.sleep(0.02)
        return answer(body["n"])

    here = unruly(slowly)
    engine = opened(here.model(concurrency=3))
    for future in [engine.submit(ask(f"q{i}")) for i in range(30)]:
        future.result(GUARD)
    assert 1 < here.most <= 3


def test_a_server_that_goes_away_fails_everything_at_once(unruly: Any, opened: Any) -> None:
    def away(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
        if number > 2:
            threading.Thread(target=stop).start()
            time.sleep(3600)
        return answer(body["n"])

    def stop() -> None:
        here.shutdown()
        here.server_close()

    here = unruly(away)
    engine = opened(here.model(concurrency=1, timeout=1), retries=0)
    futures = [engine.submit(ask(f"q{i}")) for i in range(40)]
    failed = [future.exception(GUARD) for future in futures]
    assert failed[:2] == [None, None]
    assert all(isinstance(one, EngineDied) for one in failed[2:])
    assert "start the server and run again" in str(failed[-1])
    with pytest.raises(EngineDied):
        engine.submit(ask("later")).result(GUARD)


def test_where_no_server_is_the_error_says_how_to_start_one() -> None:
    with pytest.raises(EngineDied, match=r"http://127\.0\.0\.1:9/v1.*vllm serve"):
        ServerEngine(ModelConfig(name="m", url="http://127.0.0.1:9/v1"), SamplingConfig())


def test_a_name_that_is_not_served_is_an_error_with_those_that_are(unruly: Any) -> None:
    here = unruly(lambda body, _: answer(1))
    with pytest.raises(EngineDied, match=r"'other' is not served.*'m'"):
        ServerEngine(here.model(name="other"), SamplingConfig())


@pytest.mark.model
@pytest.mark.parametrize("chat", [True, False])
def test_a_real_server_gives_all_completions_of_every_request(server: Server, opened: Any, chat: bool) -> None:
    engine = opened(server.model())
    assert (engine.model, engine.revision) == (server.name, server.root)
    futures = [engine.submit(ask(f"What is {i} + 2?", n=3, chat=chat)) for i in range(6)]
    for future in futures:
        completions = future.result(GUARD)
        assert len(completions) == 3
        assert all(0 < (one.tokens or 0) <= 8 for one in completions)
        assert {one.finish_reason for one in completions} <= {"stop", "length"}
    assert engine.stats.requests == 6
    assert engine.stats.tokens == sum(one.tokens for future in futures for one in future.result())


@pytest.mark.model
def test_a_prompt_too_long_for_a_real_server_fails_alone(server: Server, opened: Any) -> None:
    engine = opened(server.model())
    long, fine = engine.submit(ask("x " * 2000, n=2)), engine.submit(ask("1 + 1 ="))
    with pytest.raises(EngineFailure, match=r"HTTP 400.*length"):
        long.result(GUARD)
    assert len(fine.result(GUARD)) == 1
