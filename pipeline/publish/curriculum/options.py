"""What each trainer is told so that it trains in the curriculum's order, as data: its own options and their values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.config import Config
from schemas.config.curriculum import Trainer


@dataclass(frozen=True)
class TrainerOptions:
    """The options of one trainer. `keeps_order`: whether it takes the rows as they stand once these are set; `logs`:
    where its rollouts then are, for `goldilocks reband`. `source` says where that is written.
    """

    trainer: Trainer
    options: dict[str, Any]
    keeps_order: bool
    source: str
    logs: str | None = None
    note: str = ""

    def describe(self) -> dict[str, Any]:
        """For export.json."""
        return asdict(self)


def choose_options(trainer: Trainer, files: Sequence[str], config: Config) -> TrainerOptions:
    """The options under which `trainer` trains on `files`, which are in order."""
    solved = (config.keep.max + 1) / config.keep.of
    train = list(files)
    match trainer:
        case "trl":
            return TrainerOptions(
                trainer,
                {"data_files": train, "shuffle_dataset": False, "log_completions": True},
                keeps_order=True,
                source="TRL 1.16, GRPOConfig; data_files is load_dataset's",
                logs="OUTPUT_DIR/completions",
            )
        case "verl":
            return TrainerOptions(
                trainer,
                {"data.train_files": train, "data.shuffle": False, "trainer.rollout_data_dir": "rollouts"},
                keeps_order=True,
                source="verl, Config Explanation: data.shuffle; RayPPOTrainer._dump_generations",
                logs="rollouts",
            )
        case "nemo-rl":
            return TrainerOptions(
                trainer,
                {"data.dataset_name": "ResponseDataset", "data.train_data_path": train[0], "data.shuffle": False},
                keeps_order=True,
                source="NeMo RL, examples/configs/grpo_math_1B.yaml: data",
                note="Its logs hold token by token what was trained on, and are not read.",
            )
        case "open-instruct":
            return TrainerOptions(
                trainer,
                {"--dataset_mixer_list": [train[0], "1.0"], "--no_resampling_pass_rate": solved},
                keeps_order=False,
                source="open-instruct, HFDataLoader._reshard and StreamingDataLoaderConfig",
                note="It draws an order of its own every epoch: train on one file after another, each from the last "
                "checkpoint.",
            )
        case "prime-rl":
            return TrainerOptions(
                trainer,
                {"orchestrator.buffer.easy_threshold": solved, "orchestrator.buffer.online_difficulty_filtering": True},
                keeps_order=False,
                source="prime-rl, docs/algorithms.md: Difficulty Pools, Online Difficulty Filtering",
                logs="OUTPUT_DIR/rollouts",
                note="It draws from its pool of normal problems at random and moves what is solved to the easy pool.",
            )
