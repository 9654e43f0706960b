"""Files that belong together are replaced together, whenever a process dies."""

from pathlib import Path

import pytest

from pipeline.run.replacement import finish_replacement, open_pending, replace_files
from pipeline.run.storage import RunFolder

OLD = {"a": b"old a", "below/b": b"old b", "gone": b"old"}
NEW = {"a": b"new a", "below/b": b"new b", "c": b"new c"}


class Killed(Exception):
    pass


def read_all(folder: RunFolder) -> dict[str, bytes]:
    return {path: folder.read_bytes(path) for path in folder.list("", "")}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(str(tmp_path / "out"))
    for name, data in OLD.items():
        folder.write_bytes(name, data)
    return folder


def write_new(folder: RunFolder) -> RunFolder:
    pending = open_pending(folder)
    for name, data in NEW.items():
        pending.write_bytes(name, data)
    return pending


def test_a_replacement_leaves_nothing_behind(folder: RunFolder) -> None:
    replace_files(folder, write_new(folder), ["gone"])
    assert read_all(folder) == NEW


def test_what_was_not_listed_is_cleared_away(folder: RunFolder) -> None:
    write_new(folder)
    assert not finish_replacement(folder)
    assert read_all(folder) == OLD


@pytest.mark.parametrize("moved", range(len(NEW)))
def test_a_kill_between_two_files_is_made_good(moved: int, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = write_new(folder)
    renamed: list[str] = []
    rename = RunFolder.rename

    def die_after(self: RunFolder, name: str, new: str) -> None:
        if len(renamed) == moved:
            raise Killed
        renamed.append(new)
        rename(self, name, new)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "rename", die_after)
        with pytest.raises(Killed):
            replace_files(folder, pending, ["gone"])
    assert finish_replacement(folder)
    assert read_all(folder) == NEW
