"""What a broken disk or a copy cut short has left of a run's files is set aside, so that it is made again.

Our own files appear whole or not at all; a file can still be damaged from outside. Where the files of an object store
are, that does not happen by halves, and looking at every footer would cost a request each: only local runs are mended.
"""

import logging

from flows.shards import marker
from flows.whole import WHOLE
from pipeline.dedup import STAGE as DEDUP
from pipeline.run.storage import DamagedFile, RunFolder

ROOMS = ("problems", "stages", "rejected", "samples")
"""The rooms that a run reads; what lies in the others it writes anew every time."""
log = logging.getLogger(__name__)


def set_aside_damaged(folder: RunFolder) -> list[str]:
    """Rename every damaged table of a local run to NAME.damaged, and forget what says that it was done; their names.

    Problems come again from the sources into the same shard, a stage's outcome from the stage, samples are owed.
    """
    if not folder.is_local:
        return []
    damaged = [name for room in ROOMS for name in folder.list(room) if not _is_whole(folder, name)]
    for name in damaged:
        log.warning("%s is damaged: it is now %s.damaged, and is made again", name, name)
        folder.set_aside(name)
        room, _, rest = name.removesuffix(".parquet").partition("/")
        if room in ("stages", "rejected"):
            stage, _, shard = rest.partition("/" if room == "stages" else "-")
            for part in (shard, WHOLE) if stage == DEDUP else (shard,):
                folder.remove(marker(stage, part))
    return damaged


def _is_whole(folder: RunFolder, name: str) -> bool:
    try:
        folder.count_rows(name)
    except DamagedFile:
        return False
    return True
