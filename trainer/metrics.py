"""What is written down while it trains: a row of JSON a step; TensorBoard, Weights & Biases or trackio where they are
installed and asked for by their own environment.
"""

import importlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.checkpoints import LOG, cut_rows
from trainer.plateau import did_sample

TRACKERS = {"wandb": "WANDB_PROJECT", "trackio": "TRACKIO_PROJECT"}
"""Package -> the variable that names a project: set, it asks for that tracker."""


def describe_row(row: Mapping[str, Any]) -> str:
    """What a step gave, in a few words."""
    sampled = (
        f"reward {row['reward']:.3f}, pass rate {row['pass_rate']:.3f}, length {row['length']:.0f}, "
        f"signal {row['signal']:.0%}"
        if did_sample(row)
        else "all of it sampled before"
    )
    idle = f"engine idle {row['engine_idle']:.0%}, trainer idle {row['trainer_idle']:.0%}"
    return f"{sampled}, lag {row['lag']:.1f}, {row['seconds']:.1f} s a step, {idle}"


class Journal:
    """Appends to the log of one training folder. `upto` is the version resumed from: later rows were never saved and
    are cut off, so that no step stands there twice.
    """

    def __init__(self, folder: Path, upto: int, run: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / LOG
        cut_rows(self.path, upto)
        self._file = self.path.open("a", buffering=1)
        self._board = self._open_board(folder)
        self._trackers = [
            self._open_tracker(name, os.environ[variable], run)
            for name, variable in TRACKERS.items()
            if os.environ.get(variable) and importlib.util.find_spec(name)
        ]

    def write(self, row: Mapping[str, Any]) -> None:
        """One step: `stage`, `step`, `version` and its measures."""
        self._file.write(json.dumps(row) + "\n")
        self.report(row["version"], {name: value for name, value in row.items() if isinstance(value, int | float)})

    def report(self, version: int, numbers: Mapping[str, float]) -> None:
        """Tell TensorBoard and the trackers what the weights of a version gave, without a row in the log."""
        for name, value in numbers.items():
            if self._board is not None:
                self._board.add_scalar(name, value, version)
        for tracker in self._trackers:
            tracker.log(numbers)

    def close(self) -> None:
        """End the log and all trackers."""
        if self._board is not None:
            self._board.close()
        for tracker in self._trackers:
            tracker.finish()
        self._file.close()

    @staticmethod
    def _open_board(folder: Path) -> Any:
        if importlib.util.find_spec("tensorboard") is None:
            return None
        return importlib.import_module("torch.utils.tensorboard").SummaryWriter(str(folder / "tensorboard"))

    @staticmethod
    def _open_tracker(name: str, project: str, run: str) -> Any:
        tracker = importlib.import_module(name)
        tracker.init(project=project, name=run)
        return tracker
