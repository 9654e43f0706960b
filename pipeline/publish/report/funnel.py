"""The funnel as a picture: every problem is part of one ribbon, which runs on to `kept` or falls off where it was left out.

Widths are proportional to counts. Ribbons never cross: what falls off first lies lowest, at both ends. Every ribbon keeps
a visible hair's breadth and every label its own line, so that five problems and a million read alike.
"""

from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup, escape

from pipeline.publish.report.gather import Stage
from pipeline.publish.report.words import brief, count, plain, share, tone
from schemas.reasons import KEEP

HAIR = 1.5
"""Least visible width of a ribbon, in pixels."""


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels of the two drawings: wide, and for a telephone."""

    width: float
    trunk: float
    labels: float
    slot: float
    top: float
    last: float
    """Room for the last ribbons to bend."""
    stacked: bool


WIDE = Frame(width=960, trunk=230, labels=292, slot=27, top=58, last=170, stacked=False)
NARROW = Frame(width=400, trunk=190, labels=158, slot=38, top=76, last=80, stacked=True)


@dataclass(frozen=True)
class Ribbon:
    """One fate: leaves the trunk at stage `stage`, `offset` problems below its top."""

    fate: str
    problems: int
    stage: int
    offset: int
    start: float
    end: float
    """Top edges of the ribbon in the trunk and at its label."""
    height: float


def lay_out(stages: tuple[Stage, ...], frame: Frame) -> tuple[list[Ribbon], float]:
    """Place every ribbon; returns them from top to bottom, and the height of the picture."""
    total = stages[0].came
    fates: list[tuple[str, int, int]] = [(KEEP, stages[-1].kept, len(stages) - 1)]
    for at in range(len(stages) - 1, -1, -1):
        out = sorted(stages[at].rejected.items(), key=lambda item: (-item[1], item[0]))
        waiting = [("waiting", stages[at].waiting)] if stages[at].waiting else []
        fates += [(fate, problems, at) for fate, problems in waiting + out if problems]
    ribbons = []
    offset = 0
    floor = frame.top
    for place, (fate, problems, at) in enumerate(fates):
        height = frame.trunk * problems / total
        start = frame.top + frame.trunk * offset / total
        slot = max(frame.slot, height)
        end = frame.top if place == 0 else floor + (slot - height) / 2
        if place and at != fates[place - 1][2] or place == 1:
            end += 24
        ribbons.append(Ribbon(fate, problems, at, offset, start, end, height))
        offset += problems
        floor = end + height + max(0.0, slot - height) / 2 + 5
    return ribbons, max(floor, frame.top + frame.trunk) + 14


def draw_funnel(stages: tuple[Stage, ...], frame: Frame = WIDE, name: str = "funnel") -> Markup:
    """The picture as inline SVG; its colours come from the page's style sheet. `name` makes its ids unique in a page."""
    if not stages:
        return Markup("")
    ribbons, height = lay_out(stages, frame)
    total = stages[0].came
    right = frame.width - frame.labels
    places = _place_stages(len(stages), frame)
    said = "; ".join(f"{plain(r.fate)} {count(r.problems)}" for r in ribbons)
    parts = [
        f'<svg class="funnel" viewBox="0 0 {frame.width:.0f} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">Funnel: {count(total)} problems in, {count(stages[-1].kept)} kept</title>',
        f'<desc id="{name}-desc">{escape(said)}</desc>',
    ]
    for ribbon in reversed(ribbons):
        parts.append(_draw_ribbon(ribbon, places[ribbon.stage], right, total))
    parts += _draw_stages(stages, places, frame, ribbons)
    parts += _draw_labels(stages, ribbons, frame, right, total)
    return Markup("\n".join([*parts, "</svg>"]))


def draw_file(stages: tuple[Stage, ...]) -> bytes:
    """The picture as a file of its own, with its colours and background in it, light and dark."""
    style = files(__package__).joinpath("funnel.css").read_text(encoding="utf-8")
    drawn = str(draw_funnel(stages)) or (
        '<svg class="funnel" viewBox="0 0 960 120" role="img" xmlns="http://www.w3.org/2000/svg">\n'
        '<text class="name" x="480" y="64" text-anchor="middle">No problem has come in yet</text>\n</svg>'
    )
    head, _, body = drawn.partition("\n")
    box = head.partition('viewBox="')[2].partition('"')[0].split()
    width, height = float(box[2]) + 48, float(box[3]) + 40
    head = head.replace(f'viewBox="{" ".join(box)}"', f'viewBox="-24 -20 {width:.0f} {height:.0f}" width="{width:.0f}"')
    back = f'<rect class="paper" x="-24" y="-20" width="{width:.0f}" height="{height:.0f}" rx="10"/>'
    return f"{head}\n<style>{style}</style>\n{back}\n{body}\n".encode()


def _place_stages(number: int, frame: Frame) -> list[float]:
    last = frame.width - frame.labels - frame.last
    if number == 1:
        return [last / 2]
    return [4 + (last - 4) * at / (number - 1) for at in range(number)]


def _draw_ribbon(ribbon: Ribbon, leaves: float, right: float, total: int) -> str:
    height = max(HAIR, ribbon.height)
    start, end = ribbon.start, ribbon.end
    bend = (leaves + right) / 2
    if ribbon.problems == 0:
        return f'<path class="none" d="M4 {start:.1f} H{right:.1f}"/>'
    path = (
        f"M4 {start:.1f} H{leaves:.1f} C{bend:.1f} {start:.1f} {bend:.1f} {end:.1f} {right:.1f} {end:.1f} v{height:.1f} "
        f"C{bend:.1f} {end + height:.1f} {bend:.1f} {start + height:.1f} {leaves:.1f} {start + height:.1f} H4 Z"
    )
    said = f"{plain(ribbon.fate)}: {count(ribbon.problems)} of {count(total)} ({share(ribbon.problems, total)})"
    return (
        f'<g class="ribbon t-{tone(ribbon.fate)}"><title>{escape(said)}</title><path d="{path}"/>'
        f'<rect class="cap" x="{right:.1f}" y="{end:.1f}" width="4" height="{height:.1f}"/></g>'
    )


def _draw_stages(
    stages: tuple[Stage, ...], places: list[float], frame: Frame, ribbons: list[Ribbon]
) -> list[str]:
    total = stages[0].came
    crowded = len(stages) > 1 and (places[1] - places[0]) < 88
    parts = []
    for at, (stage, x) in enumerate(zip(stages, places, strict=True)):
        deep = max(HAIR, frame.trunk * stage.came / total)
        lift = 30 if crowded and at % 2 else 0
        y = frame.top - 12 - lift
        number = brief(stage.came) if frame.stacked else count(stage.came)
        parts.append(f'<rect class="gate" x="{x - 1.5:.1f}" y="{y + 6:.1f}" width="2" height="{deep + 6 + lift:.1f}"/>')
        parts.append(f'<text class="stage" x="{x + 4:.1f}" y="{y - 8:.1f}">{escape(plain(stage.name))}</text>')
        parts.append(f'<text class="flow" x="{x + 4:.1f}" y="{y + 6:.1f}">{number}</text>')
    return parts


def _draw_labels(
    stages: tuple[Stage, ...], ribbons: list[Ribbon], frame: Frame, right: float, total: int
) -> list[str]:
    parts = []
    x = right + 14
    before = None
    for place, ribbon in enumerate(ribbons):
        middle = ribbon.end + ribbon.height / 2
        if place and ribbon.stage != before or place == 1:
            stage = plain(stages[ribbon.stage].name)
            top = min(ribbon.end, middle - frame.slot / 2) - 4
            parts.append(f'<text class="group" x="{x:.1f}" y="{top:.1f}">left out by {escape(stage)}</text>')
        before = ribbon.stage
        name = "kept" if ribbon.fate == KEEP else plain(ribbon.fate)
        style = f"name n-{tone(ribbon.fate)}"
        if frame.stacked:
            parts.append(f'<text class="{style}" x="{x:.1f}" y="{middle - 2:.1f}">{escape(name)}</text>')
            said = f"{count(ribbon.problems)} · {share(ribbon.problems, total)}"
            parts.append(f'<text class="number" x="{x:.1f}" y="{middle + 13:.1f}">{said}</text>')
            continue
        y = middle + 4.5
        parts.append(f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(name)}</text>')
        parts.append(f'<text class="number" x="{frame.width - 58:.1f}" y="{y:.1f}">{count(ribbon.problems)}</text>')
        parts.append(f'<text class="share" x="{frame.width - 2:.1f}" y="{y:.1f}">{share(ribbon.problems, total)}</text>')
    return parts
