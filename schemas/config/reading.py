"""What may be read of files of problems."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict


class ReadingConfig(Strict):
    """What one row of a source may take. A file that goes past one of these is an error that names it: a few kilobytes
    of gzip, Parquet or YAML can stand for gigabytes."""

    row_mb: Annotated[int, Field(ge=1)] = 64
    """Of one row as it is read: a line of JSONL out of its compression, a row of a table, a contest package. A problem
    with hundreds of tests takes some MB."""
    row_values: Annotated[int, Field(ge=1000)] = 1_000_000
    """JSON values, or values of a table, in one row: each takes some 70 bytes of memory, however short it is."""
    yaml_values: Annotated[int, Field(ge=100)] = 10_000
    """Of one YAML file, each alias counted as all that it stands for; a package's problem.yaml has tens."""
    whole_mb: Annotated[int, Field(ge=1)] = 256
    """Of a file that can only be read whole: JSON by columns out of a compression or archive, where the first row ends
    with the file. Some five times as much memory is taken; 700,000 problems of 300 characters fit."""
