"""Hand exports to the loaders of trainers that are no part of the environment: `python scripts/readers.py FOLDER`.

A run with math and code is laid as the tests lay one, exported into FOLDER, and read by verl, OpenRLHF, verifiers and
NeMo Gym as they come from the package index, each in an environment of its own below FOLDER. A right and a wrong
completion go through the reward that each calls, with the reward service between. Prints a line for each; exits
non-zero where one refuses. (TRL is part of the environment and of the tests.)
"""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from setup import ROOT

sys.path.insert(0, str(ROOT))

HERE = Path(__file__).with_name("readers")
VERL = "verl==0.9.1 ray tensordict omegaconf hydra-core antlr4-python3-runtime==4.9.3 codetiming msgpack pyvers"
PACKAGES = {
    "verl": ["--no-deps", *VERL.split(), "cloudpickle", "importlib_metadata", "pylatexenc", "orjson"],
    "openrlhf": ["--no-deps", "openrlhf==0.11.2", "pylatexenc", "ray", "msgpack"],
    "prime-rl": ["verifiers==0.4.0"],
    "nemo-gym": ["nemo-gym==0.4.0"],
}
"""What is installed for each. verl and OpenRLHF take torch, transformers and datasets from our environment."""
NEEDS = {"nemo-gym": (3, 12)}
"""The Python that a reader needs at least."""


def make_environment(name: str, folder: Path) -> Path:
    """The Python of a reader's environment, made where it is not there."""
    place = folder / "environments" / name
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        if "--no-deps" in PACKAGES[name]:
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            (place / "lib" / version / "site-packages" / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
    return python


def main(folder: Path) -> None:
    """Export, serve, read."""
    from pipeline.publish.export import FORMATS, export_run
    from tests.pipeline.publish.export.runs import lay_mixed, save_reader

    run = lay_mixed(folder / "run")
    for name in FORMATS:
        export_run(name, run.root, str(folder / name))
    (folder / "model").mkdir(exist_ok=True)
    save_reader(folder / "model")
    pythons = {}
    for name in PACKAGES:
        if sys.version_info < (least := NEEDS.get(name, (3, 11))):
            print(f"{name}: not read: it needs Python {'.'.join(map(str, least))}")
        else:
            pythons[name] = make_environment(name, folder)
    command = [sys.executable, "-m", "flows.cli.main", "reward", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            address = service.stdout.readline().split()[2].rstrip(",")
            environment = os.environ | {"GOLDILOCKS_REWARD_URL": address, "HF_HUB_OFFLINE": "1"}
            for name, python in pythons.items():
                reader = HERE / f"{name.replace('-', '_')}.py"
                subprocess.run([str(python), "-P", str(reader), str(folder)], env=environment, check=True)
        finally:
            service.terminate()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/readers.py FOLDER")
    main(Path(sys.argv[1]).resolve())
