"""Where training lies: run/training/STAGE/ with its checkpoints and, when the stage is done, its model."""

from pathlib import Path

from pipeline.folder import RunFolder
from pipeline.sample.models import resolve_model
from schemas.config import Config, ModelConfig, TrainStage
from schemas.errors import InputError

MODEL = "model"
DONE = "done.json"


def training_folder(config: Config, folder: RunFolder) -> Path:
    """The local folder of checkpoints, logs and pictures. Raises InputError where the run is elsewhere."""
    if config.train.folder is not None:
        return Path(config.train.folder).expanduser()
    if not folder.is_local:
        raise InputError(
            f"{config.run} is not a local folder, and checkpoints need one: name it with train.folder, such as "
            "--set train.folder=checkpoints"
        )
    return Path(config.run if "://" not in config.run else folder.path) / "training"


def find_model(home: Path, stage: TrainStage) -> Path:
    """The trained model of a finished stage, in Hugging Face form."""
    model = home / stage.name / MODEL
    if not (home / stage.name / DONE).is_file():
        raise InputError(f"{home / stage.name}: this stage is not finished; run `goldilocks train` first")
    return model


def fetch_start(model: ModelConfig) -> Path:
    """A local folder of the model that training starts from; one on the Hub is downloaded. Raises ModelError."""
    resolved = resolve_model(model)
    if resolved.local:
        return Path(resolved.path_or_name)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(resolved.path_or_name, revision=resolved.revision))
