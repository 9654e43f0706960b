"""The funnel as a picture: every problem is in one ribbon, which runs on to `kept` or falls off where it was left out.

Widths are proportional to counts. Ribbons never cross: what falls off first lies lowest, at both ends. Every ribbon
keeps a visible hair's breadth and every label its own line, so that five problems and a million read alike.
"""

from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.publish.report.flow import Stage
from pipeline.publish.report.formatting import count, plain, share, tone
from schemas.reasons import KEEP

HAIR = 1.5
"""Least visible width of a ribbon, in pixels."""
THIN = 4.0
"""Ribbons below this are drawn as lines, which stay as broad where they run steeply."""
BREADTH = 34.0
"""Most pixels for one problem: a handful needs no broad stream."""
WAITING = "waiting"
HEADING = 24
LIFT = 31
LEFT = 4.0


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels of a drawing; `slot` is the least room for a label, `bend` that of the last ribbons to fall."""

    width: float
    trunk: float
    labels: float
    slot: float
    top: float
    bend: float
    stacked: bool
    """Name above number, where there is no room for both on a line."""


WIDE = Frame(width=960, trunk=230, labels=292, slot=27, top=44, bend=170, stacked=False)
NARROW = Frame(width=400, trunk=190, labels=158, slot=38, top=44, bend=80, stacked=True)


@dataclass(frozen=True)
class Ribbon:
    """One outcome: leaves at gate `stage`. `start` and `end` are its top edge in the trunk and at its label."""

    outcome: str
    problems: int
    stage: int
    start: float
    end: float
    height: float
    heads: bool
    """The first that its stage left out: the stage's name stands above it."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands; ribbons from top to bottom."""

    ribbons: tuple[Ribbon, ...]
    gates: tuple[float, ...]
    lifts: tuple[int, ...]
    top: float
    trunk: float
    height: float


def lay_out(stages: tuple[Stage, ...], frame: Frame) -> Layout:
    """Place every gate and ribbon; `stages` is not empty."""
    total = _whole(stages)
    gates = _place_gates(len(stages), frame)
    lifts = _lift_names(stages, gates)
    top = frame.top + LIFT * max(lifts)
    trunk = min(frame.trunk, BREADTH * total)
    outcomes: list[tuple[str, int, int]] = [(KEEP, stages[-1].kept, len(stages) - 1)]
    for at in range(len(stages) - 1, -1, -1):
        waiting = [(WAITING, stages[at].waiting)]
        out = sorted(stages[at].rejected.items(), key=lambda item: (-item[1], item[0]))
        outcomes += [(outcome, problems, at) for outcome, problems in waiting + out if problems]
    ribbons: list[Ribbon] = []
    offset = 0
    floor = top
    for outcome, problems, at in outcomes:
        height = trunk * problems / total
        slot = max(frame.slot, height)
        last = ribbons[-1] if ribbons else None
        heads = last is not None and outcome != WAITING and (last.outcome in (KEEP, WAITING) or last.stage != at)
        end = floor + (slot - height) / 2 + (HEADING if heads else 0) if ribbons else top
        ribbons.append(Ribbon(outcome, problems, at, top + trunk * offset / total, end, height, heads))
        offset += problems
        floor = end + (height + slot) / 2 + 5
    return Layout(tuple(ribbons), gates, lifts, top, trunk, max(floor, top + trunk) + 14)


def _whole(stages: tuple[Stage, ...]) -> int:
    """All problems that have a outcome: those that came, and the copies that were made of some on the way."""
    return stages[0].came + sum(stage.added for stage in stages)


def _place_gates(number: int, frame: Frame) -> tuple[float, ...]:
    last = frame.width - frame.labels - frame.bend
    return (LEFT,) if number == 1 else tuple(LEFT + (last - LEFT) * at / (number - 1) for at in range(number))


def _lift_names(stages: tuple[Stage, ...], gates: tuple[float, ...]) -> tuple[int, ...]:
    """Levels of the stages' names: each stands above every later gate that it would otherwise run across."""
    lifts = [0] * len(stages)
    for at in range(len(stages) - 2, -1, -1):
        ends = gates[at] + max(7.6 * len(stages[at].name), 8.6 * len(count(stages[at].came))) + 8
        lifts[at] = max((lifts[later] + 1 for later in range(at + 1, len(stages)) if gates[later] < ends), default=0)
    return tuple(lifts)


def draw_funnel(stages: tuple[Stage, ...], frame: Frame = WIDE, name: str = "funnel") -> Markup:
    """The picture as inline SVG; colours come from the page's style sheet. `name` makes its ids unique in a page."""
    if not stages:
        return Markup("")
    layout = lay_out(stages, frame)
    total = stages[0].came
    description = "; ".join(f"{_name(ribbon, stages)} {count(ribbon.problems)}" for ribbon in layout.ribbons)
    box = f"0 0 {frame.width:.0f} {layout.height:.0f}"
    parts = [
        f'<svg class="funnel" viewBox="{box}" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">Funnel: {count(total)} problems in, {count(stages[-1].kept)} kept</title>',
        f'<desc id="{name}-desc">{escape(description)}</desc>',
        *(_draw_ribbon(ribbon, layout, frame, stages) for ribbon in reversed(layout.ribbons)),
        *(_draw_gate(at, layout, stages) for at in range(len(stages))),
        *(_draw_label(ribbon, frame, stages) for ribbon in layout.ribbons),
    ]
    return Markup("\n".join([*parts, "</svg>"]))


def _draw_ribbon(ribbon: Ribbon, layout: Layout, frame: Frame, stages: tuple[Stage, ...]) -> str:
    leaves, right = layout.gates[ribbon.stage], frame.width - frame.labels
    start, end, height = ribbon.start, ribbon.end, ribbon.height
    bend = (leaves + right) / 2
    if not ribbon.problems:
        return f'<path class="none" d="M{LEFT} {start:.1f} H{right:.1f}"/>'
    broad = max(HAIR, height)
    if height < THIN:
        path = _run(leaves, bend, right, start + height / 2, end + height / 2)
        drawn = f'<path class="thin" d="{path}" style="stroke-width:{broad:.1f}px"/>'
    else:
        back = (
            f"v{height:.1f} C{bend:.1f} {end + height:.1f} {bend:.1f} {start + height:.1f} "
            f"{leaves:.1f} {start + height:.1f} H{LEFT} Z"
        )
        drawn = f'<path d="{_run(leaves, bend, right, start, end)} {back}"/>'
    total = _whole(stages)
    title = f"{_name(ribbon, stages)}: {count(ribbon.problems)} of {count(total)} ({share(ribbon.problems, total)})"
    cap = f'<rect class="cap" x="{right:.1f}" y="{end + (height - broad) / 2:.1f}" width="4" height="{broad:.1f}"/>'
    return f'<g class="ribbon t-{tone(ribbon.outcome)}"><title>{escape(title)}</title>{drawn}{cap}</g>'


def _run(leaves: float, bend: float, right: float, start: float, end: float) -> str:
    return f"M{LEFT} {start:.1f} H{leaves:.1f} C{bend:.1f} {start:.1f} {bend:.1f} {end:.1f} {right:.1f} {end:.1f}"


def _draw_gate(at: int, layout: Layout, stages: tuple[Stage, ...]) -> str:
    stage, x = stages[at], layout.gates[at]
    y = layout.top - 6 - LIFT * layout.lifts[at]
    deep = max(HAIR, layout.trunk * stage.came / _whole(stages)) + layout.top - y
    return (
        f'<rect class="gate" x="{x - 1:.1f}" y="{y:.1f}" width="2" height="{deep:.1f}"/>'
        f'<text class="stage" x="{x + 4:.1f}" y="{y - 14:.1f}">{escape(plain(stage.name))}</text>'
        f'<text class="flow" x="{x + 4:.1f}" y="{y:.1f}">{count(stage.came)}</text>'
    )


def _draw_label(ribbon: Ribbon, frame: Frame, stages: tuple[Stage, ...]) -> str:
    x = frame.width - frame.labels + 14
    middle = ribbon.end + ribbon.height / 2
    part = escape(share(ribbon.problems, _whole(stages)))
    bold = " n-keep" if ribbon.outcome == KEEP else ""
    parts = []
    if ribbon.heads:
        y = min(ribbon.end, middle - frame.slot / 2) - 4
        parts.append(
            f'<text class="group" x="{x}" y="{y:.1f}">left out by {escape(plain(stages[ribbon.stage].name))}</text>'
        )
    y = middle - 2 if frame.stacked else middle + 4.5
    parts.append(
        f'<text class="name n-{tone(ribbon.outcome)}" x="{x}" y="{y:.1f}">{escape(_name(ribbon, stages))}</text>'
    )
    if frame.stacked:
        text = f"{count(ribbon.problems)} · {part}"
        parts.append(f'<text class="both" x="{x}" y="{middle + 13:.1f}">{text}</text>')
    else:
        number = f'<text class="number{bold}" x="{frame.width - 58}" y="{y:.1f}">{count(ribbon.problems)}</text>'
        parts += [number, f'<text class="share" x="{frame.width - 2}" y="{y:.1f}">{part}</text>']
    return "".join(parts)


def _name(ribbon: Ribbon, stages: tuple[Stage, ...]) -> str:
    if ribbon.outcome == WAITING:
        return f"waiting for {plain(stages[ribbon.stage].name)}"
    return "kept" if ribbon.outcome == KEEP else plain(ribbon.outcome)
