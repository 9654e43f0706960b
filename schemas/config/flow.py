"""How the work is cut and scheduled."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.config.base import Strict


class FlowConfig(Strict):
    """How the work is cut and scheduled."""

    shard_rows: Annotated[int, Field(ge=1)] = 2048
    """Memory is bounded by a shard; at 16 samples a shard is 32k completions."""
    runner: Literal["threads", "ray"] = "threads"
    """`ray` spreads shards over a Ray cluster; it needs `model.url` and a Prefect server that every machine reaches."""
    ray: str = "local"
    """The cluster: `local` starts one here, `auto` is this machine's, HOST:PORT or ray://HOST:PORT another."""
    concurrency: Annotated[int, Field(ge=1)] = 2
    """Shards in the CPU stages at once; sampling takes one shard after the other through the one engine. On Ray it is
    the cluster's CPUs that say how many."""
    retries: Annotated[int, Field(ge=0)] = 2
    """How often a failed task is tried again: a passing fault of a network or a disk seldom outlasts them. Invalid
    input, a dead engine and a missing sandbox are not retried."""
    retry_delay: Annotated[float, Field(ge=0)] = 1.0
    """Seconds before a retry."""
    flush_seconds: Annotated[float, Field(gt=0)] = 2.0
    """Samples are written at least this often: a killed run loses those of these seconds, and those in flight."""
    cron: str = "0 3 * * *"
    """When a deployment runs: at night, after the sources have grown."""
