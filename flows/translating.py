"""Translation as a step of the flow: a tenth of the English problems, through the engine that also samples.

It stands before sampling, so that a translation is graded like any other problem and its pass rate is its own.
"""

from dataclasses import asdict

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.judging import sign_outcome
from flows.shards import asked_key, is_stale, write_stage
from pipeline.inference.ask import Asker
from pipeline.inference.engine import Engine, SamplingParams
from pipeline.run.layout import summary_name
from pipeline.run.storage import RunFolder
from pipeline.translate import STAGE, translate
from schemas.config import Config


@task(name=STAGE, cache_policy=NO_CACHE)
def translate_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Translate what is chosen of one shard of `room`, unless the same model did so with the same content before.

    Translations stand behind the problems that they are of. A shard with requests that failed is tried again by the
    next run.
    """
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    problems = folder.read_table(f"{room}/{shard}.parquet")
    asker = Asker(engine, SamplingParams(config.translate.max_tokens, config.translate.temperature))
    done = translate(problems, config.translate, asker)
    folder.write_json(summary_name(STAGE, shard), asdict(done.counts))
    kept = pl.concat([done.problems, done.translations])
    write_stage(folder, STAGE, shard, kept, done.rejected, sign_outcome(key, done.counts.unknown))
