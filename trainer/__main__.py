"""`python -m trainer CONFIG STAGE...`: train stages of a config (JSON); under torchrun, every rank runs this."""

import json
import os
import sys
from pathlib import Path

from schemas.errors import InputError
from schemas.load import build_config


def main() -> None:
    """Exits with 2 for bad input, which it names in one line."""
    from transformers.utils.logging import disable_progress_bar

    from trainer.distributed import find_rank
    from trainer.learner import end_ranks, follow, join_ranks, keep_memory
    from trainer.train import train

    disable_progress_bar()
    keep_memory()
    try:
        config = build_config(json.loads(Path(sys.argv[1]).read_text()))
        if "TORCHELASTIC_RUN_ID" in os.environ:
            join_ranks()
        if find_rank():
            follow(config.train)
        else:
            train(config, sys.argv[2:])
            end_ranks()
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
