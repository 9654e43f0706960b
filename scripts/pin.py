"""Pin what pyproject.toml asks for into requirements/cpu.txt and gpu.txt, without addresses of an index.

cluster.txt has what runs beyond one machine need beside those: only tests and such runs install it.
"""

import re
import subprocess
from pathlib import Path

from setup import PYTHON, ROOT, VENV, index_options

CLUSTER = ("s3", "ray", "cluster-dev")


def pin(flavour: str, *extras: str, constraint: Path | None = None) -> str:
    """Every package that the project with `extras` needs, a line each."""
    command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--no-header", "--python", str(PYTHON)]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
    command += [word for extra in extras for word in ("--extra", extra)]
    command += [] if constraint is None else ["--constraint", str(constraint)]
    command += [
        "--override",
        str(ROOT / "requirements" / "overrides.txt"),
        *index_options(flavour),
        str(ROOT / "pyproject.toml"),
    ]
    pinned = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^(torch==[0-9.]+)\+\w+", r"\1", pinned, flags=re.MULTILINE)


targets = {flavour: ROOT / "requirements" / f"{flavour}.txt" for flavour in ("cpu", "gpu")}
for flavour, target in targets.items():
    target.write_text(pin(flavour, flavour, "dev", "parity"))
there = set(targets["cpu"].read_text().splitlines())
beside = [line for line in pin("cpu", *CLUSTER, constraint=targets["cpu"]).splitlines() if line not in there]
(ROOT / "requirements" / "cluster.txt").write_text("\n".join(beside) + "\n")
