"""Where training lies, run/training: its logs, and STAGE/ with checkpoints and, when the stage is done, its model.

A checkpoint appears whole or not at all: weights, optimiser, and where everything stood. It is a folder that is filled
under another name and then renamed; a kill leaves a folder that nobody reads and that the next one removes. The model
inside is in Hugging Face form, so that vLLM, transformers and a run config load it by its path.

What is removed: all checkpoints but the newest `train.keep_checkpoints`, when a later one is there and has been read
back. The model of a stage that is done stays. What no longer fits is moved aside.
"""

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from pipeline.run.layout import EVALUATIONS, TRAINING
from pipeline.run.storage import RunFolder
from schemas.config import Config, TrainStage
from schemas.errors import InputError

LOG = "log.jsonl"
MODEL = "model"
DONE = "done.json"
STATE = "state.json"
PREFIX = "step-"
DAMAGED = ".damaged"


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

    `feed` is the feed's state; `recent` groups with signal and all groups of the last batches,
    `solved` whether a problem's last group was right throughout. `ended` is why the stage is done: `steps` (it took all
    it was given), `plateau`, or `starved` (no group with signal is left); empty while it trains, and in old files.
    """

    stage: str
    step: int
    version: int
    feed: dict[str, Any] = field(default_factory=dict)
    recent: list[list[int]] = field(default_factory=list)
    solved: dict[str, bool] = field(default_factory=dict)
    ended: str = ""


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


def write_done(stage: Path, state: State) -> None:
    """Mark a stage as done, whole or not at all."""
    _write_text(stage / DONE, json.dumps(asdict(state)) + "\n")


def read_done(stage: Path) -> State | None:
    """The last state of a stage that is done."""
    path = stage / DONE
    return State(**json.loads(path.read_text())) if path.is_file() else None


def find_checkpoints(stage: Path) -> list[Path]:
    """The whole checkpoints of a stage's folder, oldest first."""
    return sorted(path for path in stage.glob(f"{PREFIX}*") if path.suffix != DAMAGED and is_whole(path))


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint's state can be read and none of its files is torn. Looks at the ends of files alone."""
    try:
        read_state(checkpoint)
        for path in checkpoint.rglob("*.pt"):
            zipfile.ZipFile(path).close()
        return all(_ends_where_it_says(path) for path in checkpoint.rglob("*.safetensors"))
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
        return False


def _ends_where_it_says(path: Path) -> bool:
    """Safetensors: eight bytes with the header's length, a header with each tensor's offsets behind it, the tensors."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        tensors = json.loads(file.read(length))
    last = max((entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"), default=0)
    return path.stat().st_size == 8 + length + int(last)


def name_checkpoint(stage: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps lies."""
    return stage / f"{PREFIX}{step:06d}"


def drop_old(stage: Path, keep: int, earlier: Sequence[Path] = ()) -> None:
    """Remove all but the newest `keep` checkpoints of a stage and of the `earlier` ones, whose models stay.

    Nothing goes before `stage` has a checkpoint that has been read back.
    """
    own = find_checkpoints(stage)
    done = [folder for folder in earlier if read_done(folder) is not None and (folder / MODEL).is_dir()]
    older = [path for folder in done for path in find_checkpoints(folder)]
    for path in [*older, *own][:-keep] if own else ():
        shutil.rmtree(path)


def rename_damaged(stage: Path) -> list[Path]:
    """Give torn checkpoints names that say so; where they are now."""
    torn = [path for path in stage.glob(f"{PREFIX}*") if path.suffix != DAMAGED and not is_whole(path)]
    return [path.rename(_free_name(path, DAMAGED)) for path in sorted(torn)]


def set_aside(stage: Path) -> Path:
    """Move a stage's folder to a free name beside it, with the logs as they are now; where it lies then."""
    for name in (LOG, EVALUATIONS):
        if (stage.parent / name).is_file() and not (stage / name).exists():
            shutil.copy(stage.parent / name, stage / name)
    return stage.rename(_free_name(stage, ".aside"))


def keep_rows(home: Path, stage: str, upto: int) -> None:
    """Put the rows of other stages after version `upto`, which `stage` will write again, into their own folders."""
    rows = [row for row in read_rows(home / LOG) if row["version"] > upto and row["stage"] != stage]
    for name in {row["stage"] for row in rows}:
        if (home / name).is_dir():
            write_rows(home / name / LOG, [row for row in rows if row["stage"] == name])


def link_tree(source: Path, target: Path) -> None:
    """Fill `target` with the files of `source`, which take no room twice where the disk knows hard links."""
    shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _free_name(path: Path, suffix: str) -> Path:
    """`path` with `suffix`, numbered where something has that name already."""
    numbers = chain([""], (f"-{n}" for n in count(2)))
    names = (path.with_name(f"{path.name}{number}{suffix}") for number in numbers)
    return next(name for name in names if not name.exists())


def cut_rows(path: Path, upto: int, stage: str | None = None) -> None:
    """Leave out the rows of a JSONL file that tell of versions after `upto`; with `stage`, only those of that stage."""
    rows = read_rows(path)
    left = [row for row in rows if row["version"] <= upto or (stage is not None and row.get("stage") != stage)]
    if len(left) < len(rows) or stage is None:
        write_rows(path, left)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSONL file whole or not at all: what it told of steps that were paid for is never lost to a kill."""
    _write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    os.replace(temporary, path)


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
