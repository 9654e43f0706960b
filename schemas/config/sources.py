"""Where problems come from."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict


class Source(Strict):
    """Where problems are from: a `dataset` (Hub name or folder), `files` (Parquet, JSONL) or a `reasoning_gym` task."""

    name: Annotated[str, Field(min_length=1)]
    dataset: str | None = None
    files: str | tuple[str, ...] | None = None
    reasoning_gym: str | None = None
    preset: str | None = None
    columns: dict[str, str] = {}
    """Contract name -> name in the source; dots reach into structs. Overrides the preset's."""
    subset: str | None = None
    split: str | None = None
    """Without one the preset's, which is `train` but for sets that have only a `test`."""
    revision: str | None = None
    streaming: bool = True
    """Streaming keeps memory bounded by a shard whatever the size of the set."""
    params: dict[str, Any] = {}
    size: Annotated[int, Field(ge=1)] = 100
    seed: int = 0
    limit: Annotated[int, Field(ge=1)] | None = None
    domain: Literal["math", "code"] | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        given = [kind for kind in ("dataset", "files", "reasoning_gym") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"source {self.name!r} names {' and '.join(given) or 'no place'}; "
                "give exactly one of dataset, files, reasoning_gym"
            )
        return self
