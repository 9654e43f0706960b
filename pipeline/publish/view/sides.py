"""What can be compared: where the problems of each open run ended, and what each of its passes decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.publish.view.compare import Comparison, compare_sides, read_decisions, read_outcomes
from pipeline.publish.view.runs import OpenRun
from pipeline.publish.view.scan import UNREADABLE
from pipeline.publish.view.search import ChangedError


@dataclass(frozen=True)
class Side:
    """One side of a comparison. `key` names it in an address, `name` on the page."""

    key: str
    name: str
    run: OpenRun
    grading_pass: int | None = None

    def read(self) -> pl.DataFrame:
        """`id`, `outcome` and grades of its problems. Raises ChangedError where the run is changing."""
        if self.grading_pass is None:
            return read_outcomes(self.run.index)
        try:
            return read_decisions(self.run.folder, self.grading_pass)
        except UNREADABLE as error:
            raise ChangedError(str(error)) from error

    def compare(self, right: "Side") -> Comparison:
        """The comparison with another side; the last one is remembered while neither run changes."""
        key = (self.key, self.run.index.serial, right.key, right.run.index.serial)
        return self.run.remember_last("comparison", key, lambda: compare_sides(self.read(), right.read()))


def list_sides(runs: Sequence[OpenRun]) -> list[Side]:
    """The passes of each run where there were two, and, where there are several runs, how each ended."""
    sides = []
    for number, run in enumerate(runs):
        several = f"{run.name}, " if len(runs) > 1 else ""
        prefix = "" if number == 0 else f"{number}-"
        if run.index.grading_pass > 1:
            sides += [Side(f"{prefix}pass-{k}", f"{several}pass {k}", run, k) for k in (1, 2)]
        if len(runs) > 1:
            sides.append(Side(f"{prefix}outcome", f"{run.name}, outcome", run))
    return sides
