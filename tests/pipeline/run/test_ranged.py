"""Of a table in an object store no more is fetched than was asked for, and it reads as it does on a disk."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from pipeline.publish.inspect import inspect_path
from pipeline.publish.view.scan import scan_table
from pipeline.run.ranged import WHOLE_BYTES
from pipeline.run.storage import RunFolder
from schemas.errors import InputError
from tests.s3 import serve_s3, with_environment

pytestmark = pytest.mark.server
pytest.importorskip("s3fs", reason="make cluster installs it")
ROWS = 10_000
TABLES = 3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serve_s3(tmp_path_factory.mktemp("s3")) as environment, with_environment(environment):
        yield environment


@pytest.fixture(scope="module")
def folder(s3: dict[str, str]) -> RunFolder:
    """Tables of some MB, nearly all of it in one column that does not compress."""
    folder, draw = RunFolder("s3://goldilocks/ranged"), random.Random(1)
    for at in range(TABLES):
        rows = {
            "id": [f"{at}-{n}" for n in range(ROWS)],
            "source": ["sums" if n % 3 else "words" for n in range(ROWS)],
            "statement": [draw.randbytes(300).hex() for _ in range(ROWS)],
            "history": [[{"stage": "ingest", "detail": None}] * (n % 3) for n in range(ROWS)],
        }
        folder.write_table(f"problems/{at:05}.parquet", pl.DataFrame(rows))
    return folder


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each answer of the store."""
    from s3fs import S3File

    sizes: list[int] = []
    fetch = S3File._fetch_range

    def count(self: Any, start: int, end: int) -> bytes:
        data: bytes = fetch(self, start, end)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(S3File, "_fetch_range", count)
    return sizes


def size(folder: RunFolder) -> int:
    return int(folder.fs.size(folder.at("problems/00000.parquet")))


def test_columns_and_counts_fetch_a_small_part(folder: RunFolder, fetched: list[int]) -> None:
    name = "problems/00000.parquet"
    assert size(folder) > 2 * WHOLE_BYTES
    assert folder.count_rows(name) == ROWS
    table = folder.read_table(name, ["source", "id", "suspicion"], added_later=("suspicion",))
    assert (table.columns, table["id"][-1]) == (["source", "id"], f"0-{ROWS - 1}")
    dtypes = {"id": pl.String, "detail": pl.String}
    row = scan_table(folder, name, dtypes).filter(pl.col("id") == "0-7").collect()
    assert row.rows() == [("0-7", None)]
    assert 0 < sum(fetched) < size(folder) / 5


def test_looking_at_a_folder_fetches_one_table_for_its_rows_and_a_small_part_of_the_rest(
    folder: RunFolder, fetched: list[int]
) -> None:
    console = Console(width=160, record=True, file=io.StringIO(), color_system=None)
    inspect_path("s3://goldilocks/ranged/problems", rows=2, console=console)
    assert f"{TABLES * ROWS:,} rows in {TABLES} files" in console.export_text()
    assert size(folder) / 2 < sum(fetched) < size(folder) * 1.5
    fetched.clear()
    inspect_path("s3://goldilocks/ranged/problems", rows=0, console=console)
    assert 0 < sum(fetched) < size(folder) / 2


def test_a_table_reads_as_it_does_on_a_disk(folder: RunFolder, tmp_path: Path) -> None:
    name = "problems/00001.parquet"
    disk = RunFolder(str(tmp_path))
    disk.write_bytes(name, folder.read_bytes(name))
    for columns in (["history"], ["statement", "id"], None):
        assert folder.read_table(name, columns).equals(disk.read_table(name, columns))
        assert folder.read_table(name, columns).schema == disk.read_table(name, columns).schema
    for at in (folder, disk):
        with pytest.raises(pl.exceptions.ColumnNotFoundError):
            at.read_table(name, ["id", "nothing"])


def test_a_store_that_sums_the_whole_for_a_part_is_named_with_the_remedy(folder: RunFolder, s3: dict[str, str]) -> None:
    told = r"problems/00000\.parquet.*AWS_RESPONSE_CHECKSUM_VALIDATION=when_required"
    default = {**s3, "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_supported"}
    with with_environment(default), pytest.raises(InputError, match=told):
        RunFolder(folder.root).count_rows("problems/00000.parquet")
