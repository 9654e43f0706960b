"""A source that cannot be read stops the run before anything is made of it, and says what its rows look like."""

from dataclasses import dataclass, field

import polars as pl

from schemas.errors import InputError

FIRST_ROWS = 1000
"""Where as many rows are all invalid, those after them are as well: the mapping is wrong, not a row."""
SHOWN = 3


@dataclass
class Tally:
    """How many rows of one source were read and how many of them cannot be; `likely` is a mapping to try, `preset` the
    one that read them."""

    source: str
    likely: str | None = None
    preset: str | None = None
    read: int = 0
    bad: int = 0
    details: list[str] = field(default_factory=list)

    def add(self, read: int, invalid: pl.DataFrame) -> None:
        """Count the next rows. Raises InputError where the first thousand are all invalid."""
        self.read += read
        self.bad += invalid.height
        self.details += invalid["detail"].head(SHOWN - len(self.details)).to_list()
        if self.bad == self.read >= FIRST_ROWS:
            self._stop()

    def close(self) -> None:
        """The source has no more rows. Raises InputError where over half of them are invalid."""
        if self.bad > self.read / 2:
            self._stop()

    def _stop(self) -> None:
        much = f"none of {self.read} rows" if self.bad == self.read else f"{self.read - self.bad} of {self.read} rows"
        shown = "".join(f"\n  {detail}" for detail in self.details)
        raise InputError(f"source {self.source!r}: {much} can be read:{shown}\n{self._advise()}")

    def _advise(self) -> str:
        if self.preset is not None:
            return f"fix the rows, or name another `preset` than {self.preset!r}"
        fix = f"map its columns, perhaps `{self.likely}`" if self.likely else "fix the rows, map its columns"
        return f"{fix}, or name a `preset`"
