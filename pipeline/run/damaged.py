"""Quarantine damaged tables so that they are made again.

Our own files appear whole or not at all; a broken disk or a copy cut short can still damage one. Objects of an object
store are not damaged by halves, and reading every footer would cost a request each: only local runs are checked.
"""

import logging

from pipeline.run.layout import (
    PROBLEMS,
    REFUSALS,
    REJECTED,
    SAMPLES,
    STAGES,
    WHOLE_SET,
    damaged_name,
    key_name,
    split_name,
)
from pipeline.run.storage import DamagedFile, RunFolder

_READ = (PROBLEMS, STAGES, REJECTED, SAMPLES, REFUSALS)
"""The folders that a run reads; what lies in the others it writes again every time."""
_log = logging.getLogger(__name__)


def set_aside_damaged(folder: RunFolder) -> list[str]:
    """Rename every damaged table of a local run to NAME.damaged, and remove the keys of its stage; returns their names.

    Problems come again from the sources into the same shard, a stage runs again, missing samples are drawn again.
    """
    if not folder.is_local:
        return []
    damaged = [name for tables in _READ for name in folder.list(tables) if not _is_whole(folder, name)]
    for name in damaged:
        _log.warning("%s is damaged: it is now %s, and is made again", name, damaged_name(name))
        folder.set_aside(name)
        table = split_name(name)
        if table.stage:
            # A stage that looks at the whole set has a key for that too; the others have none.
            for shard in (table.shard, WHOLE_SET):
                folder.remove(key_name(table.stage, shard))
    return damaged


def _is_whole(folder: RunFolder, name: str) -> bool:
    try:
        folder.count_rows(name)
    except DamagedFile:
        return False
    return True
