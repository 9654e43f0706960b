"""The court with a model at hand, which writes generators and validators where problems lack tests."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.judging import ask
from flows.shards import asked_key, is_stale, write_stage
from pipeline.folder import RunFolder
from pipeline.sample.engine import Engine
from pipeline.stage import hear_problems
from schemas.config import Config, SamplingConfig

STAGE = "court"


def author_sampling(config: Config) -> SamplingConfig:
    """One greedy completion a program."""
    return SamplingConfig(n=1, temperature=0.0, max_tokens=config.court.author.max_tokens)


@task(name=STAGE, cache_policy=NO_CACHE)
def author_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Judge one shard of `room`, unless the same model helped to judge the same content before."""
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    problems = folder.read_table(f"{room}/{shard}.parquet")
    kept, rejected = hear_problems(problems, config, lambda asked: ask(engine, asked))
    write_stage(folder, STAGE, shard, kept, rejected, key)
