"""`goldilocks view`: look through a run in the browser."""

from contextlib import suppress
from typing import Annotated

import typer

from flows.cli.errors import explained
from flows.cli.options import Debug, app, open_run
from pipeline.text.visible import print_visible

PORT = 8420


@app.command(epilog="Example: goldilocks view runs/quickstart")
def view(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    against: Annotated[
        str | None, typer.Option("--against", metavar="RUN", help="Another run to compare it with.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = PORT,
    host: Annotated[
        str, typer.Option("--host", help="Beyond loopback the address has a token; there is no encryption.")
    ] = "127.0.0.1",
    debug: Debug = False,
) -> None:
    """Look through a run on a local page: search, filter, read, compare, flag labels. Ends with Ctrl+C."""
    with explained(debug):
        from pipeline.publish.view.serve import serve_runs

        folders = [open_run(run), *([open_run(against)] if against else [])]
        with suppress(KeyboardInterrupt):
            serve_runs(folders, host, port, lambda address: print_visible(f"looking at {run}: {address}"))
