"""Small figures in a list: one problem's pass rate, and how many problems have which."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from pipeline.publish.report.formatting import count, plural


def draw_rate(correct: int | None, n: int | None, tone: str) -> Markup:
    """A bar as long as the share of correct samples; nothing without samples."""
    if not n or correct is None:
        return Markup("")
    wide = 72.0
    return Markup(
        f'<svg class="rate" viewBox="0 0 {wide:.0f} 8" aria-hidden="true"><rect class="track" width="{wide:.0f}" '
        f'height="8" rx="2"/><rect class="t-{escape(tone)}" width="{wide * correct / n:.1f}" height="8" rx="2"/></svg>'
    )


def draw_bins(bins: Sequence[int], low: int | None, high: int | None) -> Markup:
    """Problems by correct samples; what lies outside of `low` to `high` is pale."""
    peak = max(bins, default=0)
    of = len(bins) - 1
    if not peak:
        return Markup("")
    wide, deep = 240.0, 56.0
    step = wide / len(bins)
    label = f"Problems by correct samples of {of}: " + ", ".join(f"{at}: {count(n)}" for at, n in enumerate(bins))
    parts = [f'<svg class="bins" viewBox="0 0 {wide:.0f} {deep + 14:.0f}" role="img" aria-label="{escape(label)}">']
    for at, problems in enumerate(bins):
        if not problems:
            continue
        tall = max(1.5, deep * problems / peak)
        inside = (low is None or at >= low) and (high is None or at <= high)
        hint = f"{at} of {of}: {plural(problems, 'problem')}"
        parts.append(
            f'<rect class="{"t-keep" if inside else "pale"}" x="{at * step + 1:.1f}" y="{deep - tall:.1f}" '
            f'width="{step - 2:.1f}" height="{tall:.1f}"><title>{hint}</title></rect>'
        )
    parts.append(f'<line class="axis" x1="0" x2="{wide:.0f}" y1="{deep}" y2="{deep}"/>')
    for at, anchor in ((0, "start"), (of, "end")):
        parts.append(
            f'<text class="tick" x="{wide * (at > 0):.0f}" y="{deep + 12:.0f}" text-anchor="{anchor}">{at}</text>'
        )
    return Markup("\n".join([*parts, "</svg>"]))
