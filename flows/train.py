"""Training as a step of a flow: the trainer runs in processes of its own, so that its memory and devices are free again
when it is done, and so that a lost trainer is a step that failed, not a lost flow.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from pipeline.inference.machine import find_project
from pipeline.inference.server_weights import lend_weights
from pipeline.progress import is_shown, lend_screen
from pipeline.progress.display import QUIET
from pipeline.run.storage import RunFolder
from schemas.config import Config, TrainStage
from schemas.errors import InputError
from trainer.checkpoints import find_model, training_folder
from trainer.fit import check_fit
from trainer.heap import bound_caches
from trainer.placement import find_placement
from trainer.problems import choose_problems


class TrainingFailed(RuntimeError):
    """The trainer ended before its last step. What it saved is kept: the same command goes on from there."""


def choose_stages(config: Config, name: str | None) -> tuple[TrainStage, ...]:
    """The stage called `name`, or all of them. Raises InputError."""
    if name is None:
        return config.train.stages
    chosen = tuple(stage for stage in config.train.stages if stage.name == name)
    if not chosen:
        raise InputError(
            f"there is no stage {name!r} in train.stages; there are: {', '.join(s.name for s in config.train.stages)}"
        )
    return chosen


def train_stages(config: Config, stages: Sequence[TrainStage]) -> Path:
    """Train `stages` in their order and return the folder of the last one's model. What is done already is skipped.

    Raises InputError where there is nothing to train on or it does not fit on the GPUs, TrainingFailed where the
    trainer ended early.
    """
    check_fit(config, grades=False)
    folder = RunFolder(config.run)
    home = training_folder(config, folder)
    choose_problems(folder, config, stages[0])
    gpus = find_placement(config).trainer
    processes = len(gpus) or config.train.processes or 1
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="goldilocks-train-") as temporary:
        settings = Path(temporary, "config.json")
        settings.write_text(json.dumps(config.model_dump(mode="json")))
        launcher = [sys.executable, "-m"]
        if processes > 1:
            launcher += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
        command = [*launcher, "trainer", str(settings), *(stage.name for stage in stages)]
        environment = find_project(os.environ if gpus else bound_caches(os.environ))
        environment |= {} if is_shown() else {QUIET: "1"}
        model = config.model.model_copy(update={"weights": None})
        with lend_screen(), lend_weights(model) if config.train.on_servers else nullcontext():
            code = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=False).returncode
    if code:
        raise TrainingFailed(
            f"the trainer ended with {code}; its output stands above, its checkpoints in {home}: run again to go on"
        )
    return find_model(home, stages[-1])
