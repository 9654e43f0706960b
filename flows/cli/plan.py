"""`goldilocks plan`: what a run will take, and after it what it took."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.errors import explained
from flows.cli.options import ConfigPath, Debug, Quiet, Set, app, quieten_prefect
from pipeline.progress import announce
from pipeline.progress.display import show_progress
from pipeline.text.visible import print_visible

if TYPE_CHECKING:
    from flows.planning import Actual
    from pipeline.plan import Plan


@app.command(epilog="Example: goldilocks plan configs/quickstart.yaml --pilot 48 --price 2.5")
def plan(
    config: ConfigPath,
    pilot: Annotated[
        int, typer.Option("--pilot", min=0, help="Problems to grade first; 0 plans from what the run has stored.")
    ] = 48,
    price: Annotated[float | None, typer.Option("--price", min=0, help="Of an engine's hour, in any money.")] = None,
    speed: Annotated[
        float | None,
        typer.Option("--tokens-per-second", min=0, help="Of one engine at full load; the pilot's if not given."),
    ] = None,
    engines: Annotated[int, typer.Option("--engines", min=1, help="That share the hours.")] = 1,
    overrides: Set = [],  # noqa: B006
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what the run will take: samples, tokens, engine hours, cost, storage, each with its uncertainty.

    Takes a pilot with the config's model, whose samples stay in the run. After the run: the plan beside what it took.
    """
    with explained(debug):
        from schemas.load import load_config

        settings = load_config(config, overrides)
        quieten_prefect(debug)
        measured = None
        with show_progress(quiet):
            announce("load the libraries")
            from flows.planning import plan_run, read_actual, read_plan, take_pilot, write_plan
            from flows.process_guard import guard_children
            from pipeline.run.lock import hold_run
            from pipeline.run.storage import RunFolder

            folder = RunFolder(settings.run)
            actual = read_actual(settings, folder, price)
            made = read_plan(folder) if actual else None
            if made is None:
                guard_children()
                with hold_run(folder):
                    measured = take_pilot(settings, folder, pilot) if pilot and not actual else None
                    made = plan_run(settings, folder, speed, price, measured)
                    if not actual:
                        write_plan(folder, made)
        if measured and measured["missing"]:
            print_visible(f"{measured['missing']} samples of the pilot are missing; plan again to take them")
        print_plan(settings.run, made, actual, engines)


def print_plan(run: str, plan: "Plan", actual: "Actual | None", engines: int) -> None:
    """The plan as a table, with what the run took beside it once it is done."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table("", "plan", "90% interval", *(["actual"] if actual else []), show_edge=False, pad_edge=False)

    def row(name: str, what: str, write: str = "count", factor: float = 1.0) -> None:
        planned, took = getattr(plan, what), getattr(actual, what, None)
        say = WRITE[write]
        cells = ["unknown", ""]
        if planned is not None:
            cells = [say(planned.value * factor), f"{say(planned.low * factor)} to {say(planned.high * factor)}"]
        table.add_row(name, *cells, *(["" if took is None else say(took * factor)] if actual else []))

    row("samples", "samples")
    row("saved by stopping early" if plan.stop == "early" else "stopping early would save", "saved", "share")
    row("tokens", "tokens")
    for way in ("full", "early", "confident"):
        row(f"tokens with stop: {way}", f"{way}_tokens")
    row("engine hours", "hours", "hours")
    if engines > 1:
        row(f"hours on {engines} engines", "hours", "hours", 1 / engines)
    if plan.cost is not None:
        row("cost", "cost", "money")
    row("kept", "kept")
    row("storage", "storage", "bytes")
    console.print(f"{plan.problems:,} problems to grade in {plan.shards:,} shards, n = {plan.n}, stop: {plan.stop}")
    console.print(table)
    speed = f"{plan.tokens_per_second:,.0f} tokens/s, " if plan.tokens_per_second else ""
    print_visible(f"from {plan.pilot:,} problems (bootstrap over them); speed of an engine: {speed}{plan.speed_from}")
    if actual is None:
        print_visible(
            f"next     goldilocks curate, which takes none of the pilot's samples again\nplan     {run}/plan.json"
        )


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.3g} {unit}"


WRITE = {
    "count": lambda value: f"{value:,.0f}",
    "share": lambda value: f"{value:.0%}",
    "hours": lambda value: f"{value:,.1f}" if value >= 10 else f"{value:.3g}",
    "money": lambda value: f"{value:,.2f}",
    "bytes": _bytes,
}
