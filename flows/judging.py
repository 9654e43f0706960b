"""The model-judged second look at what the screen kept: optional, through the same engine that samples."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.shards import asked_key, is_stale, write_stage
from pipeline.inference.ask import Asker
from pipeline.inference.engine import Engine, SamplingParams
from pipeline.run.storage import RunFolder
from pipeline.screen.judge import screen_by_judge
from schemas.config import Config

STAGE = "judge"


@task(name="judge", cache_policy=NO_CACHE)
def judge_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Judge one shard of `room`, unless the same model judged the same content before.

    What a failed request left unjudged is kept, and the shard is asked for again by the next run.
    """
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    # One greedy completion: the same question gets the same answer.
    asker = Asker(engine, SamplingParams(config.screen.judge.max_tokens, temperature=0.0))
    kept, rejected = screen_by_judge(folder.read_table(f"{room}/{shard}.parquet"), asker)
    rejected = rejected.with_columns(pl.lit(STAGE).alias("stage"))
    write_stage(folder, STAGE, shard, kept, rejected, sign_outcome(key, asker.failed))


def sign_outcome(key: str, failed: int) -> str:
    """The key of an outcome, which matches no other where a request failed, so that the next run asks again."""
    return f"{key} pending" if failed else key
