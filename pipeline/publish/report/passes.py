"""The two grading passes side by side: the same problems before and after the grader was trained."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup, escape

from pipeline.publish.report.formatting import plain, plural
from pipeline.run.evidence import find_graded
from pipeline.run.layout import decisions_name
from pipeline.run.storage import RunFolder
from schemas.reasons import KEEP, Reason

MOVES: Mapping[str, tuple[str, str]] = {
    "rescued": (KEEP, "kept now, and left out before"),
    "newly_easy": (Reason.TOO_EASY.value, "solved too often now"),
    "newly_unsolved": (Reason.NEVER_SOLVED.value, "never solved now, and solved or doubted before"),
    "label_contradicted": (Reason.LABEL_CONTRADICTED.value, "the better grader doubts the label"),
    "undetermined": (Reason.UNDETERMINED.value, "not enough verdicts now"),
}
"""Name of a move -> the decision that it ends in (from any other), and what it means."""
CELLS = 16


@dataclass(frozen=True)
class Passes:
    """What the second pass changed. `grid` counts problems by (sixteenths correct before, after)."""

    problems: int
    before: float
    after: float
    moves: dict[str, int]
    table: tuple[tuple[str, str, int], ...]
    """(decision before, decision after, problems), moved ones only, most first."""
    examples: dict[str, tuple[dict[str, Any], ...]]
    grid: Counter[tuple[int, int]]


def gather_passes(folder: RunFolder, examples: int) -> Passes | None:
    """Compare the passes' decisions shard by shard; None where there has been no second pass."""
    table: Counter[tuple[str, str]] = Counter()
    grid: Counter[tuple[int, int]] = Counter()
    shown: dict[str, list[dict[str, Any]]] = {}
    sums = [0.0, 0.0]
    problems = 0
    columns = ["problem_id", "decision", "pass_rate", "correct", "n", "majority_answer"]
    for shard, graded in find_graded(folder).items():
        names = [decisions_name(shard, grading_pass) for grading_pass in (1, 2)]
        if not all(folder.exists(name) for name in names):
            continue
        first, second = (folder.read_table(name, columns) for name in names)
        both = first.join(second, on="problem_id", suffix="_after")
        problems += both.height
        table.update({(a, b): n for a, b, n in both.group_by("decision", "decision_after").len().iter_rows()})
        rated = both.drop_nulls(["pass_rate", "pass_rate_after"])
        sums[0] += float(rated["pass_rate"].sum())
        sums[1] += float(rated["pass_rate_after"].sum())
        cells = rated.select((pl.col("pass_rate", "pass_rate_after") * CELLS).round().cast(pl.Int32))
        grid.update(cells.iter_rows())
        moved = both.filter(pl.col("decision") != pl.col("decision_after"))
        if moved.is_empty() or not examples:
            continue
        texts = folder.read_table(graded, ["id", "statement", "answer"])
        for name, (decision, _) in MOVES.items():
            rows = moved.filter(pl.col("decision_after") == decision).sort("problem_id").head(examples)
            more = rows.join(texts, left_on="problem_id", right_on="id", how="left").to_dicts()
            shown[name] = sorted(shown.get(name, []) + more, key=lambda row: str(row["problem_id"]))[:examples]
    if not problems:
        return None
    rated_count = max(grid.total(), 1)
    moves = {
        name: sum(n for (a, b), n in table.items() if b == decision and a != decision)
        for name, (decision, _) in MOVES.items()
    }
    changed = sorted(((a, b, n) for (a, b), n in table.items() if a != b), key=lambda move: (-move[2], move[:2]))
    return Passes(
        problems=problems,
        before=sums[0] / rated_count,
        after=sums[1] / rated_count,
        moves=moves,
        table=tuple(changed),
        examples={name: tuple(rows) for name, rows in shown.items() if rows},
        grid=grid,
    )


def draw_passes(passes: Passes) -> Markup:
    """The pass rates of every problem before and after the grader was trained."""
    return draw_grid(passes.grid, "sixteenths correct before training →", "after →")


def draw_grid(grid: Counter[tuple[int, int]], across_name: str, up_name: str, size: float = 460) -> Markup:
    """Problems by their pass rate before (across) and after (upwards): above the diagonal they became easier. The area
    of a dot is the number of problems.
    """
    left, bottom, top = 44.0, 44.0, 12.0
    step = (size - left - top) / (CELLS + 1)
    peak = max(grid.values(), default=1)

    def across(cell: int) -> float:
        return left + (cell + 0.5) * step

    def up(cell: int) -> float:
        return size - bottom - (cell + 0.5) * step

    easier = sum(n for (a, b), n in grid.items() if b > a)
    harder = sum(n for (a, b), n in grid.items() if b < a)
    label = f"Pass rates before and after: {easier} problems easier, {harder} harder"
    parts = [
        f'<svg class="passes" viewBox="0 0 {size:.0f} {size:.0f}" role="img" aria-label="{escape(label)}">',
        f'<line class="grid" x1="{across(0):.1f}" y1="{up(0):.1f}" x2="{across(CELLS):.1f}" y2="{up(CELLS):.1f}"/>',
    ]
    for (before, after), problems in sorted(grid.items()):
        radius = max(1.8, step * 0.62 * (problems / peak) ** 0.5)
        colour = "keep" if after > before else "easy" if after < before else "open"
        hint = f"{before} of {CELLS} before, {after} after: {plural(problems, 'problem')}"
        parts.append(
            f'<circle class="t-{colour}" cx="{across(before):.1f}" cy="{up(after):.1f}" r="{radius:.1f}">'
            f"<title>{escape(hint)}</title></circle>"
        )
    for tick in range(0, CELLS + 1, 4):
        parts.append(
            f'<text class="tick" x="{across(tick):.1f}" y="{size - bottom + 16:.1f}" text-anchor="middle">{tick}</text>'
            f'<text class="tick" x="{left - 8:.1f}" y="{up(tick) + 4:.1f}" text-anchor="end">{tick}</text>'
        )
    parts += [
        f'<text class="axis-name" x="{size - top:.0f}" y="{size - 6:.0f}" text-anchor="end">'
        f"{escape(across_name)}</text>",
        f'<text class="axis-name" x="12" y="{top + 4:.0f}" text-anchor="end" transform="rotate(-90 12 {top + 4:.0f})">'
        f"{escape(up_name)}</text>",
        "</svg>",
    ]
    return Markup("\n".join(parts))


def describe_moves(passes: Passes) -> list[dict[str, Any]]:
    """The moves for the page: name, count, meaning and examples."""
    return [
        {"name": plain(name), "problems": count, "meaning": MOVES[name][1], "examples": passes.examples.get(name, ())}
        for name, count in passes.moves.items()
    ]
