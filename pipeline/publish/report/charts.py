"""The other figures, as inline SVG: pure functions from counts to markup. Colours come from the style sheet."""

from collections import Counter

from markupsafe import Markup, escape

from pipeline.publish.report.formatting import brief, count, plain, plural, share, tone
from pipeline.publish.report.gather import STEPS, Lengths, Rates, edge
from schemas.config import KeepConfig
from schemas.reasons import KEEP, Reason

STACK = (KEEP, Reason.NEVER_SOLVED, Reason.TOO_EASY, Reason.LABEL_CONTRADICTED, Reason.UNDETERMINED)
"""From the bottom of a column upwards."""


def draw_rates(rates: Rates, keep: KeepConfig, width: float = 960, height: float = 310) -> Markup:
    """Problems by how many of their samples were correct: the keep window shaded, columns coloured by decision."""
    left, right, top, bottom = 46.0, 8.0, 54.0, 46.0
    wide, deep = width - left - right, height - top - bottom
    columns = rates.of + 1
    step = wide / columns
    totals: Counter[int] = Counter()
    for (bin_, _), problems in rates.counts.items():
        totals[bin_] += problems
    ceiling, ticks = scale_axis(max(totals.values(), default=0))
    base = top + deep
    low, high = -(-keep.min * rates.of // keep.of), keep.max * rates.of // keep.of
    x0, x1 = left + low * step, left + max(low, high + 1) * step
    counts = ", ".join(f"{bin_} correct: {totals[bin_]}" for bin_ in range(columns))
    parts = [
        f'<svg class="rates" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="'
        f'{escape(f"Problems by correct samples of {rates.of}; {counts}")}">',
        f'<rect class="window" x="{x0:.1f}" y="{top - 40:.1f}" width="{x1 - x0:.1f}" height="{deep + 40:.1f}"/>',
        f'<text class="window-name" x="{(x0 + x1) / 2:.1f}" y="{top - 24:.1f}" text-anchor="middle">'
        f"{_window_name(low, high, rates.of, x1 - x0)}</text>",
    ]
    for tick in ticks:
        y = base - deep * tick / ceiling
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{brief(tick)}</text>')
    others = sorted({decision for _, decision in rates.counts} - set(STACK))
    every = 1 if step >= 19 else 4
    for bin_ in range(columns):
        x = left + bin_ * step + step * 0.12
        y = base
        for decision in (*STACK, *others):
            problems = rates.counts[bin_, decision]
            if not problems:
                continue
            tall = max(1.5, deep * problems / ceiling)
            y -= tall
            name = "kept" if decision == KEEP else plain(decision)
            hint = f"{bin_} of {rates.of} correct, {name}: {plural(problems, 'problem')}"
            parts.append(
                f'<rect class="t-{tone(decision)}" x="{x:.1f}" y="{y:.1f}" width="{step * 0.76:.1f}" '
                f'height="{tall:.1f}"><title>{escape(hint)}</title></rect>'
            )
        middle = left + (bin_ + 0.5) * step
        if totals[bin_] and step >= 19:
            parts.append(
                f'<text class="top" x="{middle:.1f}" y="{y - 5:.1f}" text-anchor="middle">{brief(totals[bin_])}</text>'
            )
        if bin_ % every == 0:
            parts.append(f'<text class="tick" x="{middle:.1f}" y="{base + 17:.1f}" text-anchor="middle">{bin_}</text>')
    parts += [
        f'<line class="axis" x1="{left}" x2="{width - right}" y1="{base}" y2="{base}"/>',
        f'<text class="axis-name" x="{left}" y="{height - 6:.0f}">← harder</text>',
        f'<text class="axis-name" x="{left + wide / 2:.0f}" y="{height - 6:.0f}" text-anchor="middle">'
        f"correct of {rates.of} samples</text>",
        f'<text class="axis-name" x="{width - right}" y="{height - 6:.0f}" text-anchor="end">easier →</text>',
        "</svg>",
    ]
    return Markup("\n".join(parts))


def draw_mirror(up: tuple[str, Lengths], down: tuple[str, Lengths], unit: str, width: float = 460) -> Markup:
    """Two length distributions back to back on one logarithmic axis; each is scaled to its own total."""
    left, right, half, top = 8.0, 8.0, 78.0, 26.0
    bins = sorted({*up[1].bins, *down[1].bins})
    if not bins:
        return Markup("")
    first, last = bins[0], max(bins[-1], bins[0] + 5)
    step = (width - left - right) / (last - first + 1)
    shares = [{b: n / side.count for b, n in side.bins.items()} for _, side in (up, down)]
    peak = max(max(side.values(), default=0.0) for side in shares)
    axis = top + half
    gap = 20.0
    height = axis + gap + half + 26
    parts = [
        f'<svg class="mirror" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="'
        f'{escape(f"Lengths in {unit}: {_typical(*up)}; {_typical(*down)}")}">'
    ]
    for (name, side), by_bin, above in zip((up, down), shares, (True, False), strict=True):
        colour = "keep" if above else "rule"
        for bin_, part in sorted(by_bin.items()):
            tall = max(1.0, half * part / peak)
            y = axis - tall if above else axis + gap
            hint = f"{name}, {brief(edge(bin_))} to {brief(edge(bin_ + 1))} {unit}: {count(side.bins[bin_])}"
            parts.append(
                f'<rect class="t-{colour}" x="{left + (bin_ - first) * step + 0.75:.1f}" y="{y:.1f}" '
                f'width="{max(1.0, step - 1.5):.1f}" height="{tall:.1f}"><title>{escape(hint)}</title></rect>'
            )
        label = top - 10 if above else height - 8
        parts.append(f'<text class="side" x="{left}" y="{label:.1f}">{escape(_typical(name, side))}</text>')
    marks = [b for b in range(first, last + 2) if b % STEPS == 0]
    while len(marks) > 9:
        marks = marks[::2]
    for bin_ in marks:
        x = left + (bin_ - first) * step
        anchor = "start" if x < 20 else "end" if x > width - 24 else "middle"
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{axis + 14:.1f}" text-anchor="{anchor}">{brief(edge(bin_))}</text>'
        )
    return Markup("\n".join([*parts, "</svg>"]))


def scale_axis(highest: float) -> tuple[float, list[float]]:
    """A round ceiling for counts up to `highest`, and three to five round ticks above zero, whole numbers all."""
    if highest <= 4:
        top = max(1, round(highest))
        return float(top), [float(tick) for tick in range(1, top + 1)]
    size = 1.0
    while True:
        for lead in (1, 2, 5):
            step = lead * size
            if highest / step <= 5:
                ticks = [step * at for at in range(1, int(-(-highest // step)) + 1)]
                return ticks[-1], ticks
        size *= 10


def _window_name(low: int, high: int, of: int, width: float) -> str:
    if low > high:
        return ""
    ends = f"{low} to {high}" if low < high else f"{low}"
    return f"keep window: {ends} of {of} correct" if width > 210 else f"keep {ends}" if width > 70 else "keep"


def _typical(name: str, side: Lengths) -> str:
    if not side.count:
        return f"{name}: none"
    return f"{name}: {count(side.count)}, median about {brief(round(side.median or 0))}"


def draw_split(parts: list[tuple[str, int]]) -> Markup:
    """One line cut into shares, such as the reasons of a source: (outcome, problems) from left to right."""
    whole = sum(problems for _, problems in parts)
    cuts = "".join(
        f'<i class="b-{tone(outcome)}" style="flex-grow:{problems}" '
        f'title="{escape(plain(outcome))}: {count(problems)} ({share(problems, whole)})"></i>'
        for outcome, problems in parts
        if problems
    )
    return Markup(f'<span class="split">{cuts}</span>')
