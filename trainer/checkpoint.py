"""Checkpoints, whole or not at all: weights, optimiser, and where everything stood.

A checkpoint is a folder that is filled under another name and then renamed; a kill leaves a folder that nobody reads
and that the next one removes. The model inside is in Hugging Face form, so that vLLM, transformers and a run config
load it by its path.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STATE = "state.json"
PREFIX = "step-"


@dataclass(frozen=True)
class State:
    """Where training stood after `step` steps of its stage. `version` counts all steps: it names the weights.

    `feed` is the feed's position and what was owed; `recent` the groups with signal and all groups of the last batches,
    `solved` whether a problem's last group was right throughout.
    """

    stage: str
    step: int
    version: int
    feed: dict[str, Any] = field(default_factory=dict)
    recent: list[list[int]] = field(default_factory=list)
    solved: dict[str, bool] = field(default_factory=dict)


def write_whole(target: Path, fill: Any) -> Path:
    """Make the folder `target` by `fill(folder)` on a temporary one beside it; it appears whole or not at all."""
    for left in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(left)
    room = target.parent / f".{target.name}-{os.getpid()}"
    room.mkdir(parents=True)
    fill(room)
    for path in sorted(room.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    if target.exists():
        shutil.rmtree(target)
    os.replace(room, target)
    return target


def write_state(folder: Path, state: State) -> None:
    """Put `state` into a checkpoint that is being filled."""
    (folder / STATE).write_text(json.dumps(asdict(state), indent=2) + "\n")


def read_state(folder: Path) -> State:
    """The state of a checkpoint."""
    return State(**json.loads((folder / STATE).read_text()))


def find_checkpoints(stage: Path) -> list[Path]:
    """The whole checkpoints of a stage's folder, oldest first."""
    return sorted(path for path in stage.glob(f"{PREFIX}*") if (path / STATE).is_file())


def name_checkpoint(stage: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps lies."""
    return stage / f"{PREFIX}{step:06d}"


def drop_old(stage: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints."""
    for path in find_checkpoints(stage)[:-keep]:
        shutil.rmtree(path)
