"""Sampling from an OpenAI-compatible server: a real vLLM for what it does right, a server of our own for what goes
wrong.
"""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from pipeline.inference.continuing import Begun
from pipeline.inference.engine import EngineDied, EngineFailure, PromptRefused, SamplingParams
from pipeline.inference.server import ServerEngine
from schemas.config import ModelConfig
from tests.pipeline.conftest import Server
from tests.pipeline.inference.unruly import answer, ask

GUARD = 120


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


@pytest.mark.parametrize("make", ["vllm", "another"])
def test_a_vllm_server_is_told_every_parameter_so_that_no_default_of_its_model_holds(
    unruly: Any, opened: Any, make: str
) -> None:
    bodies: list[dict[str, Any]] = []

    def note(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        bodies.append(body)
        return answer(body["n"])

    here = unruly(note)
    here.owner = make
    engine = opened(here.model())
    plain = ask("q")
    engine.submit(plain).result(GUARD)
    engine.submit(replace(plain, params=replace(plain.params, top_k=20, min_p=0.1))).result(GUARD)
    told = [{name: body.get(name) for name in ("top_k", "min_p", "repetition_penalty")} for body in bodies]
    if make == "vllm":
        assert told[0] == {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
        assert told[1] == {"top_k": 20, "min_p": 0.1, "repetition_penalty": 1.0}
    else:
        assert told[0] == dict.fromkeys(told[0])
        assert told[1] == {"top_k": 20, "min_p": 0.1, "repetition_penalty": None}


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
        ServerEngine(ModelConfig(name="m", url="http://127.0.0.1:9/v1"))


def test_a_name_that_is_not_served_is_an_error_with_those_that_are(unruly: Any) -> None:
    here = unruly(lambda body, _: answer(1))
    with pytest.raises(EngineDied, match=r"'other' is not served.*'m'"):
        ServerEngine(here.model(name="other"))


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
@pytest.mark.parametrize(
    ("text", "chat"), [("Tell me a story about a fox.", True), ("Once upon a time there was a", False)]
)
def test_a_real_server_continues_what_was_cut(server: Server, opened: Any, text: str, chat: bool) -> None:
    engine = opened(server.model())
    assert engine.continues
    greedy = SamplingParams(max_tokens=8, temperature=0.0)
    asked = replace(ask(text, chat=chat), params=greedy)
    short = replace(asked, params=replace(greedy, max_tokens=3), resumable=True)
    (first,) = engine.submit(short).result(GUARD)
    assert (first.tokens, first.finish_reason, len(first.token_ids)) == (3, "length", 3)
    generated = engine.stats.tokens
    (rest,) = engine.submit(replace(asked, begun=Begun(first.text, first.token_ids))).result(GUARD)
    assert rest.text.startswith(first.text)
    assert len(rest.text) > len(first.text)
    assert (rest.tokens, rest.finish_reason) == (8, "length")
    assert engine.stats.tokens == generated + 5


STORY = "H\u00e9 \N{PARTY POPPER} so 5\nnext"
END = 256


def tell(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
    """A vLLM whose tokens are bytes and whose model goes on with `STORY`, whatever the prompt."""
    if "tokens" in body:
        return 200, {}, {"prompt": bytes(body["tokens"]).decode(errors="replace")}
    if "max_tokens" not in body:
        tokens = list((body.get("prompt") or "<u>" + body["messages"][-1]["content"] + "</u>").encode())
        return 200, {}, {"tokens": tokens, "count": len(tokens), "max_model_len": 99}
    begun = bytes(body["prompt"]).partition(b"q</u>" if b"</u>" in bytes(body["prompt"]) else b"q")[2]
    more = [*STORY.encode(), END][len(begun) :][: body["max_tokens"]]
    text = bytes(token for token in more if token != END).decode(errors="ignore")
    ended = END in more
    if body["stop"] and (at := text.find(body["stop"][0])) >= 0:
        more, ended = more[: len((text[:at] + body["stop"][0]).encode())], True
    reason = {"finish_reason": "stop" if ended else "length", "stop_reason": None if END in more else "\n"}
    choice = {"index": 0, "text": text, "token_ids": more, "logprobs": None, **reason}
    return 200, {}, {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]}


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("stop", [(), ("\n",), ("5\nn",)])
def test_wherever_it_was_cut_a_server_gives_the_same_completion(
    unruly: Any, opened: Any, chat: bool, stop: tuple[str, ...]
) -> None:
    here = unruly(tell)
    here.owner = "vllm"
    engine = opened(here.model())
    params = SamplingParams(max_tokens=len(STORY.encode()) + 1, stop=stop)
    asked = replace(ask("q", chat=chat), params=params)
    whole = STORY.partition(stop[0])[0] if stop else STORY
    assert len(whole.encode()) >= 12
    for cut in range(1, len(whole.encode())):
        short = replace(asked, params=replace(params, max_tokens=cut), resumable=True)
        (first,) = engine.submit(short).result(GUARD)
        assert (first.finish_reason, list(first.token_ids)) == ("length", list(STORY.encode()[:cut]))
        (rest,) = engine.submit(replace(asked, begun=Begun(first.text, first.token_ids))).result(GUARD)
        assert (rest.text, rest.finish_reason, rest.token_ids) == (whole, "stop", None)


def test_a_server_of_another_make_is_not_asked_to_continue(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: answer(body["n"]))
    here.owner = "another"
    engine = opened(here.model())
    assert not engine.continues
    with pytest.raises(EngineFailure, match=r"only vLLM's servers .* sampling\.first_tokens"):
        engine.submit(replace(ask("q"), resumable=True)).result(GUARD)


@pytest.mark.model
def test_a_prompt_too_long_for_a_real_server_fails_alone(server: Server, opened: Any) -> None:
    engine = opened(server.model())
    long, fine = engine.submit(ask("x " * 2000, n=2)), engine.submit(ask("1 + 1 ="))
    with pytest.raises(PromptRefused, match=r"HTTP 400.*length") as refused:
        long.result(GUARD)
    assert refused.value.too_long
    assert len(fine.result(GUARD)) == 1


def test_thoughts_that_a_server_keeps_apart_stand_before_what_it_says(unruly: Any, opened: Any) -> None:
    def behave(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], Any]:
        messages = [
            {"role": "assistant", "content": "It is 5.", "reasoning_content": "let me see"},
            {"role": "assistant", "content": None, "reasoning": "let me see and"},
            {"role": "assistant", "content": "It is 5."},
        ]
        choices = [
            {"index": at, "message": message, "finish_reason": "stop"}
            for at, message in enumerate(messages[: body["n"]])
        ]
        return 200, {}, {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}

    here = unruly(behave)
    texts = [one.text for one in opened(here.model()).submit(ask("q", 3, chat=True)).result(GUARD)]
    assert texts == ["<think>let me see</think>It is 5.", "<think>let me see and", "It is 5."]


def test_a_text_prompt_that_opens_thoughts_has_its_tag_before_the_completion(unruly: Any, opened: Any) -> None:
    here = unruly(lambda body, _: answer(body["n"]))
    (one,) = opened(here.model()).submit(ask("Question: q\n<think>\n")).result(GUARD)
    assert one.text == "<think>\nt0"
