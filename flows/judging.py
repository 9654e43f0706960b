"""The model-judged second look at what the screen kept: optional, through the same engine that samples."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.shards import asked_key, is_stale, write_stage
from pipeline.inference.engine import Completion, Engine, EngineFailure, Request
from pipeline.inference.prompts import Prompt
from pipeline.run.storage import RunFolder
from pipeline.screen.judge import screen_by_judge
from schemas.config import Config, SamplingConfig

STAGE = "judge"


def judge_sampling(config: Config) -> SamplingConfig:
    """One greedy completion a problem."""
    return SamplingConfig(n=1, temperature=0.0, max_tokens=config.screen.judge.max_tokens)


@task(name="judge", cache_policy=NO_CACHE)
def judge_shard(config: Config, folder: RunFolder, engine: Engine, shard: str, room: str) -> None:
    """Judge one shard of `room`, unless the same model judged the same content before.

    What a failed request left unjudged is kept, and the shard is asked for again by the next run.
    """
    key = asked_key(config, folder, engine, STAGE, shard, room)
    if not is_stale(folder, STAGE, shard, key):
        return
    asking = Asking(engine)
    kept, rejected = screen_by_judge(folder.read_table(f"{room}/{shard}.parquet"), asking)
    write_stage(folder, STAGE, shard, kept, rejected.with_columns(pl.lit(STAGE).alias("stage")), asking.sign(key))


@dataclass
class Asking:
    """`ask`, which remembers how many requests failed."""

    engine: Engine
    failed: int = 0

    def __call__(self, prompts: Sequence[str]) -> list[str | None]:
        texts = ask(self.engine, prompts)
        self.failed += texts.count(None)
        return texts

    def sign(self, key: str) -> str:
        """The key of an outcome, which is nobody's where a request failed."""
        return f"{key} owed" if self.failed else key


def ask(engine: Engine, prompts: Sequence[str]) -> list[str | None]:
    """One completion a prompt; null where its request failed, which rejects nothing. `engine.capacity` at a time."""
    waiting: deque[Future[tuple[Completion, ...]]] = deque()
    texts: list[str | None] = []
    for prompt in prompts:
        if len(waiting) >= engine.capacity:
            texts.append(_text(waiting.popleft()))
        waiting.append(engine.submit(Request(Prompt((("user", prompt),), None, ""), 1)))
    return texts + [_text(future) for future in waiting]


def _text(future: "Future[tuple[Completion, ...]]") -> str | None:
    try:
        return future.result()[0].text
    except EngineFailure:
        return None
