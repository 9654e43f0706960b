"""Files that lie within the folder that was named, whatever links in it say.

Packages and folders come from others. A link in one of them to a file of this machine would put that file into a
problem, and from there into what is published.
"""

import os
from pathlib import Path

from schemas.errors import InputError


class LeadsOut(InputError):
    """A path that leads out of its folder, or to no plain file."""


def check_inside(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Raise LeadsOut where `path`, with all links followed, is no plain file or folder within `folder`. The folder
    itself may be a link: it was named."""
    real, root = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    if real != root and root not in real.parents and not _in_hub_cache(real, root):
        raise LeadsOut(f"{path}: a link out of {folder}; it is not followed: name the file itself, or copy it there")
    if not (real.is_file() or real.is_dir()):
        raise LeadsOut(f"{path}: no plain file")


def _in_hub_cache(real: Path, root: Path) -> bool:
    """Whether `root` is a snapshot in the Hub's cache, whose files are links to the blobs beside it."""
    snapshots = next((place for place in (root, *root.parents) if place.parent.name == "snapshots"), None)
    return snapshots is not None and snapshots.parent.parent / "blobs" == real.parent
