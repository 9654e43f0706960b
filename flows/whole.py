"""Dedup as a step of the flow: it looks at the whole set at once, and splits it shard by shard."""

import hashlib
from collections.abc import Iterator, Sequence

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.shards import is_stale, stage_key, write_stage
from pipeline.dedup import STAGE, find_duplicates, split_duplicates
from pipeline.run.layout import WHOLE_SET, key_name, stage_folder, table_name
from pipeline.run.storage import RunFolder
from schemas.config import Config


@task(name=STAGE, cache_policy=NO_CACHE)
def dedup_shards(config: Config, folder: RunFolder, shards: Sequence[str], room: str) -> None:
    """Drop what the set has twice from every shard of `room`; nothing is done where no shard and no rule is new.

    What an earlier run kept stays: a nightly run drops what is new, not what has been graded. Memory is that of the
    signatures and one shard.
    """
    keys = {shard: stage_key(config, folder, STAGE, shard, room) for shard in shards}
    whole = hashlib.sha256("\n".join(keys.values()).encode()).hexdigest()
    if not is_stale(folder, STAGE, WHOLE_SET, whole):
        return
    held = {id for _, table in folder.read_tables(stage_folder(STAGE), ["id"]) for id in table["id"]}

    def tables() -> Iterator[tuple[str, pl.DataFrame]]:
        for shard in shards:
            yield shard, folder.read_table(table_name(room, shard))

    found = find_duplicates(tables(), config.dedup, held)
    folder.remove(key_name(STAGE, WHOLE_SET))
    for shard, key in keys.items():
        told = "\n".join([key, *(f"{row} {detail}" for row, _, detail in found[shard].sort("row").iter_rows())])
        outcome = hashlib.sha256(told.encode()).hexdigest()
        if is_stale(folder, STAGE, shard, outcome):
            kept, rejected = split_duplicates(folder.read_table(table_name(room, shard)), found[shard])
            write_stage(folder, STAGE, shard, kept, rejected, outcome)
    folder.write_bytes(key_name(STAGE, WHOLE_SET), whole.encode())
