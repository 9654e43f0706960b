"""Commands for what comes after a run: export it for a trainer, and reward what that trains."""

from contextlib import suppress
from typing import Annotated

import typer

from flows.errors import explained
from flows.options import Debug, OptionalConfig, Set, app, read_settings

HOST, PORT = "127.0.0.1", 8100
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")]


@app.command(epilog="Example: goldilocks export trl runs/quickstart exports/trl")
def export(
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="trl, verl, openrlhf, prime-rl, nemo-rl, open-instruct; sft, sft-messages; dpo.",
        ),
    ],
    run: Run,
    out: Annotated[str, typer.Argument(metavar="OUT", help="The export's folder.")],
    overrides: Set = [],  # noqa: B006
    debug: Debug = False,
) -> None:
    """Write a run's curated problems, or its stored traces, in the form that a trainer's own loader reads."""
    with explained(debug):
        from pipeline.publish.export import export_run

        exported = export_run(format, run, out, overrides)
        print(f"{format}: {exported.problems} problems: {out}")
        for file, rows in exported.rows.items():
            print(f"  {file}: {rows} rows")
        for reason, count in exported.left_out.items():
            print(f"  left out: {count} that {reason}")


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
