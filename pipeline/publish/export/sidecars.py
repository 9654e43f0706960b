"""What stands beside the rows for trainers that load a reward from a file: the verifier's far end, with the run's
settings.

The files are those of `pipeline/reward` that need nothing but Python, two in one, so that they run in the trainer's own
environment.
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path

import yaml

from pipeline.publish.export.rows import GYM_AGENT, GYM_SERVER
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


Write = Callable[[Config, Collection[str]], dict[str, str]]
"""The further files of an export (name -> text), from the run's config and the names of the data files."""


def _write_reward(name: str) -> Write:
    return lambda config, files: {"reward.py": join_modules(name, config)}


def _write_package(config: Config, files: Collection[str]) -> dict[str, str]:
    name = name_package(config.run)
    return {"pyproject.toml": PROJECT.format(name=name), f"{name}/__init__.py": join_modules("taskset", config)}


GYM = "resources_servers/goldilocks"
"""The folder of the resources server in a NeMo Gym checkout."""
GYM_LICENSES = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "cc-by-4.0": "Creative Commons Attribution 4.0 International",
    "cc-by-sa-4.0": "Creative Commons Attribution-ShareAlike 4.0 International",
    "gpl-3.0": "GNU General Public License v3.0",
}
"""The Hub's words for a licence, and NeMo Gym's, which knows few (0.4.0, `config_types.DatasetConfig`)."""


def _write_gym(config: Config, files: Collection[str]) -> dict[str, str]:
    """The resources server, and the config that couples it to the data that there is and to NeMo Gym's simple agent."""
    license = GYM_LICENSES.get((config.publish.license or "").lower(), "TBD")
    named = {"train": f"{GYM}/data/train.jsonl", "validation": f"{GYM}/data/test.jsonl"}
    agent = {
        "entrypoint": "app.py",
        "resources_server": {"type": "resources_servers", "name": GYM_SERVER},
        "model_server": {"type": "responses_api_models", "name": "policy_model"},
        "datasets": [
            {"name": kind, "type": kind, "jsonl_fpath": file, "license": license}
            for kind, file in named.items()
            if file in files
        ],
    }
    server = {
        "entrypoint": "app.py",
        "domain": "math",
        "verified": False,
        "description": "Math and code problems curated by Goldilocks, with its verifier",
    }
    servers = {
        GYM_SERVER: {"resources_servers": {GYM_SERVER: server}},
        GYM_AGENT: {"responses_api_agents": {"simple_agent": agent}},
    }
    return {
        f"{GYM}/app.py": join_modules("nemo_gym", config),
        f"{GYM}/requirements.txt": "-e nemo-gym[dev] @ ../../\n",
        f"{GYM}/configs/{GYM_SERVER}.yaml": yaml.safe_dump(servers, sort_keys=False),
    }


def name_data_folder(format: str, run: str) -> str:
    """Where in an export its rows lie: in the package of prime-rl's task set, in NeMo Gym's resources server, else in
    the export's own folder."""
    if format == "prime-rl":
        return f"{name_package(run)}/"
    return f"{GYM}/data/" if format == "nemo-gym" else ""


def _write_system(config: Config, files: Collection[str]) -> dict[str, str]:
    from pipeline.inference.prompts import load_template

    system = load_template(config.prompt.template).system if config.prompt.chat else None
    return {"system_prompt.txt": system} if system else {}


BESIDE: dict[str, Write] = {
    "trl": _write_reward("trl_client"),
    "verl": _write_reward("verl"),
    "openrlhf": _write_reward("openrlhf"),
    "prime-rl": _write_package,
    "nemo-rl": _write_system,
    "nemo-gym": _write_gym,
}
"""Format -> what writes its further files."""
