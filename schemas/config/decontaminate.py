"""Benchmarks, and what the set must not share with them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict
from schemas.config.dedup import SameConfig


class Benchmark(Strict):
    """A set of problems that must not be trained on: a `dataset` (Hub name or folder) or `files` (Parquet, JSONL)."""

    name: Annotated[str, Field(min_length=1)]
    """What reports and rejects call it."""
    dataset: str | None = None
    """A name on the Hub, or a folder of the same form. Exactly one of `dataset` and `files`."""
    files: str | tuple[str, ...] | None = None
    """Parquet or JSONL: a path, glob or URL, or several."""
    subset: str | None = None
    """The configuration of a Hub set that has several."""
    split: str = "test"
    """Benchmarks test on `test`: that is what must not be trained on."""
    revision: str | None = None
    """Commit or tag on the Hub, for a set that changes; none is the newest."""
    streaming: bool = False
    """Fetched once into the Hub's cache and read from there without a network; streaming is for sets of gigabytes."""
    text: str = "problem"
    """The column of the statement."""
    id: str | None = None
    """The column that names an item; without one its place in the set does."""
    answer: str | None = "answer"
    """The column of the label, where there is one: a retelling with another answer is another problem."""
    bench: str | None = None
    """The column that names the benchmark, in a file that holds several; `name` where it is null."""

    @model_validator(mode="after")
    def _one_place(self) -> "Benchmark":
        if (self.dataset is None) == (self.files is None):
            raise ValueError(f"benchmark {self.name!r}: give exactly one of dataset, files")
        return self


class DecontaminateConfig(Strict):
    """What the set must not share with benchmarks."""

    benchmarks: tuple[str | Benchmark, ...] = ()
    """Presets by name (gsm8k, math-500, aime-2024, aime-2025, humaneval, mbpp, livecodebench) and sets of your own.
    Empty by default, since the presets are fetched from the Hub."""
    variants: Literal["keep", "reject"] = "keep"
    """A benchmark's template with other numbers. Its answer is another, so nothing is given away; kept rows say it in
    their history."""
    translations: Literal["keep", "reject"] = "reject"
    """An item in another language. Its answer is the item's."""
    same: SameConfig = SameConfig()
    """When a problem is an item retold: the same comparison as between two problems of the set."""
