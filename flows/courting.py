"""The court with a model at hand, which writes generators and validators where problems lack tests."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.judging import sign_outcome
from flows.shards import asked_key, is_stale, write_stage
from pipeline.inference.ask import Asker
from pipeline.inference.engine import Engine, SamplingParams
from pipeline.run.storage import RunFolder
from pipeline.stage import hear_problems
from schemas.config import Config

STAGE = "court"


@task(name=STAGE, cache_policy=NO_CACHE)
def author_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Judge one shard of `room`, unless the same model helped to judge the same content before.

    A shard with requests that failed is heard again by the next run.
    """
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    problems = folder.read_table(f"{room}/{shard}.parquet")
    # One greedy completion: the same question gets the same answer.
    asker = Asker(engine, SamplingParams(config.court.author.max_tokens, temperature=0.0))
    kept, rejected = hear_problems(problems, config, asker)
    write_stage(folder, STAGE, shard, kept, rejected, sign_outcome(key, asker.failed))
