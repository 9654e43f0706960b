"""Make `.venv` with everything pinned, and install the Debian packages that a feature needs where that is allowed.

`setup.py cluster` adds what runs beyond one machine need (Ray, S3), and the tests of such runs.
Needs Python 3.11 with pip and venv, and a package index. Runs in seconds when nothing has changed. pip's own settings
for index and find-links are handed to uv, which does not read them.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "goldilocks-setup"
DEBIAN = {
    "/usr/bin/chromium": "chromium",
    "/usr/bin/chromedriver": "chromium-driver",
    "/usr/bin/bwrap": "bubblewrap",
    "/usr/bin/g++": "g++",
    "/usr/lib/python3/dist-packages/numpy": "python3-numpy",
    "/usr/lib/*-linux-gnu/libtcmalloc_minimal.so.4": "libtcmalloc-minimal4",
    "/usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1": "libfaketime",
}
"""A file of each Debian package -> its name. Chromium draws the report in its test and its driver clicks through
`goldilocks view`, bubblewrap and g++ run code problems, of which a quarter of reasoning_gym's import numpy, tcmalloc
speeds a CPU engine up, libfaketime makes a run's clock jump in the fault suite."""


def main() -> None:
    """Set up what is missing; exits non-zero with what to do when it cannot."""
    if not ((3, 11) <= sys.version_info[:2] < (3, 13)):
        sys.exit(
            f"setup: Python 3.11 or 3.12 is needed, this is {sys.version.split()[0]}; run PYTHON=python3.11 make setup"
        )
    flavour = "gpu" if shutil.which("nvidia-smi") else "cpu"
    requirements = ROOT / "requirements" / f"{flavour}.txt"
    pinned = hashlib.sha256(
        b"".join(p.read_bytes() for p in (requirements, ROOT / "pyproject.toml", Path(__file__)))
    ).hexdigest()
    if not STAMP.exists() or STAMP.read_text() != pinned:
        install(flavour, requirements)
        STAMP.write_text(pinned)
    if "cluster" in sys.argv[1:]:
        install_cluster(flavour, pinned)
    install_debian()


def install(flavour: str, requirements: Path) -> None:
    """Bootstrap uv with pip, install the pinned requirements and the project itself."""
    began = time.monotonic()
    print(f"setup: installing the {flavour} environment into {VENV.name}", flush=True)
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", str(VENV)])
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    options = index_options(flavour)
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    overrides = ["--override", str(ROOT / "requirements" / "overrides.txt")]
    run([*uv, *options, *overrides, "-r", str(requirements)])
    run([*uv, *options, "--no-deps", "-e", str(ROOT)])
    print(f"setup: done in {time.monotonic() - began:.0f} s", flush=True)


def install_cluster(flavour: str, pinned: str) -> None:
    """Install what cluster.txt has beside the flavour's packages, where it is not there yet."""
    requirements = ROOT / "requirements" / "cluster.txt"
    wanted = f"{pinned} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    stamp = VENV / "goldilocks-cluster"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"setup: installing {requirements.name} into {VENV.name}", flush=True)
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps"]
    run([*uv, *index_options(flavour), "-r", str(requirements)])
    stamp.write_text(wanted)


def index_options(flavour: str) -> list[str]:
    """uv options that say what pip's configuration says; PyTorch's own CPU index where no CPU torch is at hand."""
    options: list[str] = []
    links = pip_setting("find-links").split()
    with_cpu_torch = [link for link in links if Path(link).is_dir() and list(Path(link).glob("torch-*cpu*"))]
    for link in links:
        if flavour == "cpu" or link not in with_cpu_torch:
            options += ["--find-links", link]
    if index := pip_setting("index-url"):
        options += ["--index-url", index]
    if flavour == "cpu" and not with_cpu_torch:
        options += ["--torch-backend", "cpu"]
    return options


def pip_setting(name: str) -> str:
    """One of pip's settings from the environment or its files; empty where unset."""
    from_environment = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if from_environment:
        return from_environment
    asked = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "get", f"global.{name}"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""


def install_debian() -> None:
    """Install missing Debian packages as root; otherwise name the command. Math needs none of them."""
    missing = [package for file, package in DEBIAN.items() if not glob.glob(file)]
    if not missing:
        return
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"setup: missing: {', '.join(missing)}; as root run: {command}", flush=True)
        return
    print(f"setup: installing {', '.join(missing)}", flush=True)
    done = subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(f"setup: could not install {', '.join(missing)}; run: {command}\n{done.stderr[-2000:]}", flush=True)


def run(command: list[str]) -> None:
    """Run one step; its failure ends the set-up with the command that failed."""
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"setup: failed ({done.returncode}): {' '.join(command)}")


if __name__ == "__main__":
    main()
