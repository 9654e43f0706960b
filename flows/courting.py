"""The court with a model at hand, which writes generators and validators where problems lack tests."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.judging import Asking
from flows.shards import asked_key, is_stale, write_stage
from pipeline.inference.engine import Engine
from pipeline.run.storage import RunFolder
from pipeline.stage import hear_problems
from schemas.config import Config, SamplingConfig

STAGE = "court"


def author_sampling(config: Config) -> SamplingConfig:
    """One greedy completion a program."""
    return SamplingConfig(n=1, temperature=0.0, max_tokens=config.court.author.max_tokens)


@task(name=STAGE, cache_policy=NO_CACHE)
def author_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Judge one shard of `room`, unless the same model helped to judge the same content before.

    A shard with requests that failed is heard again by the next run.
    """
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    problems = folder.read_table(f"{room}/{shard}.parquet")
    asking = Asking(engine)
    kept, rejected = hear_problems(problems, config, asking)
    write_stage(folder, STAGE, shard, kept, rejected, asking.sign(key))
