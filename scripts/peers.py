"""Install the peers that `benchmarks dedup` and `scale` stand beside: `python scripts/peers.py FOLDER`.

They want other versions of what Goldilocks uses, so they have an environment of their own. What it lacks, torch above
all, is found in ours: Data-Juicer would otherwise install it again while it runs.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PACKAGES = {
    "datatrove.pipeline.dedup": ["datatrove[processing]==0.10.1", "orjson", "spacy"],
    "text_dedup.minhash": ["--no-deps", "text-dedup==0.4.0", "click-option-group==0.5.9", "fire==0.7.1"],
    "data_juicer.core": ["py-data-juicer==1.6.1"],
}


def main(folder: Path) -> None:
    """Make the environment where it is not there; exit with the error of a peer that it cannot have."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        place = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        )
        Path(place.stdout.strip(), "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name, wanted in PACKAGES.items():
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        for command in (install, [str(python), "-c", f"import {name}"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{name} cannot be had: {done.stderr.strip()[-1000:]}")
        print(f"{name.partition('.')[0]}: ready", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/peers.py FOLDER")
    main(Path(sys.argv[1]).resolve())
