"""Install the peers that `benchmarks dedup` and `scale` stand beside: `python scripts/peers.py FOLDER`.

They want other versions of what Goldilocks uses, so that they have an environment of their own; torch alone, which
text-dedup and Data-Juicer import, is taken from ours.
"""

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = {
    "datatrove": ["datatrove[processing]==0.10.1", "orjson", "spacy"],
    "text_dedup": ["--no-deps", "text-dedup==0.4.0"],
    "data_juicer": ["py-data-juicer==1.6.1"],
}


def main(folder: Path) -> None:
    """Make the environment where it is not there, and say which of the peers can be imported in it."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for name, wanted in PACKAGES.items():
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=False)
        done = subprocess.run([str(python), "-c", f"import {name}"], capture_output=True, text=True, check=False)
        print(f"{name}: {'ready' if done.returncode == 0 else done.stderr.strip().splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/peers.py FOLDER")
    main(Path(sys.argv[1]).resolve())
