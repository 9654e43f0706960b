"""vLLM itself in its child process: it answers, it refuses, it is killed, and everything that was asked for still
comes.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from pipeline.inference.continuing import Begun, keep_tokens
from pipeline.inference.engine import EngineDied, PromptRefused, Request, SamplingParams
from pipeline.inference.open import open_engine
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import ModelConfig
from tests.pipeline.inference.test_watch import wait_gone

pytestmark = pytest.mark.model
GUARD = 400
PARAMS = SamplingParams(max_tokens=24, temperature=0.7, stop=("\n",))


def ask(text: str, n: int = 2, chat: bool = False) -> Request:
    return Request(Prompt((("user", text),) if chat else None, None if chat else text, "0" * 16), n, PARAMS)


@pytest.fixture(scope="module")
def engine(embedded_model: Path) -> Iterator[VllmEngine]:
    model = ModelConfig(name=str(embedded_model), max_model_len=256, max_num_seqs=8)
    with open_engine(model) as one:
        assert isinstance(one, VllmEngine)
        yield one


def test_completions_come_with_their_tokens_and_why_they_ended(engine: VllmEngine) -> None:
    futures = [engine.submit(ask(f"State the sum: 2 + {i} =", n=3, chat=i % 2 == 1)) for i in range(8)]
    for future in futures:
        completions = future.result(GUARD)
        assert len(completions) == 3
        for one in completions:
            assert 0 < (one.tokens or 0) <= 24
            assert one.finish_reason == "stop" or (one.finish_reason, one.tokens) == ("length", 24)
            assert "\n" not in one.text
            assert one.seconds > 0
    assert engine.stats.tokens == sum(one.tokens or 0 for future in futures for one in future.result())
    assert engine.stats.busy > 0


def test_a_completion_that_was_cut_goes_on_from_its_tokens(engine: VllmEngine) -> None:
    prompt, limit = Prompt(None, "Once upon a time there was a", "0" * 16), 24
    greedy = SamplingParams(max_tokens=limit, temperature=0.0)
    for cut in (1, 7, limit - 1):
        (first,) = engine.submit(Request(prompt, 1, replace(greedy, max_tokens=cut), resumable=True)).result(GUARD)
        assert first.token_ids is not None
        assert len(first.token_ids) == cut
        generated = engine.stats.tokens
        begun = Begun(first.text, first.token_ids)
        (rest,) = engine.submit(Request(prompt, 1, greedy, begun=begun)).result(GUARD)
        # Not the tokens of one step: in bfloat16 a prompt's logits are not those of a step's to the last bit.
        assert rest.text.startswith(first.text)
        assert len(rest.text) > len(first.text)
        assert (rest.tokens, rest.finish_reason, rest.token_ids) == (limit, "length", None)
        assert engine.stats.tokens == generated + limit - cut


def test_a_cut_within_a_character_brings_no_prompt_into_the_text(engine: VllmEngine, embedded_model: Path) -> None:
    tokens = AutoTokenizer.from_pretrained(embedded_model).encode("Hello \N{PARTY POPPER}")
    assert len(tokens) > 3
    for cut in range(1, len(tokens) + 1):
        begun = Begun("Hello", keep_tokens(tokens[:cut]))
        request = Request(Prompt(None, "Say it\n", "0" * 16), 1, PARAMS, begun=begun)
        (one,) = engine.submit(request).result(GUARD)
        assert one.text.startswith("Hello")
        assert "Say it" not in one.text
        assert "\n" not in one.text


def test_a_prompt_too_long_fails_alone(engine: VllmEngine) -> None:
    long, fine = engine.submit(ask("x " * 400)), engine.submit(ask("1 + 1 ="))
    with pytest.raises(PromptRefused, match=r"tokens, but model\.max_model_len is 256") as refused:
        long.result(GUARD)
    assert refused.value.too_long
    assert len(fine.result(GUARD)) == 2


def test_whatever_vllm_refuses_is_refused_alone(engine: VllmEngine) -> None:
    """And greedy requests of one sample are answered, twice alike."""
    greedy = replace(PARAMS, temperature=0.0)
    once = [engine.submit(Request(ask("1 + 1 =").prompt, 1, greedy)) for _ in range(2)]
    first, second = (one.result(GUARD)[0].text for one in once)
    assert first == second
    # The worker is started by the first request.
    pid = engine.pid
    refused = [
        engine.submit(Request(ask("1 + 1 =").prompt, 2, greedy)),
        engine.submit(Request(ask("1 + 1 =").prompt, 0, PARAMS)),
        engine.submit(ask("")),
        engine.submit(ask("half a pair: \ud83d")),
        *(
            engine.submit(Request(ask("1 + 1 =").prompt, 1, replace(PARAMS, **wrong)))
            for wrong in ({"stop": ("",)}, {"temperature": 3.0}, {"top_p": 0.0}, {"min_p": 2.0}, {"max_tokens": 0})
        ),
    ]
    fine = engine.submit(ask("1 + 1 ="))
    for one in refused:
        with pytest.raises(PromptRefused) as refusal:
            one.result(GUARD)
        assert not refusal.value.too_long
    assert len(fine.result(GUARD)) == 2
    assert (engine.stats.restarts, engine.pid) == (0, pid)


def test_killed_at_work_everything_still_comes_and_closing_leaves_nothing(engine: VllmEngine) -> None:
    futures = [engine.submit(ask(f"Count from {i}:", n=4)) for i in range(20)]
    futures[0].result(GUARD)
    killed = engine.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert all(len(future.result(GUARD)) == 4 for future in futures)
    assert engine.stats.restarts == 1
    wait_gone(killed)
    successor = engine.pid
    assert successor is not None
    engine.close()
    wait_gone(successor)


def test_settings_that_vllm_refuses_are_explained_by_its_own_log(embedded_model: Path) -> None:
    model = ModelConfig(name=str(embedded_model), max_model_len=100_000)
    with open_engine(model) as engine:
        with pytest.raises(EngineDied, match="max_model_len"):
            engine.submit(ask("q")).result(GUARD)
        assert engine.stats.restarts == 0
