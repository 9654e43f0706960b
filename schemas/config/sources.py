"""Where problems come from."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict


class Source(Strict):
    """Where problems are from: a `dataset` (Hub name or folder), `files` (Parquet, JSONL) or a `reasoning_gym` task."""

    name: Annotated[str, Field(min_length=1)]
    """What rows, reports and rejects call it; each source has its own."""
    dataset: str | None = None
    """A name on the Hub, or a folder of the same form. Exactly one of `dataset`, `files`, `reasoning_gym`."""
    files: str | tuple[str, ...] | None = None
    """Parquet or JSONL: a path, glob or URL, or several."""
    reasoning_gym: str | None = None
    """A task of reasoning_gym by name: problems that are generated, with their answers."""
    preset: str | None = None
    """The columns and the label's place of a known set (docs/data.md); none is the one for `dataset`, where there is
    one."""
    columns: dict[str, str | tuple[str, ...]] = {}
    """Contract name -> name in the source, or several that are joined; dots reach into structs, numbers into lists,
    roles (`messages.user`) into turns. Overrides the preset's."""
    label: Literal["plain", "boxed", "hashes", "json", "index", "index_from_1"] | None = None
    """How the label stands in its column: the text itself, the last `\\boxed{}`, after `####`, JSON text, or the index
    of an option; none is what the preset says or the rows show."""
    strip_prefix: str = ""
    """An instruction before each statement; taken off."""
    strip_suffix: str = ""
    """An instruction after each statement; taken off."""
    subset: str | None = None
    """Of a Hub set with several; none is the preset's."""
    split: str | None = None
    """Without one the preset's, which is `train` but for sets that have only a `test`."""
    revision: str | None = None
    """Commit or tag on the Hub, so that a later run reads the same rows; none is the newest."""
    streaming: bool = True
    """Streaming keeps memory bounded by a shard whatever the size of the set."""
    params: dict[str, Any] = {}
    """Parameters of the reasoning_gym task by its own names."""
    size: Annotated[int, Field(ge=1)] = 100
    """Problems that a reasoning_gym task generates: enough for a first look."""
    seed: int = 0
    """Of a reasoning_gym task: the same problems on every run."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Rows read at most, for a trial on a part; none is all."""
    domain: Literal["math", "code"] | None = None
    """What the problems are; none is what their rows or the preset say."""
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None
    """The statements' language, two letters; none is what their rows or the preset say."""

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        given = [kind for kind in ("dataset", "files", "reasoning_gym") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"source {self.name!r} names {' and '.join(given) or 'no place'}; "
                "give exactly one of dataset, files, reasoning_gym"
            )
        return self
