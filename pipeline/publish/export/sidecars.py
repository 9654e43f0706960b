"""What stands beside the rows for trainers that load a reward from a file: the verifier's far end, with the run's
settings.

The files are those of `pipeline/reward` that need nothing but Python, two in one, so that they run in the trainer's own
environment.
"""

import re
from collections.abc import Callable
from pathlib import Path

from schemas.config import Config

REWARD = Path(__file__).parents[2] / "reward"
SETTINGS = "SETTINGS: dict[str, Any] = {}\n"
IMPORT = re.compile(r"^from pipeline\.reward\.client import .*\n+", re.MULTILINE)
PROJECT = """[project]
name = "{name}"
version = "0.1.0"
dependencies = ["verifiers>=0.4"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["{name}"]
"""


def name_package(run: str) -> str:
    """The package of a run's task set: `goldilocks_quickstart` of `runs/quickstart`."""
    last = run.rstrip("/").rpartition("/")[2].lower()
    return "goldilocks_" + (re.sub(r"\W+", "_", last).strip("_") or "run")


def join_modules(name: str, config: Config) -> str:
    """The text of pipeline/reward/NAME.py and of what it imports, as one module with the run's settings."""
    client = (REWARD / "client.py").read_text(encoding="utf-8")
    form = (REWARD / f"{name}.py").read_text(encoding="utf-8")
    settings = {part: getattr(config, part).model_dump(mode="json") for part in ("verify", "sandbox")}
    if SETTINGS not in client or not IMPORT.search(form):
        raise AssertionError(f"pipeline/reward/{name}.py or client.py is not of the form that can be joined")
    client = client.replace(SETTINGS, SETTINGS.replace("{}", repr(settings)))
    return f"{client}\n\n{IMPORT.sub('', form)}"


def _write_reward(name: str) -> Callable[[Config], dict[str, str]]:
    return lambda config: {"reward.py": join_modules(name, config)}


def _write_package(config: Config) -> dict[str, str]:
    name = name_package(config.run)
    return {"pyproject.toml": PROJECT.format(name=name), f"{name}/__init__.py": join_modules("taskset", config)}


def _write_system(config: Config) -> dict[str, str]:
    from pipeline.inference.prompts import load_template

    system = load_template(config.prompt.template).system if config.prompt.chat else None
    return {"system_prompt.txt": system} if system else {}


BESIDE: dict[str, Callable[[Config], dict[str, str]]] = {
    "trl": _write_reward("trl_client"),
    "verl": _write_reward("verl"),
    "openrlhf": _write_reward("openrlhf"),
    "prime-rl": _write_package,
    "nemo-rl": _write_system,
}
"""Format -> its further files, name -> text."""
