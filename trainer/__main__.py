"""`python -m trainer CONFIG STAGE...`: train stages of a config (JSON); under torchrun, every rank runs this."""

import json
import sys
from pathlib import Path

from schemas.errors import InputError
from schemas.load import build_config


def main() -> None:
    """Exits with 2 for bad input, which is told in one line."""
    from trainer.train import train

    try:
        train(build_config(json.loads(Path(sys.argv[1]).read_text())), sys.argv[2:])
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
