"""What the witnesses made of the labels, for the page: outcomes, reliabilities, calibration, repairs, clashes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup, escape

from pipeline.labels.calibration import Calibration
from pipeline.labels.judge import Witnesses
from pipeline.labels.run import read_witnesses
from pipeline.run.evidence import find_graded
from pipeline.run.layout import LABELS, shard_of
from pipeline.run.storage import RunFolder
from schemas.label import LabelOutcome

LISTED = 20
"""Repairs, and clashes, that the page lists; the page `goldilocks view` lists all."""
WITNESSES_LISTED = 40


@dataclass(frozen=True)
class LabelSummary:
    """All that the page says of labels. `outcomes`: outcome -> labels; `opposed`: labels that not every witness
    shares.
    """

    outcomes: dict[str, int]
    opposed: int
    clashes: int
    witnesses: Witnesses
    repaired: tuple[dict[str, Any], ...]
    clashing: tuple[dict[str, Any], ...]

    @property
    def apart(self) -> int:
        """Pairs of copies under different labels that are two problems."""
        return len({frozenset(pair) for pair in self.witnesses.apart})

    @property
    def reliabilities(self) -> list[tuple[str, float]]:
        """(witness, how often it is right), those of labels first."""
        overall = self.witnesses.coins.overall().tolist()
        rows = zip(self.witnesses.names, self.witnesses.kinds, overall, strict=True)
        ordered = sorted(rows, key=lambda row: (row[1] != "label", -row[2], row[0]))
        return [(name, reliability) for name, _, reliability in ordered][:WITNESSES_LISTED]


def gather_labels(folder: RunFolder) -> LabelSummary | None:
    """Read labels/ shard by shard; None of a run that was decided before labels had witnesses."""
    witnesses = read_witnesses(folder)
    if witnesses is None:
        return None
    graded = find_graded(folder)
    outcomes: Counter[str] = Counter()
    opposed = clashes = 0
    repaired: list[dict[str, Any]] = []
    clashing: list[dict[str, Any]] = []
    for name in folder.list(LABELS):
        table = folder.read_table(name)
        outcomes.update(dict(table["outcome"].value_counts().iter_rows()))
        against = pl.col("witnesses").list.eval(~pl.element().struct.field("for_label")).list.any()
        opposed += table.filter(against).height
        clashes += int(table["clash"].sum())
        shown = [
            (repaired, pl.col("outcome") == LabelOutcome.REPAIRED),
            (clashing, pl.col("clash")),
        ]
        for listed, wanted in shown:
            rows = table.filter(wanted).sort("problem_id").head(LISTED - len(listed))
            if rows.height and shard_of(name) in graded:
                texts = folder.read_table(graded[shard_of(name)], ["id", "statement"])
                listed += rows.join(texts, left_on="problem_id", right_on="id", how="left").to_dicts()
    return LabelSummary(dict(outcomes), opposed, clashes, witnesses, tuple(repaired), tuple(clashing))


def tell_witnesses(witnesses: Sequence[dict[str, Any]]) -> str:
    """The witnesses of one problem in a line: `label: 7; grader a: 8 (12 of 16)`."""
    answers = []
    for witness in witnesses:
        share = f" ({round(witness['share'] * witness['n'])} of {witness['n']})" if (witness["n"] or 1) > 1 else ""
        answers.append(f"{witness['witness']}: {witness['answer']}{share}")
    return "; ".join(answers)


def draw_calibration(calibration: Calibration, size: float = 480) -> Markup:
    """What the other witnesses predict, across, and how often the label agrees, upwards; area as problems."""
    if not calibration.bins:
        return Markup("")
    edge, deep = 44.0, size - 84
    largest = max(part.problems for part in calibration.bins)
    points = "; ".join(f"{part.predicted:.2f} predicted, {part.agreed:.2f} seen" for part in calibration.bins)
    parts = [
        f'<svg class="passes" viewBox="0 0 {size:.0f} {size - 24:.0f}" role="img" aria-label="'
        f'{escape(f"Calibration: {points}")}">',
        f'<line class="grid" x1="{edge}" y1="{10 + deep}" x2="{edge + deep}" y2="10"/>',
    ]
    for tick in (0.0, 0.5, 1.0):
        x, y = edge + deep * tick, 10 + deep * (1 - tick)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{deep + 26:.1f}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text class="tick" x="{edge - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for part in calibration.bins:
        x, y = edge + deep * part.predicted, 10 + deep * (1 - part.agreed)
        radius = max(2.5, 15 * (part.problems / largest) ** 0.5)
        hint = f"{part.problems} problems: {part.predicted:.2f} predicted, the label agrees in {part.agreed:.2f}"
        parts.append(
            f'<circle class="t-label" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{escape(hint)}</title></circle>'
        )
    parts += [
        f'<line class="axis" x1="{edge}" x2="{edge + deep}" y1="{10 + deep}" y2="{10 + deep}"/>',
        f'<text class="axis-name" x="{edge + deep / 2:.1f}" y="{deep + 46:.1f}" text-anchor="middle">'
        "posterior by the other witnesses</text>",
        "</svg>",
    ]
    return Markup("\n".join(parts))
