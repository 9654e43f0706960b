"""One process at a time works on a run."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.folder import RunFolder
from schemas.errors import InputError


@contextmanager
def hold_run(folder: RunFolder) -> Iterator[None]:
    """Hold a local run's folder; a second process is refused at once. The kernel lets go when a process is killed.

    A remote folder has no such lock: there the deployment's concurrency limit of one does it.
    """
    if not folder.is_local:
        yield
        return
    path = Path(folder.path) / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder.root}: another process is working on this run; wait for it, or use another run="
            ) from None
        yield
