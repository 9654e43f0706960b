"""The funnel: every problem is drawn once, widths are counts, nothing runs into anything."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publish.report.files import draw_funnel_file
from pipeline.publish.report.flow import Stage
from pipeline.publish.report.funnel import NARROW, WIDE, Frame, draw_funnel, lay_out
from schemas.reasons import Reason

NAMES = ("ingest", "screen", "dedup", "decontaminate", "code_tests", "decide")
FRAMES = pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])


@st.composite
def flows(draw: st.DrawFn) -> tuple[Stage, ...]:
    """Any funnel that adds up: 1 to 6 stages, up to a million problems, any reasons, some problems waiting."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    flow = draw(st.one_of(st.integers(1, 30), st.integers(1, 1_000_000)))
    stages = []
    for name in names:
        came, out = flow, {}
        for reason in draw(st.lists(st.sampled_from(list(Reason)), unique=True, max_size=6)):
            out[reason.value] = draw(st.integers(0, flow))
            flow -= out[reason.value]
        waiting = draw(st.integers(0, flow)) if draw(st.booleans()) else 0
        flow -= waiting
        stages.append(Stage(name, came, flow, {reason: n for reason, n in out.items() if n}, waiting))
    return tuple(stages)


@FRAMES
@settings(deadline=None)
@given(stages=flows())
def test_ribbons_fill_the_trunk_in_proportion(stages: tuple[Stage, ...], frame: Frame) -> None:
    layout = lay_out(stages, frame)
    total = stages[0].came
    assert sum(ribbon.problems for ribbon in layout.ribbons) == total
    for ribbon in layout.ribbons:
        assert ribbon.height == pytest.approx(layout.trunk * ribbon.problems / total)
    below = layout.top
    for ribbon in layout.ribbons:
        assert ribbon.start == pytest.approx(below)
        below += ribbon.height


@FRAMES
@settings(deadline=None)
@given(stages=flows())
def test_ribbons_never_cross_and_labels_keep_their_line(stages: tuple[Stage, ...], frame: Frame) -> None:
    layout = lay_out(stages, frame)
    for upper, lower in zip(layout.ribbons, layout.ribbons[1:], strict=False):
        assert upper.stage >= lower.stage, "what falls off first lies lowest"
        assert lower.end >= upper.end + upper.height
        apart = (lower.end + lower.height / 2) - (upper.end + upper.height / 2)
        assert apart >= frame.slot - 0.01
    last = layout.ribbons[-1]
    assert last.end + last.height / 2 + frame.slot / 2 <= layout.height


@FRAMES
@settings(deadline=None)
@given(stages=flows())
def test_the_name_of_a_stage_runs_across_no_other_gate(stages: tuple[Stage, ...], frame: Frame) -> None:
    layout = lay_out(stages, frame)
    for at, stage in enumerate(stages):
        ends = layout.gates[at] + 7.6 * len(stage.name)
        crossed = [other for other in range(at + 1, len(stages)) if layout.gates[other] < ends]
        assert all(layout.lifts[at] > layout.lifts[other] for other in crossed)


@settings(deadline=None)
@given(stages=flows())
def test_the_file_is_a_picture_of_its_own(stages: tuple[Stage, ...]) -> None:
    root = ET.fromstring(draw_funnel_file(stages))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "kept" in texts
    assert f"{stages[0].came:,}" in texts
    for stage in stages:
        for problems in stage.rejected.values():
            assert f"{problems:,}" in texts


def test_one_problem_and_none() -> None:
    assert draw_funnel(()) == ""
    assert b"No problem has come in yet" in draw_funnel_file(())
    one = lay_out((Stage("ingest", 1, 1, {}, 0), Stage("decide", 1, 1, {}, 0)), WIDE)
    assert one.trunk < 40, "a single problem is no broad stream"


def test_the_drawing_says_in_words_what_it_shows() -> None:
    stages = (Stage("ingest", 10, 8, {"invalid_row": 2}, 0), Stage("decide", 8, 3, {"too_easy": 4}, 1))
    drawn = draw_funnel(stages)
    assert "Funnel: 10 problems in, 3 kept" in drawn
    assert "kept 3; waiting for decide 1; too easy 4; invalid row 2" in drawn
    assert "too easy: 4 of 10 (40%)" in drawn
