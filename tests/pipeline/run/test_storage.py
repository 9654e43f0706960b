"""A run's folder names a table that is damaged, whatever of it is left."""

import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.storage import DamagedFile, RunFolder

TABLE = pl.DataFrame({"id": [f"{n:016x}" for n in range(200)], "text": ["a text"] * 200})


def whole() -> bytes:
    buffer = io.BytesIO()
    TABLE.write_parquet(buffer)
    return buffer.getvalue()


@given(st.integers(0, len(whole()) - 1))
def test_a_table_that_was_cut_short_is_named(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    root: Path = tmp_path_factory.mktemp("run")
    (root / "t.parquet").write_bytes(whole()[:length])
    folder = RunFolder(str(root))
    for read in (folder.read_table, folder.count_rows):
        with pytest.raises(DamagedFile, match=r"t\.parquet is damaged"):
            read("t.parquet")


@pytest.mark.parametrize("root", ["{}/run", "memory://taken/run"])
def test_a_large_file_is_taken_whole(root: str, tmp_path: Path) -> None:
    folder = RunFolder(root.format(tmp_path))
    for text in (b"first", b"second"):
        (tmp_path / "written").write_bytes(text)
        folder.take_file(tmp_path / "written", "data/train.parquet")
        assert folder.list("data") == ["data/train.parquet"]
        assert folder.read_bytes("data/train.parquet") == text
