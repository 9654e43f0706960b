"""What training came to: the held-out problems before it, while it went on, and after each stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.run.layout import HELD_OUT
from pipeline.run.storage import RunFolder


@dataclass(frozen=True)
class Evaluation:
    """Held-out problems under the weights after `version` optimiser steps; bounds are of 95%."""

    when: str
    version: int
    problems: int
    pass_rate: float
    low: float
    high: float


def gather_training(folder: RunFolder) -> tuple[Evaluation, ...]:
    """The evaluations of a run's trainer, by version; none where it has not trained, or keeps its logs elsewhere."""
    if not folder.exists(HELD_OUT):
        return ()
    evaluations = []
    for line in folder.read_bytes(HELD_OUT).decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            names = ("when", "version", "problems", "pass_rate", "low", "high")
            evaluations.append(Evaluation(**{name: row[name] for name in names}))
        except (ValueError, KeyError):
            # Torn by a kill, or of an evaluation in which nothing could be judged.
            continue
    return tuple(sorted(evaluations, key=lambda one: one.version))


def draw_training(evaluations: Sequence[Evaluation], width: float = 460, height: float = 240) -> Markup:
    """Held-out pass rate over optimiser steps, with its intervals."""
    left, right, bottom, top = 44.0, 12.0, 44.0, 12.0
    last = max((one.version for one in evaluations), default=0) or 1

    def across(version: float) -> float:
        return left + version / last * (width - left - right)

    def up(rate: float) -> float:
        return height - bottom - rate * (height - bottom - top)

    first, final = evaluations[0], evaluations[-1]
    label = f"Held-out pass rate: {first.pass_rate:.2f} {first.when}, {final.pass_rate:.2f} {final.when}"
    line = " ".join(f"{across(one.version):.1f},{up(one.pass_rate):.1f}" for one in evaluations)
    parts = [f'<svg class="training" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">']
    for tick in range(0, 101, 25):
        at = up(tick / 100)
        parts.append(
            f'<line class="grid" x1="{left:.1f}" y1="{at:.1f}" x2="{width - right:.1f}" y2="{at:.1f}"/>'
            f'<text class="tick" x="{left - 8:.1f}" y="{at + 4:.1f}" text-anchor="end">{tick}%</text>'
        )
    parts.append(f'<polyline points="{line}"/>')
    for one in evaluations:
        at = across(one.version)
        hint = f"{one.when}: {one.pass_rate:.3f} ({one.low:.3f} to {one.high:.3f}), {one.problems} problems"
        parts.append(
            f'<line class="axis" x1="{at:.1f}" y1="{up(one.low):.1f}" x2="{at:.1f}" y2="{up(one.high):.1f}"/>'
            f'<circle class="t-keep" cx="{at:.1f}" cy="{up(one.pass_rate):.1f}" r="4"><title>{escape(hint)}</title>'
            f"</circle>"
        )
    parts += [
        f'<text class="tick" x="{across(version):.1f}" y="{height - bottom + 18:.1f}" text-anchor="middle">{version}'
        f"</text>"
        for version in sorted({0, last})
    ]
    parts += [
        f'<text class="axis-name" x="{width - right:.0f}" y="{height - 6:.0f}" text-anchor="end">optimiser steps →'
        f"</text>",
        "</svg>",
    ]
    return Markup("\n".join(parts))
