"""Commands for what comes after a run: export it for a trainer."""

from typing import Annotated

import typer

from flows.errors import explained
from flows.options import Debug, Set, app

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
