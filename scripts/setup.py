"""Make `.venv` with everything pinned, and install the Debian packages that the command at hand needs.

    python scripts/setup.py [--config FILE] [code] [apertium] [test] [faults] [cluster]

Without a purpose only what every run profits from is installed. `code` adds what runs code problems, `apertium` what
translates without a model; `--config` adds each where the file speaks of it. `test` adds what all tests need, `faults`
what the fault suite needs. `cluster` adds the Python packages for runs beyond one machine (Ray, S3), and for the tests
of such runs.

Needs Python 3.11 with pip and venv, and a package index. Runs in seconds when nothing has changed. pip's own settings
for index and find-links are handed to uv, which does not read them.
"""

import argparse
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "goldilocks-setup"


@dataclass(frozen=True)
class DebianPackage:
    """A package that the index cannot bring: a file that it installs (a glob), who needs it (no purpose: every run on a
    CPU) and what for."""

    name: str
    file: str
    purposes: frozenset[str]
    use: str


_CODE = frozenset({"code", "test"})
_SCIENCE = frozenset({"science"})
_APERTIUM = frozenset({"apertium", "test"})
_TEST = frozenset({"test"})
_FAULTS = frozenset({"test", "faults"})
DEBIAN = (
    DebianPackage(
        "libtcmalloc-minimal4",
        "/usr/lib/*-linux-gnu/libtcmalloc_minimal.so.4",
        frozenset(),
        "makes the engine faster on a CPU",
    ),
    DebianPackage("bubblewrap", "/usr/bin/bwrap", _CODE, "isolates the programs of code problems"),
    DebianPackage("g++", "/usr/bin/g++", _CODE, "compiles C++ solutions"),
    DebianPackage(
        "python3-numpy",
        "/usr/lib/python3/dist-packages/numpy",
        _CODE,
        "is imported by a quarter of reasoning_gym's programs",
    ),
    DebianPackage(
        "python3-scipy", "/usr/lib/python3/dist-packages/scipy", _SCIENCE, "is imported by programs of problems"
    ),
    DebianPackage(
        "python3-sympy", "/usr/lib/python3/dist-packages/sympy", _SCIENCE, "is imported by programs of problems"
    ),
    DebianPackage(
        "apertium-eng-spa",
        "/usr/share/apertium/modes/eng-spa.mode",
        _APERTIUM,
        "translates English into Spanish where `translate.by` is apertium",
    ),
    DebianPackage(
        "apertium-fr-es",
        "/usr/share/apertium/modes/es-fr.mode",
        _APERTIUM,
        "translates the Spanish into French",
    ),
    DebianPackage(
        "apertium-spa-ita",
        "/usr/share/apertium/modes/spa-ita.mode",
        _APERTIUM,
        "translates the Spanish into Italian",
    ),
    DebianPackage("cg3", "/usr/bin/cg-proc", _APERTIUM, "translates Italian back, to compare"),
    DebianPackage("chromium", "/usr/bin/chromium", _TEST, "draws the report in its tests"),
    DebianPackage("chromium-driver", "/usr/bin/chromedriver", _TEST, "clicks through `goldilocks view` in its tests"),
    DebianPackage(
        "libfaketime",
        "/usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1",
        _FAULTS,
        "makes a run's clock jump in the fault suite",
    ),
)
PURPOSES = ("code", "science", "apertium", "test", "faults", "cluster")


def main() -> None:
    """Set up what is missing; exits non-zero with what to do when it cannot."""
    parser = argparse.ArgumentParser(description="Make .venv and install what the command at hand needs.")
    parser.add_argument("purposes", nargs="*", choices=[*PURPOSES, []], metavar=f"{{{','.join(PURPOSES)}}}")
    parser.add_argument("--config", type=Path, help="the config that will be run")
    arguments = parser.parse_args()
    purposes = set(arguments.purposes)
    if arguments.config is not None and arguments.config.is_file():
        purposes |= read_purposes(arguments.config.read_text(encoding="utf-8"))
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
    if "cluster" in purposes:
        install_cluster(flavour, pinned)
    install_debian(choose_debian(purposes, flavour))


def install(flavour: str, requirements: Path) -> None:
    """Bootstrap uv with pip, install the pinned requirements and the project itself."""
    began = time.monotonic()
    print(f"setup: installing the {flavour} environment into {VENV.name}", flush=True)
    if not PYTHON.exists():
        say_step("making the environment", began)
        run([sys.executable, "-m", "venv", str(VENV)])
    say_step("fetching uv", began)
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    options = index_options(flavour)
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    overrides = ["--override", str(ROOT / "requirements" / "overrides.txt")]
    say_step(f"installing the packages of {requirements.name}: about 4 GB, a minute with a fast network", began)
    run([*uv, *options, *overrides, "-r", str(requirements)])
    say_step("installing goldilocks", began)
    run([*uv, *options, "--no-deps", "-e", str(ROOT)])
    print(f"setup: done in {time.monotonic() - began:.0f} s", flush=True)


def say_step(what: str, began: float) -> None:
    """Say what is done next; there is no environment yet that could draw a bar."""
    print(f"setup: {time.monotonic() - began:3.0f} s: {what}", flush=True)


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


def read_purposes(config: str) -> set[str]:
    """What a config's text asks for: `code` and `apertium` where the word stands outside a comment.

    The text is read before there is a YAML parser. Rows can be code without a word of it in the config; such a run
    stops before it runs a program and says what to install.
    """
    lines = (line.partition("#")[0] for line in config.splitlines())
    return {word for line in lines for word in re.findall(r"\b(?:code|apertium)\b", line)}


def choose_debian(purposes: Collection[str], flavour: str) -> list[DebianPackage]:
    """The Debian packages that runs with these purposes use, present or not."""
    return [
        package for package in DEBIAN if package.purposes & set(purposes) or (not package.purposes and flavour == "cpu")
    ]


def install_debian(packages: list[DebianPackage]) -> None:
    """Install those that are missing, as root; otherwise name the command. Says first which they are and what for."""
    absent = [package for package in packages if not glob.glob(package.file)]
    if not absent:
        return
    missing = [package.name for package in absent]
    for package in absent:
        print(f"setup: Debian package {package.name} is missing; it {package.use}", flush=True)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"setup: as root run: {write_apt_command(missing)}", flush=True)
        return
    print(f"setup: installing {len(missing)} Debian package(s)", flush=True)
    if not (output := run_apt(missing)):
        return
    # One that this machine's index does not have must not keep the others out.
    failed = [name for name in missing if run_apt([name])] if len(missing) > 1 else missing
    if failed:
        command = write_apt_command(failed)
        print(f"setup: could not install {', '.join(failed)}; run: {command}\n{output}", flush=True)


def write_apt_command(names: list[str]) -> str:
    """The shell command that installs Debian packages."""
    return f"apt-get update && apt-get install -y --no-install-recommends {' '.join(names)}"


def run_apt(names: list[str]) -> str:
    """Install Debian packages; empty, or the end of what apt-get printed where it failed."""
    done = subprocess.run(
        ["sh", "-c", write_apt_command(names)],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr[-2000:] or f"exit status {done.returncode}"


def run(command: list[str]) -> None:
    """Run one step; its failure ends the set-up with the command that failed."""
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"setup: failed ({done.returncode}): {' '.join(command)}")


if __name__ == "__main__":
    main()
