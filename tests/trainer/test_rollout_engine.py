"""The rollout engine with a real model: what it samples, and that weights go in while it samples.

Everything is float32, so transformers, which computes the same from scratch, tells which weights and which KV cache a
token came from.
"""

import asyncio
import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.inference.embedded import ensure_embedded
from pipeline.inference.engine import EngineDied, EngineFailure
from pipeline.inference.prompts import Prompt
from schemas.config import LoraTraining, ModelConfig, TrainConfig
from tests.pipeline.inference.test_watch import ROOT, wait_gone
from tests.trainer.pushed import push
from trainer.policy import load_policy
from trainer.rollout import Rollout, Sampled, TooOld
from trainer.rollout_engine import RolloutEngine
from trainer.weights import write_weights

pytestmark = pytest.mark.model
GUARD = 240
CLOSE = 1e-3
LONG = " ".join(f"River {i} flows for {37 * i} kilometres." for i in range(1, 18)) + " The longest river is"
"""More than one block of the prefix cache."""

Go = Callable[[Coroutine[Any, Any, Any]], Any]


def ask(text: str, chat: bool = False) -> Prompt:
    return Prompt((("user", text),) if chat else None, None if chat else text, "0" * 16)


@pytest.fixture(scope="module")
def go() -> Iterator[Go]:
    with asyncio.Runner() as runner:
        yield lambda what: runner.run(asyncio.wait_for(what, GUARD))


@pytest.fixture(scope="module")
def engine(go: Go) -> Iterator[RolloutEngine]:
    model = ModelConfig(dtype="float32", max_model_len=512, max_num_seqs=16)
    one = RolloutEngine(model, ensure_embedded(), stop_strings=(" 12",))
    go(one.start())
    yield one
    go(one.close())


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    """The weights that the engine starts with, on one thread: the engine has all the cores."""
    from transformers import AutoModelForCausalLM

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield AutoModelForCausalLM.from_pretrained(ensure_embedded(), dtype=torch.float32).eval()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(started: Any) -> Any:
    """Other weights, every one of them."""
    torch.manual_seed(0)
    other = copy.deepcopy(started)
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))
    return other


def logits_of(model: Any, prompt: tuple[int, ...], rollout: Rollout) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(torch.tensor([prompt + rollout.tokens])).logits[0, len(prompt) - 1 : -1]
    return logits


def gaps(model: Any, prompt: tuple[int, ...], rollout: Rollout) -> torch.Tensor:
    """|log-probability by the engine - by the model|, token for token."""
    chosen = torch.tensor(rollout.tokens)[:, None]
    own = torch.log_softmax(logits_of(model, prompt, rollout), -1).gather(1, chosen)[:, 0]
    return (own - torch.tensor(rollout.logprobs)).abs()


def is_greedy(model: Any, sampled: Sampled) -> bool:
    rollout = sampled.rollouts[0]
    return logits_of(model, sampled.prompt, rollout).argmax(-1).eq(torch.tensor(rollout.tokens)).all().item() is True


def test_rollouts_have_tokens_text_and_the_models_own_logprobs(go: Go, engine: RolloutEngine, started: Any) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(ensure_embedded())
    before = engine.stats

    async def sample() -> list[Sampled]:
        asked = [engine.sample(ask(f"What is {i} + 2?", chat=i % 2 == 1), n=2, max_tokens=16) for i in range(4)]
        # Below temperature 1 the log-probabilities are still those of temperature 1.
        return await asyncio.gather(*asked, engine.sample(ask("A cool one:"), n=2, max_tokens=16, temperature=0.5))

    groups = go(sample())
    assert tokenizer.decode(groups[0].prompt) == "What is 0 + 2?"
    assert tokenizer.decode(groups[1].prompt).endswith("What is 1 + 2?<|im_end|>\n<|im_start|>assistant\n")
    for group in groups:
        assert len(group.rollouts) == 2
        for rollout in group.rollouts:
            assert 0 < len(rollout.tokens) == len(rollout.logprobs) <= 16
            assert gaps(started, group.prompt, rollout).mean() < CLOSE
            assert rollout.versions == (0, 0)
            whole = tokenizer.decode(rollout.tokens, skip_special_tokens=True)
            assert rollout.text == whole.split(" 12")[0]
            stopped = rollout.tokens[-1] == tokenizer.eos_token_id or " 12" in whole
            assert rollout.finish_reason == ("stop" if stopped else "length")
            assert stopped or len(rollout.tokens) == 16
    after = engine.stats
    assert after.tokens - before.tokens == sum(len(r.tokens) for group in groups for r in group.rollouts)
    assert after.busy > before.busy


def test_a_stop_string_ends_the_text_but_its_tokens_are_kept(go: Go, engine: RolloutEngine) -> None:
    (rollout,) = go(engine.sample(ask("6, 7, 8, 9,"), n=1, max_tokens=24, temperature=0)).rollouts
    assert (rollout.text, rollout.finish_reason) == (" 10, 11,", "stop")
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(ensure_embedded()).decode(rollout.tokens) == " 10, 11, 12"


def test_a_prompt_that_is_too_long_fails_alone(go: Go, engine: RolloutEngine) -> None:
    async def sample() -> list[Any]:
        asked = (engine.sample(ask(text), n=2, max_tokens=4) for text in ("x " * 600, "1 + 1 ="))
        return await asyncio.gather(*asked, return_exceptions=True)

    refused, fine = go(sample())
    assert isinstance(refused, EngineFailure)
    assert "model.max_model_len is 512" in str(refused)
    assert len(fine.rollouts) == 2


def test_after_a_push_the_engine_is_one_of_the_new_weights(
    go: Go, engine: RolloutEngine, started: Any, trained: Any
) -> None:
    prompts = [ask(LONG), ask("Once upon a time"), ask("The sum of two and two", chat=True)]

    async def greedy() -> list[Sampled]:
        return await asyncio.gather(*(engine.sample(p, n=1, max_tokens=16, temperature=0) for p in prompts))

    old = go(greedy())
    assert len(old[0].prompt) > 128
    go(push(engine, trained.named_parameters(), 1))
    new = go(greedy())
    # As a checkpoint saved whole names them, the tied head beside the embedding.
    go(push(engine, started.state_dict().items(), 2))
    back = go(greedy())
    assert engine.version == 2
    for before, after, again in zip(old, new, back, strict=True):
        assert is_greedy(started, before)
        assert is_greedy(trained, after)
        assert after.rollouts[0].tokens != before.rollouts[0].tokens
        # With LONG: blocks that the prefix cache kept of other weights would show here.
        assert gaps(trained, after.prompt, after.rollouts[0]).mean() < CLOSE
        assert again.rollouts[0].tokens == before.rollouts[0].tokens
        assert [one.rollouts[0].versions for one in (before, after, again)] == [(0, 0), (1, 1), (2, 2)]


def test_adapters_alone_are_merged_into_the_model_that_they_were_trained_on(
    go: Go, engine: RolloutEngine, started: Any, tmp_path: Path
) -> None:
    """As servers get them. Each push is of that model with these adapters, whatever the engine had before."""
    policy = load_policy(str(ensure_embedded()), TrainConfig(lora=LoraTraining(rank=2)))
    torch.manual_seed(0)
    for name, master in policy.masters.items():
        if ".lora_B." in name:
            master.data.normal_(std=0.05)
    policy.publish()
    with (tmp_path / "adapters").open("wb") as file:
        write_weights(policy.export_adapters(), file, policy.find_merge())
    merged = copy.deepcopy(started)
    merged.load_state_dict({name: weight.float() for name, weight in policy.export_weights()}, strict=False)

    for _ in range(2):
        go(engine.load(str(tmp_path / "adapters"), engine.version + 1))
        found = go(engine.sample(ask("Once upon a time"), n=1, max_tokens=16, temperature=0))
        assert gaps(merged, found.prompt, found.rollouts[0]).mean() < CLOSE
        assert gaps(started, found.prompt, found.rollouts[0]).mean() > 100 * CLOSE
    # The next tests begin with these.
    go(push(engine, started.named_parameters(), engine.version + 1))


def test_what_is_in_flight_goes_on_under_new_weights_with_its_tokens_and_cache(
    go: Go, engine: RolloutEngine, started: Any, trained: Any
) -> None:
    old = engine.version

    async def keep_asking(task: int, until: asyncio.Event) -> list[Sampled]:
        groups = []
        while not until.is_set():
            # Of several lengths, so that never all of them end in one step.
            groups.append(await engine.sample(ask(f"Story {task}: Once"), n=2, max_tokens=60 + 35 * task))
        return groups

    async def sample() -> list[Sampled]:
        pushed = asyncio.Event()
        asking = [asyncio.create_task(keep_asking(task, pushed)) for task in range(3)]
        seen = engine.stats.busy
        while engine.stats.busy == seen:
            await asyncio.sleep(0.05)
        # Writing the weights may take longer than any one answer.
        await push(engine, trained.named_parameters(), old + 1)
        pushed.set()
        return [group for groups in await asyncio.gather(*asking) for group in groups]

    groups = go(sample())
    assert {len(group.rollouts) for group in groups} == {2}
    spanning = [(g.prompt, r) for g in groups for r in g.rollouts if r.versions == (old, old + 1)]
    assert spanning
    of_new = []
    for prompt, rollout in spanning:
        of_old = gaps(started, prompt, rollout)
        assert of_old[0] < CLOSE
        # One token alone may be as sure to both models.
        other = int((of_old > CLOSE).nonzero()[0])
        of_new.append(gaps(trained, prompt, rollout)[other:])
    # The new weights go on upon the cache of the old ones, which neither model alone would say.
    assert torch.cat(of_new).max() > CLOSE


def test_paused_it_takes_requests_and_weights_but_generates_nothing(
    go: Go, engine: RolloutEngine, started: Any
) -> None:
    version = engine.version + 1

    async def sample() -> Sampled:
        await engine.pause()
        busy = engine.stats.busy
        task = asyncio.create_task(engine.sample(ask("1, 2, 3,"), n=2, max_tokens=4))
        await asyncio.sleep(0.5)
        await push(engine, started.named_parameters(), version)
        await asyncio.sleep(0.5)
        assert not task.done()
        assert engine.stats.busy == busy
        await engine.resume()
        return await task

    assert {rollout.versions for rollout in go(sample()).rollouts} == {(version, version)}


def test_a_cancelled_request_is_dropped_and_the_others_are_not(go: Go, engine: RolloutEngine) -> None:
    async def sample() -> float:
        lost = asyncio.create_task(engine.sample(ask("Once upon"), n=16, max_tokens=400))
        kept = asyncio.create_task(engine.sample(ask("1, 2, 3,"), n=2, max_tokens=8))
        await asyncio.sleep(0.5)
        lost.cancel()
        assert len((await kept).rollouts) == 2
        with pytest.raises(asyncio.CancelledError):
            await lost
        await engine.pause()
        await engine.resume()
        busy = engine.stats.busy
        await asyncio.sleep(1.5)
        return engine.stats.busy - busy

    assert go(sample()) == 0


def test_requests_of_weights_that_are_too_old_are_ended_and_what_waits_for_its_first_token_is_not(
    go: Go, engine: RolloutEngine, started: Any
) -> None:
    """`old` takes all of the engine's places, so that `waiting`, asked just after it, begins under the new weights."""
    version = engine.version

    async def sample() -> tuple[Sampled, float]:
        old = asyncio.create_task(engine.sample(ask("Once upon"), n=16, max_tokens=450))
        seen = engine.stats.busy
        while engine.stats.busy == seen:
            await asyncio.sleep(0.05)
        waiting = asyncio.create_task(engine.sample(ask("1, 2, 3,"), n=2, max_tokens=8))
        await engine.drop_older(version)
        await push(engine, started.named_parameters(), version + 1)
        await engine.drop_older(version)
        assert not old.done()
        await engine.pause()
        await engine.drop_older(version + 1)
        with pytest.raises(TooOld):
            await old
        assert not waiting.done()
        await engine.resume()
        answer = await waiting
        await engine.drop_older(version + 2)
        busy = engine.stats.busy
        await asyncio.sleep(1)
        return answer, engine.stats.busy - busy

    answer, after = go(sample())
    assert {rollout.versions for rollout in answer.rollouts} == {(version + 1, version + 1)}
    assert after == 0


def test_weights_with_a_gap_end_the_engine_and_all_that_is_in_flight(
    go: Go, engine: RolloutEngine, started: Any
) -> None:
    """The last of this engine."""
    pid = engine.pid
    assert pid is not None

    async def push_some() -> list[Any]:
        tasks = [asyncio.create_task(engine.sample(ask("Once upon a time"), n=2, max_tokens=200)) for _ in range(3)]
        partial = [(name, weight) for name, weight in started.named_parameters() if "layers.7." not in name]
        with pytest.raises(EngineDied, match=r"lack \d+ of the model's, such as model\.layers\.7\."):
            await push(engine, partial, 99)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(end) for end in go(push_some())] == [EngineDied] * 3
    wait_gone(pid)
    with pytest.raises(EngineDied):
        go(engine.sample(ask("1 + 1 ="), n=1, max_tokens=1))


def test_killed_engines_are_noticed_at_once_and_killed_trainers_leave_none() -> None:
    command = [sys.executable, "-m", "tests.trainer.engine_run", str(ensure_embedded())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as trainer:
        try:
            assert trainer.stdout is not None
            os.kill(first := hear(trainer.stdout)["pid"], signal.SIGKILL)
            said = hear(trainer.stdout)
            assert said["died"] == 6
            assert said["seconds"] < 10
            assert "SIGKILL" in said["why"]
            wait_gone(first)
            second = hear(trainer.stdout)["pid"]
        finally:
            trainer.kill()
    wait_gone(second)


def hear(stream: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(stream.readline() or "{}")
    return said
