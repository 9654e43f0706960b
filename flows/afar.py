"""Tasks of a shard that need nothing of this process: they open the engine and the verifier where they run.

An engine's connections and a verifier's processes cannot be sent to another machine; a config and a run's folder can.
Each sends its requests to the server with the least in its own hands.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.courting import author_shard
from flows.judging import judge_shard
from flows.translating import translate_shard
from pipeline.inference.open import open_engine
from pipeline.publish.shards import publish_shard
from pipeline.run.evidence import find_graded, find_samples, find_stages
from pipeline.run.storage import RunFolder
from pipeline.sample.session import open_grading
from schemas.config import Config

ASKING = {
    "judge": judge_shard,
    "translate": translate_shard,
    "court": author_shard,
}
"""Stage -> its task over a shard with an engine."""


@task(name="sample", cache_policy=NO_CACHE)
def sample_shard_afar(config: Config, folder: RunFolder, shard: str, graded: str, grading_pass: int) -> int:
    """Take and verify what one shard (its table is `graded`) owes; returns how many samples it still owes."""
    with open_grading(config, folder, grading_pass, graded={shard: graded}) as grading:
        return grading.grade(shard)


@task(name="ask", cache_policy=NO_CACHE)
def ask_shard_afar(config: Config, folder: RunFolder, stage: str, shard: str, room: str) -> None:
    """Run a stage that asks the model over one shard of `room`."""
    with open_engine(config.model) as engine:
        ASKING[stage].fn(config, folder, engine, shard, room)


@task(name="publish-shard", cache_policy=NO_CACHE)
def publish_shard_afar(
    config: Config,
    folder: RunFolder,
    shard: str,
    graded: str,
    samples: Sequence[str],
    stages: Sequence[str],
    grading_pass: int,
) -> dict[str, int]:
    """Publish one decided shard."""
    return publish_shard(folder, config, shard, graded, samples, stages, grading_pass)


def submit_samples(
    config: Config, folder: RunFolder, shards: Sequence[str], patience: Mapping[str, Any], grading_pass: int
) -> dict[str, Any]:
    """A future of `sample_shard_afar` for every shard."""
    graded = find_graded(folder)
    return {
        shard: sample_shard_afar.with_options(task_run_name=f"sample-{shard}", **patience).submit(
            config, folder, shard, graded[shard], grading_pass
        )
        for shard in shards
    }


def submit_asking(
    config: Config, folder: RunFolder, stage: str, shards: Sequence[str], room: str, patience: Mapping[str, Any]
) -> dict[str, Any]:
    """A future of `ask_shard_afar` for every shard."""
    return {
        shard: ask_shard_afar.with_options(task_run_name=f"{stage}-{shard}", **patience).submit(
            config, folder, stage, shard, room
        )
        for shard in shards
    }


def submit_publishing(
    config: Config, folder: RunFolder, patience: Mapping[str, Any], grading_pass: int
) -> dict[str, Any]:
    """A future of `publish_shard_afar` for every graded shard."""
    stages, samples = find_stages(folder), find_samples(folder)
    return {
        shard: publish_shard_afar.with_options(task_run_name=f"publish-{shard}", **patience).submit(
            config, folder, shard, graded, samples.get(shard, []), stages, grading_pass
        )
        for shard, graded in find_graded(folder).items()
    }
