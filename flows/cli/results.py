"""Commands for what comes after a run: export it for a trainer, reward what that trains, push it to the Hub."""

from contextlib import suppress
from typing import Annotated

import typer

from flows.cli.errors import explained
from flows.cli.options import Debug, OptionalConfig, Quiet, Set, app, read_settings
from pipeline.progress import announce
from pipeline.progress.display import show_progress
from pipeline.text.visible import print_visible

HOST, PORT = "127.0.0.1", 8100
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]


@app.command(epilog="Example: goldilocks export trl runs/quickstart exports/trl")
def export(
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="trl, verl, openrlhf, prime-rl, nemo-rl, nemo-gym, open-instruct; curriculum; sft, sft-messages; dpo.",
        ),
    ],
    run: Run,
    out: Annotated[str, typer.Argument(metavar="OUT", help="The export's folder.")],
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a run's curated problems, or its stored traces, in the form that a trainer's own loader reads."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from pipeline.publish.curriculum.table import NAME
            from pipeline.publish.curriculum.write import export_curriculum
            from pipeline.publish.export import export_run

            if format == NAME:
                exported = export_curriculum(run, out, overrides)
            else:
                exported = export_run(format, run, out, overrides)
        print_visible(f"{format}: {exported.problems} problems: {out}")
        for file, rows in exported.rows.items():
            print_visible(f"  {file}: {rows} rows")
        for reason, count in exported.left_out.items():
            print_visible(f"  left out: {count} that {reason}")


@app.command(epilog="Example: goldilocks reband exports/curriculum outputs/rollouts")
def reband(
    export: Annotated[str, typer.Argument(metavar="CURRICULUM", help="What `goldilocks export curriculum` wrote.")],
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="The file or folder of rollouts that verl, prime-rl or TRL logged.")
    ],
    reward: Annotated[
        str | None, typer.Option("--reward", help="TRL's column of the reward that says whether an answer is right.")
    ] = None,
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Move a curriculum's problems between bands by what a trainer's rollouts say; and say when to grade again."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from pipeline.publish.curriculum.rebands import reband as move

            done = move(export, logs, overrides, reward)
        read = f"{done.read} rollouts of {done.problems} problems up to step {done.last_step}"
        print_visible(f"{read}; {done.unknown} without a verdict, {done.unmatched} of no problem of {export}")
        for moved, problems in done.moves.items():
            print_visible(f"  {moved}: {problems} problems")
        for file, rows in done.files.items():
            print_visible(f"  {file}: {rows} rows")
        print_visible("grade again: " + ("; ".join(done.grade_again) or "not yet"))


@app.command(epilog="Example: goldilocks audit runs/quickstart")
def audit(
    run: Run,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many defects to plant.")] = 1000,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Plant defects into a copy of a run's kept problems, and say how many its stages and stored samples catch."""
    with explained(debug):
        with show_progress(quiet):
            announce("load the libraries")
            from pipeline.audit import audit_run, describe_audit

            audited = audit_run(run, limit)
        print_visible("\n".join(describe_audit(audited)))


@app.command(epilog="Example: goldilocks reward --config configs/quickstart.yaml --port 8100")
def reward(
    config: OptionalConfig = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen; elsewhere than here with a token only.")] = HOST,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = PORT,
    overrides: Set = [],  # noqa: B006
    debug: Debug = False,
) -> None:
    """Serve the verifier's verdicts and rewards over HTTP, for any trainer, until interrupted."""
    with explained(debug):
        from pipeline.reward.serve import serve_rewards

        with suppress(KeyboardInterrupt):
            serve_rewards(read_settings(config, overrides, "runs/reward"), host, port)


@app.command(epilog="Example: goldilocks push runs/quickstart OWNER/NAME")
def push(
    run: Run,
    repo: Annotated[str | None, typer.Argument(metavar="[REPO]", help="A dataset on the Hub: OWNER/NAME.")] = None,
    to_folder: Annotated[
        str | None, typer.Option("--to-folder", metavar="DIR", help="Write what would go up here, and upload nothing.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="A dataset made by this is public; private if not.")] = False,
    revision: Annotated[str | None, typer.Option("--revision", help="A branch other than main.")] = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Publish the curated problems on the Hub, in one commit: a config for every domain and language, and a card."""
    with explained(debug):
        from pipeline.publish.push import push_run, write_tree
        from pipeline.run.storage import RunFolder
        from schemas.errors import InputError

        if (repo is None) == (to_folder is None):
            raise InputError("push wants one place: REPO (OWNER/NAME on the Hub), or --to-folder DIR")
        with show_progress(quiet):
            pushed = write_tree(run, RunFolder(to_folder)) if to_folder else push_run(run, str(repo), public, revision)
        print_visible(pushed.where)
        for part, counts in sorted(pushed.rows.items()):
            print_visible(f"  {part}: {', '.join(f'{rows} {split}' for split, rows in counts.items())}")
        for warning in pushed.warnings:
            print_visible(f"  {warning}")
