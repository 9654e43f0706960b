"""What is written."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict


class PublishConfig(Strict):
    """What is written."""

    row_group_rows: Annotated[int, Field(ge=1)] = 1000
    """Small enough to stream from object storage, large enough for zstd."""
    examples: Annotated[int, Field(ge=0)] = 3
    """Problems shown in the report for kept and for each reason."""
    title: str | None = None
    """Heading of the dataset card and the report; none is the name of the run's folder."""
    license: str | None = None
    """Goes into the dataset card; the sources decide it."""
