"""Samples as readers see them: one row a sample, whichever way the run stored them."""

import polars as pl

from pipeline.folder import RunFolder
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY


def find_sample_shards(folder: RunFolder) -> list[str]:
    """Names of the shards that have samples, sorted: of samples/SHARD.parquet and of samples/SHARD/part-*.parquet."""
    return sorted({name.split("/")[1].removesuffix(".parquet") for name in folder.list("samples")})


def load_samples(folder: RunFolder, shard: str) -> pl.DataFrame:
    """The samples of one shard in the contract's columns; of a sample that was verified again only the last row."""
    names = [name for name in folder.list("samples") if name.split("/")[1].removesuffix(".parquet") == shard]
    tables = [folder.read_table(name) for name in names]
    empty = pl.DataFrame(schema=SAMPLE_DTYPES)
    table = pl.concat([empty, *tables], how="diagonal_relaxed").select(list(SAMPLE_DTYPES))
    return table.unique(list(SAMPLE_KEY), keep="last", maintain_order=True)
