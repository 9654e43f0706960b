"""Pin what pyproject.toml asks for into requirements/, without addresses of an index.

    python scripts/pin.py [--upgrade NAME ...]

What is pinned stays, as long as pyproject.toml allows it; `--upgrade NAME` moves that package to its newest version.
cluster.txt has what runs beyond one machine need beside cpu.txt: only tests and such runs install it.
"""

import argparse
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from setup import PYTHON, ROOT, VENV, index_options

CLUSTER = ("s3", "ray", "cluster-dev")
REQUIREMENTS = ROOT / "requirements"


def pin(flavour: str, extras: Sequence[str], pinned: str, upgrade: Sequence[str], constraint: str = "") -> str:
    """Every package that the project with `extras` needs, a line each.

    `pinned` has the lines of before, which stay but for the names in `upgrade`; `constraint` lines hold always.
    """
    with tempfile.TemporaryDirectory() as folder:
        target, fixed = Path(folder, "pinned.txt"), Path(folder, "fixed.txt")
        target.write_text(pinned)
        fixed.write_text(constraint)
        command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--no-header", "--python", str(PYTHON)]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--output-file", str(target)]
        command += [word for extra in extras for word in ("--extra", extra)]
        command += [word for name in upgrade for word in ("--upgrade-package", name)]
        command += ["--constraint", str(fixed), "--override", str(REQUIREMENTS / "overrides.txt")]
        command += [*index_options(flavour), str(ROOT / "pyproject.toml")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return re.sub(r"^(torch==[0-9.]+)\+\w+", r"\1", target.read_text(), flags=re.MULTILINE)


def main() -> None:
    """Write cpu.txt, gpu.txt and cluster.txt."""
    parser = argparse.ArgumentParser(description="Pin what pyproject.toml asks for; what is pinned stays.")
    parser.add_argument("--upgrade", action="append", default=[], metavar="NAME", help="move this package; repeatable")
    upgrade = parser.parse_args().upgrade
    cpu, gpu, cluster = (REQUIREMENTS / f"{name}.txt" for name in ("cpu", "gpu", "cluster"))
    for flavour, target in (("cpu", cpu), ("gpu", gpu)):
        target.write_text(pin(flavour, (flavour, "dev", "parity", "excel"), target.read_text(), upgrade))
    both = pin("cpu", CLUSTER, cpu.read_text() + cluster.read_text(), upgrade, constraint=cpu.read_text())
    alone = set(cpu.read_text().splitlines())
    cluster.write_text("\n".join(line for line in both.splitlines() if line not in alone) + "\n")


if __name__ == "__main__":
    main()
