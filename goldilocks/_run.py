"""Read a run: its tables as Polars data frames, its config and its manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import polars as pl

from pipeline.publish.export.run import read_run_config
from pipeline.publish.shards import CURATED_DTYPES
from pipeline.run.evidence import find_decisions, find_samples, last_pass, read_samples
from pipeline.run.layout import MANIFEST, split_name
from schemas.decision import DECISION_DTYPES
from schemas.label import LABEL_DTYPES, RATE_DTYPES
from schemas.problem import PROBLEM_DTYPES, REJECT_DTYPES
from schemas.sample import SAMPLE_DTYPES, SAMPLE_ROWS

Table = Literal["problems", "samples", "decisions", "labels", "rates", "curated", "rejected"]
DTYPES: dict[Table, dict[str, pl.DataType]] = {
    "problems": PROBLEM_DTYPES,
    "samples": SAMPLE_DTYPES,
    "decisions": DECISION_DTYPES,
    "labels": LABEL_DTYPES,
    "rates": RATE_DTYPES,
    "curated": CURATED_DTYPES,
    "rejected": PROBLEM_DTYPES | REJECT_DTYPES,
}


class Run:
    """A run that was curated or graded, in a local folder or at any fsspec URL. Nothing is written.

    Each table is read when it is asked for. Raises InputError where no finished run is, and DamagedFile (an InputError)
    for a table that was cut short.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._folder, self.config = read_run_config(os.fspath(root))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Config, versions, counts of every stage, and a fingerprint of every file."""
        return self._folder.read_json(MANIFEST)

    def problems(self) -> pl.DataFrame:
        """Every problem as it was ingested."""
        return self._read("problems")

    def samples(self) -> pl.DataFrame:
        """Every sample once, as it was last verified; of both passes where the grader was trained."""
        return self._read("samples")

    def decisions(self) -> pl.DataFrame:
        """What the last pass decided of each problem that was sampled."""
        return self._read("decisions")

    def labels(self) -> pl.DataFrame:
        """What the witnesses said of every label, and what followed; empty of a run that was decided before them."""
        return self._read("labels")

    def rates(self) -> pl.DataFrame:
        """The pass rate of every grader that was asked, on every problem."""
        return self._read("rates")

    def curated(self) -> pl.DataFrame:
        """The problems that were kept, with their pass rates."""
        return self._read("curated")

    def rejected(self) -> pl.DataFrame:
        """Every other problem, with stage, reason and detail."""
        return self._read("rejected")

    def shards(self, table: Table) -> Iterator[pl.DataFrame]:
        """The same rows a shard (of `rejected`: a file) at a time, for a run that does not fit into memory."""
        if table == "samples":
            for names in find_samples(self._folder).values():
                yield read_samples(self._folder, names, SAMPLE_DTYPES)
            return
        for name in self._list(table):
            yield self._folder.read_table(name)

    def _list(self, table: Table) -> list[str]:
        if table == "decisions":
            return list(find_decisions(self._folder, last_pass(self._folder)).values())
        # Samples of the user's own that could not be used are listed with rejected problems.
        return [name for name in self._folder.list(table) if split_name(name).stage != SAMPLE_ROWS]

    def _read(self, table: Table) -> pl.DataFrame:
        # A run of an older version can lack a column, which is null then.
        empty = pl.DataFrame(schema=DTYPES[table])
        return pl.concat([empty, *self.shards(table)], how="diagonal_relaxed")
