"""Rollouts from servers: a stand-in for what goes wrong, and a real vLLM server that takes weights as it generates."""

import asyncio
import copy
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.engine import EngineDied, PromptRefused
from pipeline.inference.prompts import Prompt
from schemas.config import Config, ModelConfig
from tests.conftest import Served, serve_model
from tests.pipeline.inference.unruly import Unruly
from trainer.rollout import Sampled, TooOld
from trainer.rollout_engines import RolloutEngines, open_rollouts
from trainer.rollout_server import RolloutServer

GUARD = 240
Reply = tuple[int, dict[str, str], Any]


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(what, GUARD))


def ask(text: str, chat: bool = False) -> Prompt:
    return Prompt((("user", text),) if chat else None, None if chat else text, "0" * 16)


def configure(folder: Path, *urls: str, name: str = "m", **model: Any) -> Config:
    given = {"name": name, "url": urls, "max_model_len": 512, "restarts": 1, **model}
    train = {"on_servers": True, "folder": str(folder)}
    sources = [{"name": "s", "reasoning_gym": "chain_sum"}]
    sampling = {"max_tokens": 64}
    return Config.model_validate(
        {"run": str(folder), "sources": sources, "model": given, "train": train, "sampling": sampling}
    )


def make_server(status: int = 200) -> Unruly:
    """A stand-in whose completions are of the weights that were loaded last."""

    def generate(body: dict[str, Any], _: int) -> Reply:
        if status != 200:
            return status, {}, {"error": "maximum context length is 512 tokens"}
        choice = {
            "index": 0,
            "text": "four",
            "finish_reason": "stop",
            "token_ids": [1, 2],
            "logprobs": {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]},
            "weight_versions": [{"version": server.weights, "start": 0, "end": 2}],
        }
        return 200, {}, {"choices": [choice] * body["sampling_params"]["n"]}

    server = Unruly(generate)
    server.weights = "default"
    return server


def test_completions_carry_tokens_logprobs_and_versions_and_every_server_is_pushed_to(tmp_path: Path) -> None:
    servers = make_server(), make_server()

    async def sample() -> None:
        config = configure(tmp_path, *(server.url for server in servers), timeout=20)
        async with open_rollouts(config, ensure_embedded(), tmp_path) as group:
            assert all(("collective_rpc", str(ensure_embedded().resolve())) in server.loaded for server in servers)
            await group.push([("w", torch.ones(2))], 1)
            asked = await asyncio.gather(*(group.sample(ask(f"q{i}"), 2, 8) for i in range(20)))
            for one in asked:
                expected = ((1, 2), (-0.5, -1.5), (1, 1))
                assert [(r.tokens, r.logprobs, r.versions) for r in one.rollouts] == [expected] * 2
        assert min(server.calls for server in servers) >= 5
        assert [path.name for path in tmp_path.iterdir()] == []

    run(sample())


def test_a_prompt_that_a_server_refuses_fails_alone(tmp_path: Path) -> None:
    async def sample() -> None:
        async with open_rollouts(configure(tmp_path, make_server(400).url), ensure_embedded(), tmp_path) as group:
            with pytest.raises(PromptRefused) as refused:
                await group.sample(ask("too long"), 2, 8)
            assert refused.value.too_long

    run(sample())


def test_a_lost_server_s_requests_go_to_another_and_it_is_asked_again_after_a_push(tmp_path: Path) -> None:
    async def sample() -> None:
        kept, lost = make_server(), make_server(503)
        async with open_rollouts(configure(tmp_path, kept.url, lost.url), ensure_embedded(), tmp_path) as group:
            asked = await asyncio.gather(*(group.sample(ask(f"q{i}"), 2, 8) for i in range(20)))
            assert len(asked) == 20
            assert (lost.calls > 0, kept.calls) == (True, 20)

    run(sample())


def test_completions_of_weights_that_another_trainer_pushed_are_not_taken(tmp_path: Path) -> None:
    async def sample() -> None:
        server = make_server()
        engine = RolloutServer(configure(tmp_path, server.url).model, server.url, ensure_embedded())
        await engine.start()
        server.weights = "deadbeef-0"
        with pytest.raises(EngineDied, match="not pushed by this trainer"):
            await engine.sample(ask("q"), 1, 8)
        await engine.close()

    run(sample())


def test_what_a_server_was_asked_under_old_weights_is_ended(tmp_path: Path) -> None:
    async def sample() -> None:
        server, gate = make_server(), threading.Event()
        answer = server.behave

        def wait(body: dict[str, Any], number: int) -> Reply:
            gate.wait()
            return answer(body, number)

        server.behave = wait
        async with open_rollouts(configure(tmp_path, server.url), ensure_embedded(), tmp_path) as group:
            old = asyncio.create_task(group.sample(ask("old"), 2, 8))
            await asyncio.sleep(0.1)
            await group.push([("w", torch.ones(2))], 1)
            new = asyncio.create_task(group.sample(ask("new"), 2, 8))
            await asyncio.sleep(0.1)
            await group.drop_older(1)
            with pytest.raises(TooOld):
                await old
            gate.set()
            assert (await new).rollouts[0].versions == (1, 1)

    run(sample())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_model(tmp_path_factory.mktemp("server") / "log", takes_weights=True) as (served, _):
        yield served


@pytest.mark.model
def test_a_vllm_server_samples_by_the_weights_that_are_pushed_into_it(server: Served, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    config = configure(tmp_path, server.url, name=server.name)
    started = AutoModelForCausalLM.from_pretrained(ensure_embedded(), dtype=torch.bfloat16)
    trained = copy.deepcopy(started)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in trained.parameters():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))

    async def greedy(group: RolloutEngines) -> Sampled:
        return await group.sample(ask("The capital of France", chat=True), 1, 12, temperature=0)

    async def sample() -> None:
        async with open_rollouts(config, ensure_embedded(), tmp_path) as group:
            first = await greedy(group)
            long = asyncio.create_task(group.sample(ask("Once upon a time"), 2, 300))
            await asyncio.sleep(1.0)
            await group.push(trained.named_parameters(), 1)
            second = await greedy(group)
            await group.push(started.named_parameters(), 2)
            third = await greedy(group)
            assert [one.rollouts[0].versions for one in (first, second, third)] == [(0, 0), (1, 1), (2, 2)]
            assert first.rollouts[0].tokens == third.rollouts[0].tokens != second.rollouts[0].tokens
            rollout = first.rollouts[0]
            with torch.no_grad():
                logits = started(torch.tensor([first.prompt + rollout.tokens])).logits[0, len(first.prompt) - 1 : -1]
            own = torch.log_softmax(logits.float(), -1).gather(1, torch.tensor(rollout.tokens)[:, None])[:, 0]
            assert (own - torch.tensor(rollout.logprobs)).abs().mean() < 0.1
            assert all(rollout.versions[0] == 0 < rollout.versions[1] for rollout in (await long).rollouts)
            with pytest.raises(PromptRefused) as refused:
                await group.sample(ask("x " * 600), 1, 8)
            assert refused.value.too_long
            old = asyncio.create_task(group.sample(ask("Once upon a time"), 2, 400))
            await asyncio.sleep(1.0)
            await group.drop_older(2)
            assert not old.done()
            await group.drop_older(3)
            with pytest.raises(TooOld):
                await old

    run(sample())


@pytest.mark.model
def test_the_server_s_first_weights_come_back(server: Served) -> None:
    from pipeline.inference.server import ServerEngine
    from pipeline.inference.server_weights import give_weights
    from tests.pipeline.inference.unruly import ask as request

    model = ModelConfig(name=server.name, url=server.url)
    give_weights(model)
    engine = ServerEngine(model)
    try:
        completions = engine.submit(request("1, 2, 3, 4, 5, 6,", n=16)).result(GUARD)
    finally:
        engine.close()
    assert sum("7" in completion.text for completion in completions) > 8, "one of them may say another number"
