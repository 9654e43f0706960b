"""What the commands share: the application, the options that most of them take, and how those are read."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.errors import Exit

if TYPE_CHECKING:
    from pipeline.run.storage import RunFolder
    from schemas.config import Config

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Downloads are steps of ours (pipeline.progress); two kinds of bars would write over each other.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
# A first start makes the database; on a busy machine that outlasts the default.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "300")

app = typer.Typer(
    name="goldilocks",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Curate math and code problems into a training set for reinforcement learning.\n\n"
    "Example: goldilocks curate configs/quickstart.yaml",
    epilog="Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in Exit) + ".",
)

Set = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH.TO.KEY=VALUE", help="Any config value, such as keep.max=10; may be repeated."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, and Prefect's log.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress; results and errors alone.")]
ConfigPath = Annotated[str, typer.Argument(metavar="CONFIG", help="A run config (YAML).")]
Preset = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="The form of a known set (docs/data.md), if not recognised."),
]
Columns = Annotated[
    list[str],
    typer.Option("--columns", metavar="NAME=COLUMN", help="Where a part of a problem stands, such as answer=final."),
]
OptionalConfig = Annotated[
    str | None, typer.Option("--config", "-c", metavar="CONFIG", help="A run config to take the settings from.")
]


def read_settings(config: str | None, overrides: list[str], run: str) -> "Config":
    """The config named, or the defaults: for commands that need no sources."""
    from schemas.load import build_config, load_config

    if config is not None:
        return load_config(config, overrides)
    return build_config({"run": run, "sources": [{"name": "input", "files": "-"}]}, overrides, where="--set")


def open_run(run: str) -> "RunFolder":
    """The folder of a run that is there. Raises InputError."""
    from pipeline.run.layout import MANIFEST, PROBLEMS
    from pipeline.run.storage import RunFolder
    from schemas.errors import InputError

    folder = RunFolder(run)
    if not folder.list(PROBLEMS) and not folder.exists(MANIFEST):
        raise InputError(
            f"{run}: no run is here (no {PROBLEMS}/ and no {MANIFEST}); give the folder of `run:` in the config"
        )
    return folder


def quieten_prefect(debug: bool) -> None:
    """Prefect logs only where somebody looks for an error; what the user has set stays."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if debug else "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
