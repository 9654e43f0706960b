"""What a table of the contract is made of: columns with a type, and which values they may have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Column:
    """One column. `rule` says of each value that is not null whether it is allowed, `allowed` says so in words."""

    dtype: pl.DataType = field(default_factory=pl.String)
    nullable: bool = True
    rule: Callable[[pl.Expr], pl.Expr] | None = None
    allowed: str = "a value must be there"


@dataclass(frozen=True)
class TableContract:
    """A kind of table: its columns in order."""

    name: str
    columns: Mapping[str, Column]

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        return {name: column.dtype for name, column in self.columns.items()}

    def find_broken(self, table: pl.DataFrame) -> pl.DataFrame:
        """A table of booleans, row by row, under the same names: true where a value is not allowed."""
        broken = []
        for name, column in self.columns.items():
            null = pl.lit(False) if column.nullable else pl.col(name).is_null()
            wrong = pl.lit(False) if column.rule is None else ~column.rule(pl.col(name)).fill_null(True)
            broken.append((null | wrong).alias(name))
        return table.select(pl.repeat(False, pl.len()).alias(""), *broken).drop("")

    def validate(self, table: pl.DataFrame) -> None:
        """Raise ValueError, which names the columns, unless `table` has these columns with allowed values only."""
        if dict(table.schema) != self.dtypes:
            raise ValueError(f"{self.name}: the columns are {dict(table.schema)}, expected {self.dtypes}")
        broken = self.find_broken(table)
        if wrong := [name for name in broken.columns if broken[name].any()]:
            raise ValueError(f"{self.name}: values that are not allowed in {', '.join(wrong)}")


def texts(*values: str) -> Callable[[pl.Expr], pl.Expr]:
    """A rule: one of `values`."""
    return lambda column: column.is_in(values)


def between(low: float, high: float | None = None) -> Callable[[pl.Expr], pl.Expr]:
    """A rule: a number from `low` to `high`, both allowed; without an upper limit where `high` is None."""
    return lambda column: column >= low if high is None else column.is_between(low, high)
