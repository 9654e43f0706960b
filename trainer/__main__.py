"""`python -m trainer CONFIG STAGE...`: train stages of a config (JSON); under torchrun, every rank runs this."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.progress import announce
from pipeline.progress.display import show_progress
from schemas.errors import InputError
from schemas.load import build_config
from trainer.placement import find_placement, take_gpus


def main() -> None:
    """Exits with 2 for bad input, which it names in one line."""
    try:
        # torchrun tells the rank; one of them is enough to look at.
        with show_progress(quiet=os.environ.get("RANK", "0") != "0"):
            announce("load the trainer")
            _train(Path(sys.argv[1]), sys.argv[2:])
    except InputError as error:
        sys.exit(f"error: {error}")


def _train(config_path: Path, stages: Sequence[str]) -> None:
    config = build_config(json.loads(config_path.read_text()))
    # Before torch is there to ask CUDA for its devices.
    take_gpus(find_placement(config))
    from transformers.utils.logging import disable_progress_bar

    from trainer.distributed import find_rank
    from trainer.heap import keep_memory
    from trainer.learner import end_ranks, follow, join_ranks
    from trainer.train import train

    disable_progress_bar()
    keep_memory()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        join_ranks()
    if find_rank():
        follow(config.train)
    else:
        train(config, stages)
        end_ranks()


if __name__ == "__main__":
    main()
