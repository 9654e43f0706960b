"""What is damaged in a run is set aside, and what was half rewritten is never taken for what was there before."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.outcomes import is_stale, write_outcome
from pipeline.run.damaged import set_aside_damaged
from pipeline.run.layout import key_name
from pipeline.run.storage import RunFolder
from pipeline.stages import StageResult

TABLE = pl.DataFrame({"id": ["a", "b"]})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(str(tmp_path / "run"))
    made.write_table("problems/00000.parquet", TABLE)
    for stage in ("screen", "dedup"):
        write_outcome(made, stage, "00000", StageResult(TABLE[:1], TABLE[1:]), f"{stage} key")
    made.write_bytes(key_name("dedup", "set"), b"set key")
    made.write_table("samples/00000.parquet", TABLE)
    return made


def cut(folder: RunFolder, name: str) -> None:
    folder.write_bytes(name, folder.read_bytes(name)[:-5])


def test_whole_files_stay(folder: RunFolder) -> None:
    files = sorted(Path(folder.path).rglob("*"))
    assert set_aside_damaged(folder) == []
    assert sorted(Path(folder.path).rglob("*")) == files


@pytest.mark.parametrize("name", ["problems/00000.parquet", "samples/00000.parquet"])
def test_a_damaged_file_is_kept_under_another_name(folder: RunFolder, name: str) -> None:
    cut(folder, name)
    left = folder.read_bytes(name)
    assert set_aside_damaged(folder) == [name]
    assert not folder.exists(name)
    assert folder.read_bytes(f"{name}.damaged") == left


@pytest.mark.parametrize("name", ["stages/screen/00000.parquet", "rejected/screen-00000.parquet"])
def test_a_stage_whose_outcome_is_damaged_is_owed(folder: RunFolder, name: str) -> None:
    cut(folder, name)
    set_aside_damaged(folder)
    assert is_stale(folder, "screen", "00000", "screen key")
    assert not is_stale(folder, "dedup", "00000", "dedup key")


@pytest.mark.parametrize("name", ["stages/dedup/00000.parquet", "rejected/dedup-00000.parquet"])
def test_dedup_looks_at_the_whole_set_again(folder: RunFolder, name: str) -> None:
    cut(folder, name)
    set_aside_damaged(folder)
    assert is_stale(folder, "dedup", "00000", "dedup key")
    assert is_stale(folder, "dedup", "set", "set key")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_stage_killed_while_it_is_rewritten_is_owed_under_its_old_key_too(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    write, count = folder.write_bytes, [0]

    def write_until(*arguments: Any) -> None:
        count[0] += 1
        if count[0] == at:
            raise Killed
        write(*arguments)

    monkeypatch.setattr(folder, "write_bytes", write_until)
    with pytest.raises(Killed):
        write_outcome(folder, "screen", "00000", StageResult(TABLE, TABLE[:0]), "new key")
    monkeypatch.undo()
    assert is_stale(folder, "screen", "00000", "screen key")
    assert is_stale(folder, "screen", "00000", "new key")
