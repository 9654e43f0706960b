"""Servers that take weights: what is loaded where, and that no completion of other weights is taken for the wanted."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.inference.engine import EngineDied
from pipeline.inference.server import ServerEngine
from pipeline.inference.server_weights import (
    DAMAGED,
    FIRST,
    give_weights,
    lend_weights,
    name_weights,
    read_version,
    root_of,
)
from schemas.config import ModelConfig
from schemas.errors import InputError
from tests.pipeline.inference.unruly import Unruly, answer, ask

GUARD = 60


def good(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
    return answer(body["n"])


def serve(weights: str | None = FIRST) -> Unruly:
    server = Unruly(good)
    server.owner, server.weights = "vllm", weights
    return server


@pytest.fixture
def opened() -> Iterator[Callable[..., ServerEngine]]:
    engines: list[ServerEngine] = []

    def opened(model: ModelConfig) -> ServerEngine:
        engines.append(ServerEngine(model, retries=1))
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()


def trained(folder: Path, *servers: Unruly) -> ModelConfig:
    (folder / "model.safetensors").write_bytes(b"trained")
    return ModelConfig(name="m", url=tuple(server.url for server in servers), weights=str(folder), timeout=20)


def test_servers_are_given_the_weights_and_get_their_own_back(tmp_path: Path, opened: Any) -> None:
    servers = serve(), serve()
    model = trained(tmp_path, *servers)
    with lend_weights(model):
        assert {server.weights for server in servers} == {name_weights(model)}
        engine = opened(model)
        assert (engine.model, engine.revision) == (str(tmp_path), name_weights(model))
        assert engine.submit(ask("q")).result(GUARD)[0].text == "t0"
    for server in servers:
        assert server.weights == FIRST
        paths = [given for endpoint, given in server.loaded if endpoint == "collective_rpc"]
        assert paths == [str(tmp_path), ""]
        assert [endpoint for endpoint, _ in server.loaded[:2]] == ["pause", "update_weight_version"]
        assert server.loaded[-1][0] == "resume"


def test_a_server_that_has_the_weights_is_left_alone(tmp_path: Path) -> None:
    server = serve()
    model = trained(tmp_path, server)
    give_weights(model)
    before = len(server.loaded)
    give_weights(model)
    assert len(server.loaded) == before


def test_a_server_that_takes_no_weights_is_bad_input_with_the_line_that_starts_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="worker-extension-cls"):
        give_weights(trained(tmp_path, serve(), serve(weights=None)))


def test_a_server_that_is_away_is_left_out_and_all_away_are_said(tmp_path: Path) -> None:
    here, away = serve(), serve()
    away.shutdown()
    away.server_close()
    model = trained(tmp_path, here, away)
    give_weights(model)
    assert here.weights == name_weights(model)
    with pytest.raises(EngineDied, match="no server answers"):
        give_weights(trained(tmp_path, away))


def test_half_loaded_weights_have_a_name_that_nobody_asks_for(tmp_path: Path, opened: Any) -> None:
    server = serve()
    model = trained(tmp_path, server)
    server.unreadable = frozenset({str(tmp_path)})
    with pytest.raises(EngineDied, match="HTTP 500"):
        give_weights(model)
    assert (server.weights, server.loaded[-1][0]) == (DAMAGED, "resume")
    for wanted in (model, ModelConfig(name="m", url=server.url)):
        with pytest.raises(EngineDied, match=f"has the weights {DAMAGED}"):
            opened(wanted)


def test_servers_with_trained_weights_do_not_answer_for_the_first_ones(tmp_path: Path, opened: Any) -> None:
    server = serve()
    give_weights(trained(tmp_path, server))
    with pytest.raises(EngineDied, match="a loop that ends gives back the "):
        opened(ModelConfig(name="m", url=server.url))


def test_a_server_that_is_started_again_is_not_asked_for_trained_weights(tmp_path: Path, opened: Any) -> None:
    first, other = serve(), serve()
    model = trained(tmp_path, first, other)
    give_weights(model)
    engine = opened(model)
    first.weights = FIRST
    until = time.monotonic() + GUARD
    # The pool looks at a server that refused a request, or after some seconds.
    first.behave = lambda body, number: (404, {}, {"error": "starting"})
    while engine.submit(ask("q")).result(GUARD) and first.calls == 0:
        assert time.monotonic() < until
    first.behave, before = good, first.calls
    for number in range(10):
        engine.submit(ask(f"q{number}")).result(GUARD)
    assert first.calls == before


@pytest.mark.parametrize("url", ["http://h:1/v1", "http://h:1/v1/", "http://h:1"])
def test_the_endpoints_for_training_lie_beside_openai_s(url: str) -> None:
    assert root_of(url) == "http://h:1"


@pytest.mark.parametrize("body", [b"<html>Not here</html>", b'{"object": "list", "data": []}', b"[]", b"", b"null"])
def test_what_answers_every_path_says_nothing_of_weights(body: bytes) -> None:
    async def look() -> str | None:
        gateway = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
        async with httpx.AsyncClient(transport=gateway) as client:
            return await read_version(client, "http://127.0.0.1/v1")

    assert asyncio.run(look()) is None
