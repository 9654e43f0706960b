"""Generators: a batch always has its size, nothing without signal is in it, and what is ahead is bounded."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from pipeline.inference.prompts import Prompt
from pipeline.language import keeps_language
from pipeline.verify.problem import ProblemVerifier
from schemas.config import SandboxConfig, TrainConfig, TrainStage, VerifyConfig
from tests.trainer.scripted import ScriptedSampler
from trainer.problem_sampler import LONGEST_REST, Feed
from trainer.problems import Task
from trainer.reward import Judged, judge_group
from trainer.rollouts import Generators, StarvedError, measure_lag

TASKS = [Task(f"{n:02d}", f"what is {n}", "math", "en", Prompt(None, str(n), str(n)), str(n)) for n in range(20)]
TRAIN = TrainConfig(num_generations=4, max_async_batches=2)
STAGE = TrainStage(name="one", prompts_per_batch=3)


def half_right(text: str, number: int) -> str:
    """Even problems have signal: every other sample is right. Odd ones are always right."""
    return text if int(text) % 2 or number % 2 else "-1"


@asynccontextmanager
async def generators(
    sampler: ScriptedSampler, train: TrainConfig = TRAIN, feed: Feed | None = None
) -> AsyncIterator[Generators]:
    with ProblemVerifier(VerifyConfig(extract="last"), SandboxConfig()) as verifier:
        made = Generators(sampler, feed or Feed(TASKS, "0"), verifier, train, STAGE, 16)
        try:
            yield made
        finally:
            await made.stop()


@pytest.mark.parametrize("synchronous", [False, True])
def test_a_batch_has_its_size_and_only_groups_with_signal(synchronous: bool) -> None:
    async def run() -> None:
        train = TRAIN.model_copy(update={"synchronous": synchronous})
        async with generators(ScriptedSampler(half_right), train) as made:
            for _ in range(4):
                batch, _ = await made.collect(0)
                assert len(batch) == STAGE.prompts_per_batch
                assert all(int(group.problem_id) % 2 == 0 and group.has_signal for group in batch)

    asyncio.run(run())


def test_what_is_ahead_of_the_trainer_is_bounded() -> None:
    async def run() -> None:
        sampler = ScriptedSampler(lambda text, number: text if number % 2 else "-1", pause=0.002)
        async with generators(sampler) as made:
            bound = int(TRAIN.max_async_batches * STAGE.prompts_per_batch)
            for batches in range(4):
                await asyncio.sleep(0.05)
                assert len(sampler.asked) == bound + batches * STAGE.prompts_per_batch
                assert sampler.most <= bound * TRAIN.num_generations
                await made.collect(0)

    asyncio.run(run())


def test_a_group_that_began_too_long_ago_is_dropped_and_its_problem_is_next() -> None:
    """Rollouts of problem 04 began at version 1, all others at version 5."""

    async def run() -> None:
        train = TRAIN.model_copy(update={"max_off_policy_steps": 4})
        sampler = ScriptedSampler(half_right, version=lambda: 1 if sampler.asked[-1] == "4" else 5)
        feed = Feed(TASKS, "0")
        async with generators(sampler, train, feed) as made:
            trained: list[str] = []
            while sampler.asked.count("4") < 2:
                batch, _ = await made.collect(6)
                trained += [group.problem_id for group in batch]
                assert len(batch) == STAGE.prompts_per_batch
                assert measure_lag(batch, 6)["max_lag"] == 1
                for group in batch:
                    feed.done(group.problem_id)
            assert "04" not in trained
            # The second of them may still be under way.
            assert made.take_harvest().stale >= 1

    asyncio.run(run())


def test_a_group_that_can_only_come_too_late_is_ended_while_it_generates_and_its_problem_rests_in_the_end() -> None:
    """One problem never ends by itself. Each batch makes a new version, and two later a group is of no use."""
    tasks = [replace(TASKS[0], id=f"{n:02d}", prompt=Prompt(None, str(n), str(n)), label=str(n)) for n in range(80)]
    slow = next(str(int(one.id)) for one in iter(Feed(tasks, "0").take, None) if int(one.id) % 2 == 0)

    async def run() -> None:
        version = 0
        train = TRAIN.model_copy(update={"max_off_policy_steps": 2})
        sampler, feed = ScriptedSampler(half_right, version=lambda: version), Feed(tasks, "0")
        sampler.endless = frozenset({slow})
        ended, too_slow = [], []
        async with generators(sampler, train, feed) as made:
            while sampler.asked.count(slow) < 3:
                batch, _ = await made.collect(version)
                await asyncio.sleep(0.01)
                for group in batch:
                    feed.done(group.problem_id)
                row = made.take_harvest().summarise()
                assert row["stale"] == row["failed"] == 0
                ended += [version] * int(row["cancelled"])
                too_slow += [version] * int(row["too_slow"])
                version += 1
        first, again, after = (number for number, text in enumerate(sampler.asked) if text == slow)
        due = [sampler.began[first] + 2, sampler.began[again] + 2]
        assert ended == due, "not before it was of no use, and at once then"
        assert too_slow == ended[1:]
        assert again - first < len(tasks), "it was the next one"
        # The others' draws of at least seven whole epochs.
        assert (LONGEST_REST - 1) * (len(tasks) - 1) <= after - again <= (LONGEST_REST + 1) * len(tasks)

    asyncio.run(run())


def test_what_generates_in_time_is_left_alone() -> None:
    """Problem 04 takes longer than any other, and never so long that it could not be used."""

    async def run() -> None:
        version = 0
        sampler = ScriptedSampler(half_right, version=lambda: version)
        sampler.endless = frozenset({"4"})
        async with generators(sampler) as made:
            while "4" not in sampler.asked:
                await made.collect(version)
            for version in range(TRAIN.max_off_policy_steps):
                await made.collect(version)
                await asyncio.sleep(0.01)
            assert made.take_harvest().cancelled == 0
            version += 1
            await made.collect(version)
            await asyncio.sleep(0.01)
            assert made.take_harvest().cancelled == 1

    asyncio.run(run())


def test_synchronous_sampling_asks_for_nothing_while_it_trains() -> None:
    async def run() -> None:
        sampler = ScriptedSampler(half_right)
        async with generators(sampler, TRAIN.model_copy(update={"synchronous": True})) as made:
            await made.collect(0)
            asked = len(sampler.asked)
            await asyncio.sleep(0.02)
            assert len(sampler.asked) == asked

    asyncio.run(run())


def test_the_harvest_counts_everything_sampled_once() -> None:
    async def run() -> None:
        sampler = ScriptedSampler(half_right)
        async with generators(sampler, TRAIN.model_copy(update={"synchronous": True})) as made:
            await made.collect(0)
            harvest = made.take_harvest()
            assert harvest.groups == len(sampler.asked)
            assert harvest.with_signal == STAGE.prompts_per_batch
            said = harvest.summarise()
            wrong = 2 * STAGE.prompts_per_batch
            assert said["pass_rate"] == pytest.approx(1 - wrong / (4 * harvest.groups))
            assert said["sampled_tokens"] == said["length"] * 4 * harvest.groups
            assert made.take_harvest().groups == 0

    asyncio.run(run())


def test_a_prompt_that_the_engine_refuses_is_left_out_and_counted() -> None:
    async def run() -> None:
        sampler = ScriptedSampler(half_right)
        sampler.refused = frozenset({"2"})
        async with generators(sampler) as made:
            for _ in range(12):
                batch, _ = await made.collect(0)
                assert "02" not in {group.problem_id for group in batch}
            assert sampler.asked.count("2") == 1

    asyncio.run(run())


def test_a_stage_in_which_nothing_teaches_ends() -> None:
    async def run() -> None:
        async with generators(ScriptedSampler(lambda text, number: text)) as made:
            with pytest.raises(StarvedError):
                await made.collect(0)

    asyncio.run(run())


def test_every_group_says_how_often_its_problem_comes_again() -> None:
    """Those that are always right come ever more seldom, and never in place of the others."""

    async def run() -> None:
        feed, sampler = Feed(TASKS, "0", TRAIN.num_generations), ScriptedSampler(half_right)
        async with generators(sampler, feed=feed) as made:
            for _ in range(60):
                batch, _ = await made.collect(0)
                for group in batch:
                    feed.done(group.problem_id)
        rates = feed.state()["rates"]
        assert rates["04"][0] == rates["04"][1] > 0
        assert rates["05"][0] > 0 == rates["05"][1]
        teaching = sum(int(text) % 2 == 0 for text in sampler.asked)
        assert teaching > 0.6 * len(sampler.asked)

    asyncio.run(run())


def test_what_was_under_way_stays_pending() -> None:
    async def run() -> None:
        feed = Feed(TASKS, "0")
        async with generators(ScriptedSampler(half_right, pause=0.01), feed=feed) as made:
            batch, _ = await made.collect(0)
            for group in batch:
                feed.done(group.problem_id)
            await made.stop()
            state = feed.state()
            assert len(state["pending"]) <= TRAIN.max_async_batches * STAGE.prompts_per_batch
            assert not {group.problem_id for group in batch} & set(state["pending"])

    asyncio.run(run())


def test_an_error_of_a_worker_reaches_the_trainer() -> None:
    async def run() -> None:
        def fail(text: str, number: int) -> str:
            raise RuntimeError("lost")

        async with generators(ScriptedSampler(fail)) as made:
            with pytest.raises(RuntimeError, match="lost"):
                await made.collect(0)

    asyncio.run(run())


def test_lag_is_counted_from_the_first_version_of_each_rollout() -> None:
    async def run() -> None:
        versions = iter(range(1000))
        sampler = ScriptedSampler(half_right, version=lambda: next(versions) // 2)
        async with generators(sampler, TRAIN.model_copy(update={"synchronous": True})) as made:
            batch, _ = await made.collect(0)
            lag = measure_lag(batch, 100)
            firsts = [rollout.versions[0] for group in batch for rollout in group.rollouts]
            assert lag["max_lag"] == 100 - min(firsts)
            assert lag["lag"] == pytest.approx(100 - sum(firsts) / len(firsts))

    asyncio.run(run())


def test_an_answer_over_a_limit_is_worth_nothing_and_a_verdict_lost_is_left_out() -> None:
    """Of four rollouts one is right, one a tower of powers, one wrong, and SymPy has no time for the last."""
    slow = "\\boxed{\\sum_{n=1}^{\\infty} \\frac{1}{n^2+\\sqrt{n}}}"
    texts = ("\\boxed{5}", "\\boxed{9^{9^{9^{9}}}}", "\\boxed{6}", slow)
    task = Task("05", "what is 5", "math", "en", Prompt(None, "5", "5"), "5")

    async def run() -> Judged:
        sampled = await ScriptedSampler(lambda _, number: texts[number]).sample(task.prompt, 4, 16)
        with ProblemVerifier(VerifyConfig(timeout=0.001), SandboxConfig()) as verifier:
            return await judge_group(task, sampled, verifier, STAGE, 16)

    judged = asyncio.run(run())
    assert judged.group is not None
    assert [rollout.text for rollout in judged.group.rollouts] == list(texts[:3])
    assert judged.group.rewards[1] == 0 < judged.group.rewards[2] < judged.group.rewards[0]
    assert judged.group.correct == (True, False, False)
    assert (judged.unknown, judged.over_limit) == (1, 1)


def test_languages_are_named_beside_the_loop_that_engines_are_answered_from(monkeypatch: pytest.MonkeyPatch) -> None:
    named_by = set[int]()

    def name_and_note(statement: str, completion: str) -> bool:
        named_by.add(threading.get_ident())
        return keeps_language(statement, completion)

    monkeypatch.setattr("trainer.reward.keeps_language", name_and_note)
    texts = ("This is the answer to the question: \\boxed{5}", "Dies ist die Antwort auf die Frage: \\boxed{5}")
    task = Task("05", "What is the sum of two and three?", "math", "en", Prompt(None, "5", "5"), "5")

    async def run() -> Judged:
        sampled = await ScriptedSampler(lambda _, number: texts[number]).sample(task.prompt, 2, 64)
        with ProblemVerifier(VerifyConfig(), SandboxConfig()) as verifier:
            return await judge_group(task, sampled, verifier, STAGE, 64)

    group = asyncio.run(run()).group
    assert group is not None
    assert group.rewards[0] > group.rewards[1] > 0
    assert named_by
    assert threading.get_ident() not in named_by


def test_answers_over_a_limit_are_counted_apart_in_the_log() -> None:
    async def run() -> None:
        sampler = ScriptedSampler(lambda text, number: text if number % 2 else "\\boxed{9^{9^{9^{9}}}}")
        async with generators(sampler, TRAIN.model_copy(update={"synchronous": True})) as made:
            await made.collect(0)
            summary = made.take_harvest().summarise()
            assert (summary["over_limit"], summary["unknown"]) == (2 * STAGE.prompts_per_batch, 0)

    asyncio.run(run())
