"""What a run came to, in a form in which two runs can be compared: every row of every table, and the manifest's counts.

Left out is what the clock or the number of attempts says: seconds, times, when it was made, and in which shard file a
row lies.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from schemas.sample import SAMPLE_KEY

FOLDERS = ("problems", "stages/screen", "stages/dedup", "stages/decontaminate", "stages/code_tests")
FOLDERS += ("rejected", "samples", "evidence", "decisions", "curated")
KEYS = ("model", "models", "grading_pass", "stages", "samples")


def read_result(run: Path) -> dict[str, Any]:
    """Room -> its rows in one order; `manifest` -> what it says of the run."""
    folder = RunFolder(str(run))
    check_counts(folder)
    found: dict[str, Any] = {}
    for name in FOLDERS:
        tables = [table for _, table in folder.read_tables(name)]
        if tables:
            found[name] = sort_rows(pl.concat(tables))
    manifest = json.loads((run / "manifest.json").read_text())
    told = {key: manifest[key] for key in KEYS}
    told["samples"] = {key: value for key, value in told["samples"].items() if key != "seconds"}
    found["manifest"] = told
    return found


def sort_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Rows in an order that their content alone decides, without their seconds."""
    table = table.drop("seconds", strict=False)
    text = pl.concat_str(
        (pl.col(name).struct.json_encode() if isinstance(dtype, pl.Struct) else _text(name, dtype)).fill_null("~")
        for name, dtype in table.schema.items()
    )
    return table.with_columns(text.alias("_")).sort("_").drop("_")


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return pl.struct(name).struct.json_encode()
    return pl.col(name).cast(pl.String)


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every table row for row, and the manifest's counts."""
    assert found.keys() == expected.keys()
    assert found["manifest"] == expected["manifest"]
    for name in found.keys() - {"manifest"}:
        try:
            assert_frame_equal(found[name], expected[name])
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}\n{tell(found[name], expected[name])}") from None


def tell(found: pl.DataFrame, expected: pl.DataFrame) -> str:
    """The rows that only one of two tables has."""
    here, there = ([json.dumps(row, default=str) for row in table.iter_rows(named=True)] for table in (found, expected))
    lines = [f"only now: {row[:700]}" for row in here if row not in there]
    lines += [f"only before: {row[:700]}" for row in there if row not in here]
    return "\n".join(lines[:6])


def count_doubled(run: Path) -> int:
    """Samples that are stored twice."""
    tables = [table.select(SAMPLE_KEY) for _, table in RunFolder(str(run)).read_tables("samples")]
    whole = pl.concat(tables) if tables else pl.DataFrame(schema=dict.fromkeys(SAMPLE_KEY, pl.String))
    return whole.height - whole.unique().height
