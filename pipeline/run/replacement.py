"""Several files of a folder replaced together: a kill leaves all old ones, or a replacement that the next one finishes.

New files are written below `.pending` and listed there when all are whole; only then do they take their places, one
after another. A process that dies between two of them leaves the list, and whoever comes next finishes it.
"""

from collections.abc import Iterable

from pipeline.run.storage import RunFolder

PENDING = ".pending"
LIST = "replace.json"


def open_pending(folder: RunFolder) -> RunFolder:
    """The folder for files that are to replace those in `folder`, empty. Finishes a replacement that was cut short."""
    finish_replacement(folder)
    return RunFolder(f"{folder.root.rstrip('/')}/{PENDING}")


def replace_files(folder: RunFolder, pending: RunFolder, gone: Iterable[str]) -> None:
    """Have everything in `pending` in `folder`, and the files `gone` no longer."""
    root = pending.path.rstrip("/") + "/"
    names = sorted(str(path).removeprefix(root) for path in pending.fs.find(pending.path))
    pending.write_json(LIST, {"files": names, "gone": sorted(gone)})
    finish_replacement(folder)


def finish_replacement(folder: RunFolder) -> bool:
    """Finish what was listed before a kill, and clear away what was not; whether anything was finished."""
    listed = f"{PENDING}/{LIST}"
    there = folder.exists(listed)
    if there:
        replacement = folder.read_json(listed)
        for name in replacement["files"]:
            if folder.exists(f"{PENDING}/{name}"):
                folder.rename(f"{PENDING}/{name}", name)
        for name in replacement["gone"]:
            folder.remove(name)
    folder.remove(PENDING)
    return there
