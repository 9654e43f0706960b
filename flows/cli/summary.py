"""What a command prints when it is done: counts, reasons, where to look next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.run.layout import CURATED, REPORT, table_name
from pipeline.text.visible import make_visible, print_visible
from schemas.reasons import Reason

if TYPE_CHECKING:
    from flows.curate import Outcome


def print_outcome(outcome: "Outcome") -> None:
    """How a second pass differs from the first, the funnel, what failed or is missing, and the next commands."""
    if outcome.manifest.get("grading_pass") == 2:
        print_moves(outcome.run)
    print_manifest(outcome.run, outcome.manifest)
    console = Console(soft_wrap=True)
    for what, error in outcome.failed.items():
        console.print(Text.assemble(("failed", "red"), make_visible(f" {what}: {error}")))
    if outcome.missing:
        console.print(f"[yellow]missing[/] {outcome.missing} samples", highlight=False)
    if not outcome.finished:
        console.print("What is done is kept; run the same command again to go on.")


def print_moves(run: str) -> None:
    """How the second grading pass differs from the first."""
    from pipeline.publish.report.passes import describe_moves, gather_passes
    from pipeline.run.storage import RunFolder

    passes = gather_passes(RunFolder(run), 0)
    if passes is None:
        return
    moved = ", ".join(f"{move['problems']} {move['name']}" for move in describe_moves(passes) if move["problems"])
    print_visible(
        f"second pass: mean pass rate {passes.before:.3f} before, {passes.after:.3f} after training the grader; "
        f"{moved or 'no decision moved'}"
    )


def print_manifest(run: str, manifest: Mapping[str, Any]) -> None:
    """Counts of every stage with their reasons, and where the results lie."""
    console = Console(soft_wrap=True)
    table = Table("stage", "in", "kept", "rejected", "why", show_edge=False, pad_edge=False)
    for stage in manifest["stages"]:
        reasons = sorted(stage["reasons"].items(), key=lambda item: -item[1])
        why = ", ".join(f"{count} {reason}" for reason, count in reasons)
        if stage.get("added"):
            why = f"{why}; {stage['added']} copies in another language".removeprefix("; ")
        table.add_row(stage["stage"], *(str(stage[key]) for key in ("in", "kept", "rejected")), why)
    console.print(table)
    if translation := manifest.get("translation"):
        tried, passed = translation["tried"], translation["passed"]
        left = f", {translation['left']} left in English" if translation["left"] else ""
        by = f" by {', '.join(translation['by'])}" if translation.get("by") else ""
        console.print(f"translations{by}: {passed} of {tried} passed the check{left}", highlight=False)
        if advice := translation.get("advice"):
            console.print(f"[yellow]not translated[/] {translation['unknown']} problems: {advice}", highlight=False)
    samples = manifest.get("samples") or {}
    if samples.get("count"):
        planned = samples.get("planned") or samples["count"]
        saved = f", {1 - samples['count'] / planned:.0%} fewer than planned" if samples["count"] < planned else ""
        console.print(f"{samples['count']} samples{saved}, {samples.get('tokens') or 0} tokens", highlight=False)
    curated = table_name(CURATED, "*")
    print_visible(f"curated  {run}/{curated}\nreport   {run}/{REPORT}\nnext     goldilocks inspect {run}")


def print_comparison(comparison: pl.DataFrame) -> None:
    """How many problems went from one decision to another."""
    console = Console(soft_wrap=True)
    moved = comparison.filter(pl.col("old") != pl.col("new"))
    if moved.is_empty():
        console.print("every decision is as it was")
        return
    table = Table("before", "now", "problems", "meaning now", show_edge=False, pad_edge=False)
    for row in moved.sort("problems", descending=True).iter_rows(named=True):
        meaning = Reason(row["new"]).meaning if row["new"] in set(Reason) else "kept"
        table.add_row(row["old"], row["new"], str(row["problems"]), meaning)
    console.print(table)
