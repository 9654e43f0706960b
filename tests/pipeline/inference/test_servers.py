"""Several servers as one engine: the least loaded is asked, what one loses another answers, and one that comes back
is asked again. Real servers for the main case, stand-ins for the odd ones.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from pipeline.inference import servers
from pipeline.inference.engine import EngineDied, EngineFailure, PromptRefused
from pipeline.inference.server import ServerEngine
from schemas.config import ModelConfig
from tests.conftest import free_port, serve_model
from tests.pipeline.conftest import Server
from tests.pipeline.inference.unruly import answer, ask

GUARD = 120


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GUARD
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def both(*stand_ins: Any, **more: Any) -> ModelConfig:
    """A model config with the URLs of all of them."""
    model: ModelConfig = stand_ins[0].model(url=tuple(one.url for one in stand_ins), **more)
    return model


def good(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
    return answer(body["n"])


def test_the_server_with_the_least_in_hand_is_asked(unruly: Any, opened: Any) -> None:
    go_on = threading.Event()

    def stuck(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        go_on.wait(GUARD)
        return answer(body["n"])

    slow, quick = unruly(stuck), unruly(good)
    engine = opened(both(slow, quick, concurrency=4))
    first = [engine.submit(ask(f"q{i}", n=8)) for i in range(2)]
    wait_until(lambda: slow.now == 1)
    for i in range(30):
        engine.submit(ask(f"r{i}")).result(GUARD)
    go_on.set()
    for future in first:
        future.result(GUARD)
    assert engine.answered == {slow.url: 1, quick.url: 31}


def test_what_a_lost_server_had_in_hand_is_answered_by_another(unruly: Any, opened: Any) -> None:
    holding = threading.Event()

    def hold(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
        if number > 2:
            holding.set()
            time.sleep(3600)
        return answer(body["n"])

    lost, kept = unruly(hold), unruly(good)
    engine = opened(both(lost, kept, concurrency=4, timeout=1))
    futures = [engine.submit(ask(f"q{i}", n=2)) for i in range(40)]
    assert holding.wait(GUARD)
    lost.vanish()
    assert [len(future.result(GUARD)) for future in futures] == [2] * 40
    assert (engine.answered[lost.url], engine.answered[kept.url]) == (2, 38)
    assert engine.in_flight() == 0


def test_a_server_that_comes_back_is_asked_again(unruly: Any, opened: Any) -> None:
    first, other = unruly(good), unruly(good)
    engine = opened(both(first, other, concurrency=1))
    first.vanish()
    for i in range(6):
        engine.submit(ask(f"q{i}")).result(GUARD)
    assert engine.answered[first.url] == 0
    back = unruly(good, port=first.server_port)
    wait_until(lambda: engine.submit(ask("again")).result(GUARD) is not None and back.calls > 0)


def test_a_server_that_is_late_is_taken_in_when_it_comes(
    unruly: Any, opened: Any, caplog: pytest.LogCaptureFixture
) -> None:
    port, here = free_port(), unruly(good)
    late = f"http://127.0.0.1:{port}/v1"
    with caplog.at_level(logging.WARNING):
        engine = opened(here.model(url=(here.url, late), concurrency=1))
    assert late in caplog.text
    engine.submit(ask("q")).result(GUARD)
    there = unruly(good, port=port)
    wait_until(lambda: engine.submit(ask("again")).result(GUARD) is not None and there.calls > 0)


def test_a_server_that_comes_back_with_other_weights_is_not_asked(unruly: Any, opened: Any) -> None:
    first, other = unruly(good, root="weights-1"), unruly(good, root="weights-1")
    engine = opened(both(first, other, concurrency=1))
    assert engine.revision == "weights-1"
    first.vanish()
    engine.submit(ask("q")).result(GUARD)
    engine.submit(ask("q")).result(GUARD)
    back = unruly(good, port=first.server_port, root="weights-2")
    wait_until(lambda: back.looks > 1)
    for i in range(8):
        engine.submit(ask(f"q{i}")).result(GUARD)
    assert back.calls == 0


def test_all_away_for_a_while_is_waited_for(unruly: Any, opened: Any) -> None:
    first, other = unruly(good), unruly(good)
    engine = opened(both(first, other))
    first.vanish()
    other.vanish()
    futures = [engine.submit(ask(f"q{i}")) for i in range(5)]
    unruly(good, port=other.server_port)
    assert [future.result(GUARD)[0].text for future in futures] == ["t0"] * 5


def test_all_gone_fails_everything_at_once_and_says_what_each_said(unruly: Any, opened: Any) -> None:
    first, other = unruly(good), unruly(good)
    engine = opened(both(first, other), retries=1)
    first.vanish()
    other.vanish()
    failed = [future.exception(GUARD) for future in [engine.submit(ask(f"q{i}")) for i in range(9)]]
    assert all(isinstance(one, EngineDied) for one in failed)
    assert first.url in str(failed[0])
    assert other.url in str(failed[0])


def test_a_request_that_fails_on_every_server_fails_alone(unruly: Any, opened: Any) -> None:
    def moody(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        return (500, {}, {"error": "boom"}) if body["prompt"] == "bad" else answer(body["n"])

    first, other = unruly(moody), unruly(moody)
    engine = opened(both(first, other), retries=2)
    bad, fine = engine.submit(ask("bad")), [engine.submit(ask(f"q{i}")) for i in range(6)]
    with pytest.raises(EngineFailure) as failure:
        bad.result(GUARD)
    assert first.url in str(failure.value)
    assert other.url in str(failure.value)
    assert all(future.result(GUARD)[0].text == "t0" for future in fine)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_what_one_server_will_not_answer_another_does_at_once(unruly: Any, opened: Any, status: int) -> None:
    first = unruly(lambda body, _: (status, {"Retry-After": "60"}, {"error": "not here"}))
    other = unruly(good)
    engine = opened(both(first, other, concurrency=2))
    for future in [engine.submit(ask(f"q{i}")) for i in range(6)]:
        assert future.result(GUARD)[0].text == "t0"
    assert engine.answered == {first.url: 0, other.url: 6}


def test_a_prompt_that_every_server_refuses_is_asked_once_of_each(unruly: Any, opened: Any) -> None:
    first, other = (unruly(lambda body, _: (400, {}, {"error": "too long"})) for _ in range(2))
    with pytest.raises(EngineFailure, match=r"HTTP 400.*HTTP 400"):
        opened(both(first, other)).submit(ask("q")).result(GUARD)
    assert (first.calls, other.calls) == (1, 1)


OPENAI = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9001 tokens."
SGLANG = "The input (9001 tokens) is longer than the model's context length (4096 tokens)."
LLAMA = "the request exceeds the available context size (4096 tokens), try increasing it"
FILTERED = "The response was filtered due to the prompt triggering the content management policy."


@pytest.mark.parametrize(("message", "too_long"), [(OPENAI, True), (SGLANG, True), (LLAMA, True), (FILTERED, False)])
def test_a_refusal_is_the_prompts_own_where_every_server_looked_at_it(
    unruly: Any, opened: Any, message: str, too_long: bool
) -> None:
    here, other = (unruly(lambda body, _: (400, {}, {"error": {"message": message}})) for _ in range(2))
    failure = opened(both(here, other)).submit(ask("q")).exception(GUARD)
    assert isinstance(failure, PromptRefused)
    assert failure.too_long == too_long


def test_a_refusal_that_is_not_about_the_prompt_is_an_ordinary_failure(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: (405, {}, {"error": "method not allowed"}))
    failure = opened(here.model()).submit(ask("q")).exception(GUARD)
    assert type(failure) is EngineFailure


def test_a_server_that_hangs_loses_its_work_long_before_the_request_would_time_out(
    unruly: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.2)
    holding = threading.Event()

    def hang(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        hanging.hung = True
        holding.set()
        time.sleep(3600)
        return answer(body["n"])

    hanging, other = unruly(hang), unruly(good)
    engine = opened(both(hanging, other, timeout=3600))
    futures = [engine.submit(ask(f"q{i}")) for i in range(8)]
    assert holding.wait(GUARD)
    assert [future.result(GUARD)[0].text for future in futures] == ["t0"] * 8
    assert engine.answered[other.url] == 8


def test_servers_of_different_models_are_refused(unruly: Any) -> None:
    first, other = unruly(good, root="weights-1"), unruly(good, root="weights-2")
    with pytest.raises(EngineDied, match=r"different models.*weights-1.*weights-2"):
        ServerEngine(both(first, other))


def test_more_servers_are_worth_more_in_flight(unruly: Any, opened: Any) -> None:
    first, other = unruly(good), unruly(good)
    assert opened(both(first, other, max_num_seqs=8)).capacity == 2 * opened(first.model(max_num_seqs=8)).capacity


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (["http://a/v1", "http://a/v1/"], "twice"),
        (["http://a/v1", "b:8000"], "not a URL"),
        ([], "at least 1"),
    ],
)
def test_a_list_of_servers_is_checked_when_the_config_is_read(url: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ModelConfig.model_validate({"url": url})


@pytest.mark.model
def test_two_real_servers_of_which_one_is_killed_and_comes_back(server: Server, opened: Any, tmp_path: Path) -> None:
    port = free_port()
    ends: list[int] = []
    with serve_model(tmp_path / "first", port) as (second, process):
        engine = opened(server.model(url=(server.url, second.url), concurrency=4))
        futures = [engine.submit(ask(f"What is {i} + 2?", n=4)) for i in range(80)]

        def kill(_: "Future[Any]") -> None:
            if not ends and min(engine.answered.values()) >= 2:
                ends.append(engine.answered[second.url])
                os.killpg(process.pid, signal.SIGKILL)

        for future in futures:
            future.add_done_callback(kill)
        assert [len(future.result(GUARD)) for future in futures] == [4] * 80
    assert ends
    assert engine.answered[second.url] < engine.answered[server.url]
    assert sum(engine.answered.values()) == 80
    before = engine.answered[second.url]
    with serve_model(tmp_path / "again", port):
        wait_until(
            lambda: (
                (engine.submit(ask("1 + 1 =", n=4)).result(GUARD) is not None and engine.submit(ask("2 =")) is not None)
                and engine.answered[second.url] > before
            )
        )
