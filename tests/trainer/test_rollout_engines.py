"""Several rollout engines as one: real processes of the stand-in worker, and one test with vLLM."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.inference.engine import EngineDied, EngineFailure
from pipeline.inference.machine import Place
from pipeline.inference.prompts import Prompt
from schemas.config import ModelConfig
from tests.pipeline.inference.test_watch import GUARD, WORKER, wait_gone
from trainer.rollout import Sampled, TooOld
from trainer.rollout_engines import RolloutEngines, make_here

WEIGHTS = [("w", torch.ones(2))]


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(what, GUARD))


def ask(text: str) -> Prompt:
    return Prompt(None, text, "0" * 16)


@asynccontextmanager
async def opened(folder: Path, engines: int = 2, restarts: int = 3, **engine: Any) -> AsyncIterator[RolloutEngines]:
    model = ModelConfig(engines=engines, restarts=restarts, timeout=30, max_num_seqs=4, engine=engine)
    places = [Place(number, engines) for number in range(engines)]
    async with RolloutEngines(make_here(model, folder, places, worker=WORKER), restarts) as group:
        yield group


def kill(group: RolloutEngines, number: int) -> int:
    pid = group.pids[number]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


def versions(sampled: Sampled) -> set[tuple[int, int]]:
    return {rollout.versions for rollout in sampled.rollouts}


def test_the_work_is_shared_and_every_engine_has_the_weights_of_each_push(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path, engines=3) as group:
            for version in range(3):
                if version:
                    assert await group.push(WEIGHTS, version) > 0
                asked = await asyncio.gather(*(group.sample(ask(f"q{i}"), 2, 8) for i in range(60)))
                assert [one.rollouts[0].text for one in asked] == [f"q{i}!" for i in range(60)]
                assert all(versions(one) == {(version, version)} for one in asked)
            each = [slot.engine.stats.requests for slot in group._slots if slot.engine is not None]
            assert sum(each) == group.stats.requests == 180
            assert min(each) >= 30

    run(sample())


def test_what_is_too_old_ends_on_every_engine_and_nothing_else_does(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path, engines=3) as group:
            held = []
            for version in range(3):
                if version:
                    await group.push(WEIGHTS, version)
                held.append([asyncio.create_task(group.sample(ask(f"HOLD {i}"), 2, 8)) for i in range(6)])
                assert versions(await group.sample(ask("q"), 1, 8)) == {(version, version)}
            for version, old in enumerate(held):
                await group.drop_older(version)
                assert not any(task.done() for tasks in held[version:] for task in tasks)
                await group.drop_older(version + 1)
                ends = await asyncio.gather(*old, return_exceptions=True)
                assert [type(end) for end in ends] == [TooOld] * 6
            assert all(slot.load == 0 for slot in group._slots)

    run(sample())


def test_what_a_dead_engine_held_is_asked_of_another_and_it_comes_back_with_the_next_weights(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path) as group:
            await group.push(WEIGHTS, 1)
            asked = [asyncio.create_task(group.sample(ask(f"SLOW {i}"), 2, 8)) for i in range(8)]
            await asyncio.sleep(0.1)
            kill(group, 0)
            assert {one.rollouts[0].text for one in await asyncio.gather(*asked)} == {f"SLOW {i}!" for i in range(8)}
            await until(lambda: None not in group.pids)
            # It has the model's first weights, so that it is asked for nothing yet.
            asked = [asyncio.create_task(group.sample(ask(f"q{i}"), 1, 8)) for i in range(20)]
            assert all(versions(one) == {(1, 1)} for one in await asyncio.gather(*asked))
            assert group._slots[0].engine is not None
            assert group._slots[0].engine.stats.requests == 0
            await group.push(WEIGHTS, 2)
            asked = [asyncio.create_task(group.sample(ask(f"q{i}"), 1, 8)) for i in range(20)]
            assert all(versions(one) == {(2, 2)} for one in await asyncio.gather(*asked))
            assert group._slots[0].engine.stats.requests > 0
            assert (group.stats.requests, group.stats.restarts) == (48, 1)

    run(sample())


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_sampled_by_weights_from_before_the_last_push(seed: int, tmp_path: Path) -> None:
    """Engines die at random moments while weights are pushed and groups are sampled."""
    draw = random.Random(seed)

    async def sample() -> None:
        async with opened(tmp_path, engines=3, restarts=20) as group:
            over = False

            async def keep_asking(number: int) -> int:
                asked = 0
                while not over:
                    known = group.version
                    one = await group.sample(ask(f"SLOW {number}" if number % 4 == 0 else f"q{number}"), 2, 8)
                    assert all(first >= known for first, _ in versions(one))
                    asked += 1
                    await asyncio.sleep(0)
                return asked

            asking = [asyncio.create_task(keep_asking(number)) for number in range(6)]
            for version in range(1, 9):
                await asyncio.sleep(0.05 + draw.random() * 0.2)
                engines = [slot.engine for slot in group._slots]
                usable = [n for n, one in enumerate(engines) if one and one.pid and one.version == version - 1]
                if len(usable) > 1 and draw.random() < 0.6:
                    kill(group, draw.choice(usable))
                await group.push(WEIGHTS, version)
            over = True
            assert min(await asyncio.gather(*asking)) > 0

    run(sample())


def test_an_engine_that_dies_of_a_push_leaves_the_others_with_its_weights(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path, dies_at_version=(2, str(tmp_path / "dead"))) as group:
            await group.push(WEIGHTS, 1)
            await group.push(WEIGHTS, 2)
            assert group.pids.count(None) == 1
            assert versions(await group.sample(ask("q"), 2, 8)) == {(2, 2)}
            await until(lambda: None not in group.pids)
            await group.push(WEIGHTS, 3)
            assert {slot.engine and slot.engine.version for slot in group._slots} == {3}

    run(sample())


def test_without_an_engine_that_has_the_weights_every_request_says_why(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path, restarts=0) as group:
            asked = [asyncio.create_task(group.sample(ask(f"SLOW {i}"), 2, 8)) for i in range(4)]
            await asyncio.sleep(0.1)
            pids = [kill(group, 0), kill(group, 1)]
            for one in await asyncio.gather(*asked, return_exceptions=True):
                assert isinstance(one, EngineDied)
                assert "SIGKILL" in str(one)
            with pytest.raises(EngineDied, match="SIGKILL"):
                await group.push(WEIGHTS, 1)
            for pid in pids:
                wait_gone(pid)

    run(sample())


def test_a_lone_engine_is_not_started_again_here_because_nobody_has_weights_for_it(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path, engines=1) as group:
            kill(group, 0)
            with pytest.raises(EngineDied, match="SIGKILL"):
                await group.sample(ask("SLOW"), 2, 8)
            assert group.stats.restarts == 0

    run(sample())


def test_no_engine_starts_while_they_are_paused(tmp_path: Path) -> None:
    """The devices are the trainer's then."""

    async def sample() -> None:
        async with opened(tmp_path) as group:
            await group.pause()
            kill(group, 0)
            await until(lambda: group.pids[0] is None)
            await asyncio.sleep(0.5)
            assert group.stats.restarts == 0
            await group.push(WEIGHTS, 1)
            await group.resume()
            await until(lambda: group.stats.restarts == 1)
            await asyncio.sleep(0)
            # One that is starting is waited for, and paused with the others.
            await group.pause()
            assert None not in group.pids

    run(sample())


def test_a_prompt_that_is_refused_is_asked_of_nobody_else(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path) as group:
            with pytest.raises(EngineFailure, match="too long"):
                await group.sample(ask("REFUSE"), 2, 8)
            assert group.stats.requests == 0
            assert None not in group.pids

    run(sample())


def test_settings_that_fit_no_model_are_told_at_the_start_and_leave_no_process(tmp_path: Path) -> None:
    async def sample() -> None:
        with pytest.raises(EngineDied, match="these settings fit no model"):
            async with opened(tmp_path, unusable=True):
                pass

    run(sample())


def test_closing_fails_what_is_pending_and_leaves_no_process(tmp_path: Path) -> None:
    async def sample() -> None:
        async with opened(tmp_path) as group:
            asked = [asyncio.create_task(group.sample(ask("HANG"), 1, 8)) for _ in range(2)]
            await asyncio.sleep(0.1)
            kill(group, 0)
            await until(lambda: group.pids[0] is None)
            pids = [pid for pid in group.pids if pid is not None]
        for one in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(one, EngineDied)
        for pid in pids:
            wait_gone(pid)

    run(sample())
