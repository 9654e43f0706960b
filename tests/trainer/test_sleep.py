"""An engine that sleeps while the trainer has its GPU: what it refuses, and what it does when it is awake again.

A CPU has no memory to let go of (vLLM's worker says so and does nothing), so these tests prove the order of things,
the requests that outlast them, and the weights they go on under; not that memory is free.
"""

import asyncio

import pytest
import torch

from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.engine import EngineDied
from pipeline.inference.machine import Place
from pipeline.inference.prompts import Prompt
from schemas.config import ModelConfig
from tests.trainer.pushed import opened, push
from trainer.rollout_engine import RolloutEngine

PROMPT = Prompt(None, "One, two, three,", "0" * 16)
TURNS = Place(0, 1, share=0.5)
GUARD = 240
MODEL = ModelConfig(dtype="float32", max_model_len=512, max_num_seqs=8)


def test_on_a_gpu_its_share_of_the_memory_and_sleep_mode_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def settings(model: ModelConfig, place: Place) -> dict[str, object]:
        return dict(RolloutEngine(model, ensure_embedded(), place=place)._settings.engine)

    monkeypatch.setattr("trainer.rollout_engine.find_device", lambda: "cuda")
    asked = settings(MODEL, TURNS)
    assert (asked["enable_sleep_mode"], asked["gpu_memory_utilization"]) == (True, 0.5)
    own = settings(MODEL.model_copy(update={"engine": {"gpu_memory_utilization": 0.3}}), TURNS)
    assert own["gpu_memory_utilization"] == 0.3
    assert "enable_sleep_mode" not in settings(MODEL, Place(0, 1))
    assert "gpu_memory_utilization" not in settings(MODEL, Place(0, 1))


@pytest.mark.model
def test_requests_outlast_sleep_and_go_on_under_the_weights_pushed_though_a_cpu_lets_go_of_no_memory() -> None:
    from transformers import AutoModelForCausalLM

    weights = AutoModelForCausalLM.from_pretrained(ensure_embedded(), dtype=torch.float32)
    zeros = [(name, torch.zeros_like(weight)) for name, weight in weights.named_parameters()]

    async def take_turns() -> None:
        async with opened(RolloutEngine(MODEL, ensure_embedded(), place=TURNS)) as engine:
            under_way = asyncio.create_task(engine.sample(PROMPT, 1, 64, 0.0))
            while not engine.stats.busy:
                await asyncio.sleep(0.05)
            await engine.pause()
            busy = engine.stats.busy
            later = asyncio.create_task(engine.sample(PROMPT, 1, 4, 0.0))
            await asyncio.sleep(0.5)
            # It sleeps: requests are taken and nothing is generated, and it does not go on without weights.
            assert not under_way.done()
            assert not later.done()
            with pytest.raises(RuntimeError, match="push some before it goes on"):
                await engine.resume()
            await push(engine, zeros, 1)
            assert engine.stats.busy == busy
            await engine.resume()
            first, second = await asyncio.wait_for(asyncio.gather(under_way, later), GUARD)
            # What was generated stays, and the rest is of weights that know nothing: each token is the first one.
            for rollout in first.rollouts:
                assert rollout.versions == (0, 1)
                assert len(rollout.tokens) == len(rollout.logprobs) == 64
                assert rollout.tokens[0] != rollout.tokens[-1] == 0
                assert rollout.logprobs[-1] == pytest.approx(-torch.tensor(49152.0).log().item(), abs=1e-3)
            assert second.rollouts[0].versions == (1, 1)
            assert set(second.rollouts[0].tokens) == {0}
            # Again, with nothing in flight.
            await engine.pause()
            await push(engine, list(weights.named_parameters()), 2)
            await engine.resume()
            (again,) = (await engine.sample(PROMPT, 1, 8, 0.0)).rollouts
            assert again.versions == (2, 2)
            assert again.tokens[0] == first.rollouts[0].tokens[0] != 0

    asyncio.run(take_turns())


@pytest.mark.model
def test_sleep_mode_itself_is_refused_on_a_cpu() -> None:
    """Why the engine does not ask for it here."""
    model = MODEL.model_copy(update={"engine": {"enable_sleep_mode": True}})

    with pytest.raises(EngineDied, match="Sleep mode is not supported"):
        asyncio.run(RolloutEngine(model, ensure_embedded()).start())
