"""The work of a flow as Prefect tasks, which are retried and limited by Prefect; whether something is done already is
decided by what lies in the run's folder.

A task takes names of files, never tables. On threads the tasks of a run share one engine and one sampling session; on
another machine, where neither can be sent, a task opens its own, and sends its requests to the least busy server.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.old_outcomes import adopt_outcome, adopt_set
from flows.outcomes import hash_text, is_stale, stage_key, write_outcome
from pipeline.inference.ask import Asker
from pipeline.inference.engine import Engine, EngineDied
from pipeline.inference.open import open_engine
from pipeline.run.layout import WHOLE_SET, key_name, stage_folder, table_name
from pipeline.run.storage import RunFolder
from pipeline.sample.session import Grading, open_grading
from pipeline.sandbox import SandboxUnavailable
from pipeline.stages import StageResult, find_stage
from schemas.config import Config
from schemas.errors import InputError


def choose_retries(config: Config) -> dict[str, Any]:
    """How often and when Prefect tries a task again."""
    return {
        "retries": config.flow.retries,
        "retry_delay_seconds": config.flow.retry_delay,
        "retry_condition_fn": can_be_retried,
    }


def can_be_retried(task: Any, run: Any, state: Any) -> bool:
    """Do not retry invalid input, a dead engine or a missing sandbox."""
    return not isinstance(state.result(raise_on_failure=False), InputError | EngineDied | SandboxUnavailable)


@task(name="ingest", cache_policy=NO_CACHE)
def ingest_sources(config: Config, folder: RunFolder) -> None:
    """Read what is new in the sources into shards."""
    from pipeline.ingest.ingest import ingest

    ingest(config, folder)


@task(name="stage", cache_policy=NO_CACHE)
def run_stage_on_shard(
    config: Config, folder: RunFolder, stage: str, shard: str, source: str, engine: Engine | None = None
) -> bool:
    """Run a stage over one shard of the folder `source`, unless its outcome is there; returns whether it ran.

    A stage that asks a model asks `engine`, or one that is opened here.
    """
    chosen = find_stage(stage)
    params = chosen.sampling(config)
    opened = nullcontext(engine) if params is None or engine is not None else open_engine(config.model)
    with opened as answering:
        asked = None if params is None else answering
        key = stage_key(config, folder, chosen, shard, source, asked)
        if not is_stale(folder, stage, shard, key) or adopt_outcome(config, folder, chosen, shard, source, key, asked):
            return False
        asker = None if asked is None or params is None else Asker(asked, params)
        result = chosen.apply(folder.read_table(table_name(source, shard)), config, asker)
        write_outcome(folder, stage, shard, result, key)
    return True


@task(name="stage", cache_policy=NO_CACHE)
def run_stage_on_set(config: Config, folder: RunFolder, stage: str, shards: Sequence[str], source: str) -> bool:
    """Run a stage that judges a problem by all others over `shards` of the folder `source`; returns whether it ran.

    What an earlier run kept stays: a nightly run drops what is new, not what has been graded.
    """
    chosen = find_stage(stage)
    keys = {shard: stage_key(config, folder, chosen, shard, source) for shard in shards}
    set_key = hash_text(*keys.values())
    if not is_stale(folder, stage, WHOLE_SET, set_key) or adopt_set(config, folder, chosen, shards, source, set_key):
        return False
    held = {id for _, table in folder.read_tables(stage_folder(stage), ["id"]) for id in table["id"]}

    def tables() -> Iterator[tuple[str, pl.DataFrame]]:
        for shard in shards:
            yield shard, folder.read_table(table_name(source, shard))

    splits = chosen.split_set(tables(), config, held)
    folder.remove(key_name(stage, WHOLE_SET))
    for shard, key in keys.items():
        decided, split = splits[shard]
        outcome = hash_text(key, decided)
        if is_stale(folder, stage, shard, outcome):
            result = StageResult(*split(folder.read_table(table_name(source, shard))))
            write_outcome(folder, stage, shard, result, outcome)
    folder.write_bytes(key_name(stage, WHOLE_SET), set_key.encode())
    return True


@task(name="sample", cache_policy=NO_CACHE)
def sample_shard(grading: Grading, shard: str) -> int:
    """Take and verify the missing samples of one shard; returns how many are still missing."""
    return grading.grade(shard)


@task(name="sample", cache_policy=NO_CACHE)
def sample_shard_alone(
    config: Config, folder: RunFolder, shard: str, graded: str, grading_pass: int, counts: bool = True
) -> int:
    """`sample_shard` with an engine and a verifier of its own; the shard's table is `graded`."""
    with open_grading(config, folder, grading_pass, graded={shard: graded}, counts=counts) as grading:
        return grading.grade(shard)


@task(name="bring-graders", cache_policy=NO_CACHE)
def bring_other_graders(config: Config, folder: RunFolder) -> int:
    """Store what other runs and files say of the problems; returns the new samples."""
    from pipeline.sample.graders import bring_graders

    return bring_graders(folder, config)


@task(name="decide", cache_policy=NO_CACHE)
def decide_shards(config: Config, folder: RunFolder, grading_pass: int = 1) -> None:
    """Decide every problem from its evidence; seconds, and no model."""
    from pipeline.decide.run import decide_run

    decide_run(folder, config, grading_pass)


@task(name="publish-shard", cache_policy=NO_CACHE)
def publish_shard_alone(
    config: Config,
    folder: RunFolder,
    shard: str,
    graded: str,
    samples: Sequence[str],
    stages: Sequence[str],
    grading_pass: int,
) -> dict[str, int]:
    """Publish one decided shard."""
    from pipeline.publish.shards import publish_shard

    return publish_shard(folder, config, shard, graded, samples, stages, grading_pass)


@task(name="publish", cache_policy=NO_CACHE)
def publish(
    config: Config,
    folder: RunFolder,
    seconds: Mapping[str, float],
    grading_pass: int = 1,
    shards_are_there: bool = False,
) -> dict[str, Any]:
    """Write curated shards, rejects, manifest, card and report; checks that every count adds up."""
    from pipeline.publish.run import publish_run

    return publish_run(folder, config, seconds, grading_pass, shards_are_there)
