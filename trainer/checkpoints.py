"""Where training lies, run/training: its logs, and STAGE/ with checkpoints and, when the stage is done, its model.

A checkpoint appears whole or not at all: weights, optimiser, and where everything stood. It is a folder that is filled
under another name and then renamed; a kill leaves a folder that nobody reads and that the next one removes. The model
inside is in Hugging Face form, so that vLLM, transformers and a run config load it by its path.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.run.layout import TRAINING
from pipeline.run.storage import RunFolder
from schemas.config import Config, TrainStage
from schemas.errors import InputError

LOG = "log.jsonl"
EVALUATIONS = "evaluations.jsonl"
MODEL = "model"
DONE = "done.json"
STATE = "state.json"
PREFIX = "step-"


def training_folder(config: Config, folder: RunFolder) -> Path:
    """The local folder of checkpoints, logs and pictures. Raises InputError where the run is elsewhere."""
    if config.train.folder is not None:
        return Path(config.train.folder).expanduser()
    if not folder.is_local:
        raise InputError(
            f"{config.run} is not a local folder, and checkpoints need one: name it with train.folder, such as "
            "--set train.folder=checkpoints"
        )
    return Path(config.run if "://" not in config.run else folder.path) / TRAINING


def find_model(home: Path, stage: TrainStage) -> Path:
    """The trained model of a finished stage, in Hugging Face form."""
    model = home / stage.name / MODEL
    if not (home / stage.name / DONE).is_file():
        raise InputError(f"{home / stage.name}: this stage is not finished; run `goldilocks train` first")
    return model


@dataclass(frozen=True)
class State:
    """Where training stood after `step` steps of its stage. `version` counts all steps: it names the weights.

    `feed` is the feed's position and what is pending; `recent` groups with signal and all groups of the last batches,
    `solved` whether a problem's last group was right throughout.
    """

    stage: str
    step: int
    version: int
    feed: dict[str, Any] = field(default_factory=dict)
    recent: list[list[int]] = field(default_factory=list)
    solved: dict[str, bool] = field(default_factory=dict)


def write_whole(target: Path, fill: Callable[[Path], Any]) -> Path:
    """Make the folder `target` by `fill(folder)` on a temporary one beside it; it appears whole or not at all."""
    for left in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(left)
    temporary = target.parent / f".{target.name}-{os.getpid()}"
    temporary.mkdir(parents=True)
    fill(temporary)
    for path in sorted(temporary.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    if target.exists():
        shutil.rmtree(target)
    os.replace(temporary, target)
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


def cut_rows(path: Path, upto: int) -> None:
    """Leave out the rows of a JSONL file that tell of versions after `upto`."""
    rows = [row for row in read_rows(path) if row["version"] <= upto]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The whole rows of a JSONL file; a torn last line was never written."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
