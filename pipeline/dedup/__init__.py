"""Dedup: the same problem once. Copies and paraphrases are dropped; other numbers are another problem.

    kept, rejected = dedup(problems, DedupConfig())

Over a run, where copies lie in different shards, `find_duplicates` reads the shards in turn and tells each what to
drop; `split_duplicates` then splits a shard. The result is a function of the set: the order of rows and shards changes
nothing.
"""

from pipeline.dedup.find import dedup, find_duplicates
from pipeline.dedup.labels import STAGE, Duplicates, split_duplicates

__all__ = ["STAGE", "Duplicates", "dedup", "find_duplicates", "split_duplicates"]
