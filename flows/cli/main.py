"""The command line: curate, loop, train, stage, grade, decide, inspect, report, serve, doctor, and more."""

import pkgutil
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from flows.cli.errors import Exit, explained
from flows.cli.options import (
    Columns,
    ConfigPath,
    Debug,
    OptionalConfig,
    Preset,
    Quiet,
    Set,
    app,
    open_run,
    quieten_prefect,
    read_settings,
)
from pipeline.progress import announce
from pipeline.progress.display import show_progress
from pipeline.text.visible import print_visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.curate import Outcome
    from schemas.config import Config


@app.command(epilog="Example: goldilocks curate problems.jsonl --set sampling.n=8")
def curate(
    place: Annotated[
        str, typer.Argument(metavar="CONFIG|DATA", help="A run config (YAML), or a file or folder of problems.")
    ],
    preset: Preset = None,
    columns: Columns = [],  # noqa: B006
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run the main job: sources in; curated shards, rejects, card and report out. Goes on where it stopped."""

    def read() -> "Config":
        from flows.cli.data import build_settings

        return build_settings(place, preset, columns, overrides)

    _run("flows.curate:curate_held", read, quiet, debug)


@app.command(epilog="Example: goldilocks loop configs/quickstart.yaml")
def loop(config: ConfigPath, overrides: Set = [], quiet: Quiet = False, debug: Debug = False) -> None:  # noqa: B006
    """Close the loop: curate, train the grader on what was kept, grade the whole set again with it. Resumes."""

    def read() -> "Config":
        from schemas.load import load_config

        return load_config(config, overrides)

    _run("flows.loop:loop_held", read, quiet, debug)


@app.command(epilog="Example: goldilocks train configs/quickstart.yaml --stage stage-1")
def train(
    config: ConfigPath,
    stage: Annotated[str | None, typer.Option("--stage", help="One stage of train.stages; all if not given.")] = None,
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train the grading model by GRPO on a curated run. Goes on where it stopped; done stages are skipped."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from schemas.load import load_config

            settings = load_config(config, overrides)
            from flows.process_guard import guard_children
            from flows.train import choose_stages, train_stages
            from pipeline.run.lock import hold_run
            from pipeline.run.storage import RunFolder

            stages = choose_stages(settings, stage)
            guard_children()
            with hold_run(RunFolder(settings.run)):
                model = train_stages(settings, stages)
        print_visible(
            f"model    {model}\ncurves   {model.parents[1]}/curves.svg\nlog      {model.parents[1]}/log.jsonl"
        )


class _StageCommand(TyperCommand):
    """Lists the stages in its help; they are read when it is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from pipeline.stages import STAGES

        lines = "\n\n".join(f"{stage.name}: {stage.summary}" for stage in STAGES)
        self.epilog = f"{lines}\n\nExample: goldilocks stage screen problems.jsonl out/"
        super().format_help(ctx, formatter)


@app.command(cls=_StageCommand)
def stage(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of the stages below.")],
    source: Annotated[str, typer.Argument(metavar="IN", help="A file or folder of problems.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder for kept.parquet and rejected.parquet.")],
    config: OptionalConfig = None,
    preset: Preset = None,
    columns: Columns = [],  # noqa: B006
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run one stage alone over a file; its columns are recognised, unknown ones come through."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from flows.cli.data import choose_source, show_opened
            from pipeline.stage_file import run_stage

            settings = read_settings(config, overrides, out)
            given = choose_source(source, settings, preset, columns)
            counts = run_stage(name, given, out, settings, None if quiet else show_opened)
        more = f", {counts['added']} added" if counts["added"] else ""
        if counts["pending"]:
            more += f", {counts['pending']} pending (their requests failed; run it again)"
        print_visible(f"{name}: {counts['in']} in, {counts['kept']} kept, {counts['rejected']} rejected{more}: {out}")


@app.command(
    epilog="Example: goldilocks grade problems.jsonl --samples samples.jsonl runs/mine --set verify.extract=last"
)
def grade(
    problems: Annotated[str, typer.Argument(metavar="PROBLEMS", help="Parquet or JSONL with the contract's columns.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The run's folder.")],
    samples: Annotated[
        str, typer.Option("--samples", metavar="FILE", help="Parquet or JSONL: source_id or problem_id, completion.")
    ],
    config: OptionalConfig = None,
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Grade problems by samples that you already have; no model is started."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from flows.cli.summary import print_manifest
            from flows.offline import grade_imported

            manifest = grade_imported(problems, samples, out, read_settings(config, overrides, out))
        print_manifest(out, manifest)


@app.command(epilog="Example: goldilocks decide runs/quickstart --set keep.max=10")
def decide(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Decide a run again from its stored evidence, with other thresholds and no model; compare with before."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from flows.cli.summary import print_comparison, print_manifest
            from pipeline.publish.run import decide_again

            comparison, manifest = decide_again(run, overrides)
        print_comparison(comparison)
        print_manifest(run, manifest)


@app.command(epilog="Example: goldilocks inspect runs/quickstart --id 3f2a")
def inspect(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A run's folder, or a Parquet or JSONL file.")],
    problem: Annotated[
        str | None, typer.Option("--id", help="One problem in full: its id, a prefix, or source_id.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows to show.")] = 5,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten texts.")] = False,
    debug: Debug = False,
) -> None:
    """Show schema, counts and a few rows, or one problem with its samples and history."""
    with explained(debug):
        from rich.console import Console

        from pipeline.publish.inspect import inspect_path

        inspect_path(path, problem=problem, rows=rows, full=full, console=Console())


@app.command(epilog="Example: goldilocks report runs/quickstart")
def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw report.html and its pictures again from what the run's folder holds."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from pipeline.publish.report.build import write_report

            name = write_report(open_run(run))
        print_visible(f"{run}/{name}")


@app.command(epilog='Example: goldilocks serve configs/quickstart.yaml --cron "0 3 * * *"')
def serve(
    config: ConfigPath,
    overrides: Set = [],  # noqa: B006
    cron: Annotated[
        str | None, typer.Option("--cron", help="When to run; the config's flow.cron if not given.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Run the flow on a schedule from this process; starts a Prefect server here where none is configured."""
    with explained(debug):
        from schemas.load import load_config

        settings = load_config(config, overrides)
        from flows.process_guard import guard_children
        from flows.schedule import serve_flow

        guard_children()
        serve_flow(config, list(overrides), cron or settings.flow.cron)


@app.command(epilog="Example: goldilocks doctor configs/8xgpu-qwen3-8b.yaml --gpus 8 --gpu-memory 80")
def doctor(
    config: Annotated[
        str | None, typer.Argument(metavar="[CONFIG]", help="A run config: does it fit on the GPUs, and how?")
    ] = None,
    gpus: Annotated[
        int | None, typer.Option("--gpus", min=1, help="Reckon with so many GPUs (placement.gpus).")
    ] = None,
    gpu_memory: Annotated[
        float | None, typer.Option("--gpu-memory", min=1, help="GB of each (placement.gpu_memory).")
    ] = None,
    host_memory: Annotated[
        float | None, typer.Option("--host-memory", min=1, help="GB of the node's own (placement.host_memory).")
    ] = None,
    named: OptionalConfig = None,
    overrides: Set = [],  # noqa: B006
    debug: Debug = False,
) -> None:
    """Say what this machine has, what is missing, and whether a config's models fit on its GPUs; and what to do."""
    with explained(debug):
        from flows.cli.doctor import examine

        given = config or named
        numbers = {
            "placement.gpus": gpus,
            "placement.gpu_memory": gpu_memory,
            "placement.host_memory": host_memory,
        }
        asked = [f"{key}={value}" for key, value in numbers.items() if value is not None]
        settings = read_settings(given, [*overrides, *asked], "runs/doctor")
        sound = examine(settings)
        if given is not None:
            from flows.cli.fit import look_at_memory

            sound = look_at_memory(settings) and sound
        if not sound:
            raise SystemExit(Exit.FAILED)


def _run(flow: str, read: "Callable[[], Config]", quiet: bool, debug: bool) -> None:
    """Run the flow that `flow` refers to and print what came of it; exits where something is still to be done."""
    with explained(debug):
        quieten_prefect(debug)
        with show_progress(quiet):
            # On a busy machine reading the config alone takes seconds, for its libraries.
            announce("load the libraries")
            settings = read()
            if not quiet:
                from flows.cli.data import show_sources

                show_sources(settings)
            from flows.cli.summary import print_outcome
            from flows.process_guard import guard_children

            held: Callable[[Config], Outcome] = pkgutil.resolve_name(flow)
            guard_children()
            outcome = held(settings)
        print_outcome(outcome)
        if not outcome.finished:
            raise SystemExit(Exit.UNFINISHED)


import flows.cli.plan  # noqa: E402  what a run will take
import flows.cli.results  # noqa: E402  what comes after a run has its commands there
import flows.cli.view  # noqa: E402, F401  and the page to look through it there


def main() -> None:
    """Entry point of `goldilocks`."""
    app()


if __name__ == "__main__":
    main()
