"""What is written."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict
from schemas.config.decontaminate import Benchmark


class PublishConfig(Strict):
    """What is written."""

    row_group_rows: Annotated[int, Field(ge=1)] = 1000
    """Small enough to stream from object storage, large enough for zstd."""
    examples: Annotated[int, Field(ge=0)] = 3
    """Problems shown in the report for kept and for each reason."""
    title: str | None = None
    """Heading of the dataset card and the report; none is the name of the run's folder."""
    license: str | None = None
    """Goes into the dataset card; the sources decide it. None is what all sources have in `licenses`, or `other` where
    they differ."""
    licenses: dict[str, str] = {}
    """Source -> its licence, in the Hub's words: the card has them source by source, with those that rows name
    themselves."""
    compare: tuple[str | Benchmark, ...] = ()
    """Other public sets, named as benchmarks are: the card says how many curated problems each has as well. Nothing is
    left out for it."""
