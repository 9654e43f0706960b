"""The other figures: heights are counts, axes are round, an empty figure is no figure."""

import re
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publish.report.charts import draw_mirror, draw_rates, draw_split, scale_axis
from pipeline.publish.report.gather import Lengths, Rates, edge
from schemas.config import KeepConfig


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_an_axis_is_round_and_high_enough(highest: int) -> None:
    ceiling, ticks = scale_axis(highest)
    assert ceiling >= highest
    assert ceiling <= max(1.0, 2 * highest)
    assert ticks == sorted(set(ticks))
    assert 1 <= len(ticks) <= 5
    assert ticks[-1] == ceiling
    assert all(tick == int(tick) > 0 for tick in ticks)


def rects(drawn: str, tone: str) -> list[dict[str, float]]:
    found = re.findall(rf'<rect class="t-{tone}" x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)">', drawn)
    return [dict(zip(("x", "y", "width", "height"), map(float, f), strict=True)) for f in found]


def test_columns_are_as_tall_as_their_counts_and_stacked_by_decision() -> None:
    counts = Counter({(0, "never_solved"): 10, (3, "keep"): 20, (3, "label_contradicted"): 5, (16, "too_easy"): 40})
    drawn = draw_rates(Rates(16, counts, 75, 0, 0), KeepConfig())
    (hard,), (keep,), (label,), (easy,) = (rects(drawn, tone) for tone in ("hard", "keep", "label", "easy"))
    assert hard["x"] < keep["x"] < easy["x"]
    assert easy["height"] == pytest.approx(4 * hard["height"], abs=0.2)
    assert keep["height"] == pytest.approx(2 * hard["height"], abs=0.2)
    assert label["y"] + label["height"] == pytest.approx(keep["y"], abs=0.2)
    assert label["x"] == keep["x"]


@settings(deadline=None)
@given(st.integers(0, 16), st.integers(0, 16), st.sampled_from([4, 8, 16, 32]))
def test_the_window_lies_over_the_columns_that_are_kept(a: int, b: int, of: int) -> None:
    keep = KeepConfig(min=min(a, b), max=max(a, b))
    inside = [bin_ for bin_ in range(of + 1) if keep.min <= bin_ * 16 / of <= keep.max]
    counts = Counter({(bin_, "keep" if bin_ in inside else "too_easy"): 1 for bin_ in range(of + 1)})
    drawn = draw_rates(Rates(of, counts, of + 1, 0, 0), keep)
    left, width = map(float, re.findall(r'class="window" x="(.*?)" y=".*?" width="(.*?)"', drawn)[0])
    assert len(rects(drawn, "keep")) + len(rects(drawn, "easy")) == of + 1
    for column in rects(drawn, "keep"):
        assert left - 0.1 <= column["x"]
        assert column["x"] + column["width"] <= left + width + 0.1
    for column in rects(drawn, "easy"):
        assert not left < column["x"] + column["width"] / 2 < left + width


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200))
def test_lengths_are_counted_in_bins_of_one_size_for_any_set(values: list[int]) -> None:
    lengths = Lengths()
    for start in range(0, len(values), 7):
        lengths.add(pl.Series(values[start : start + 7], dtype=pl.Int32))
    assert lengths.count == len(values)
    assert lengths.total == sum(values)
    for bin_, number in lengths.bins.items():
        assert number == sum(edge(bin_) * (1 - 1e-9) <= value < edge(bin_ + 1) * (1 - 1e-9) for value in values)
    middle = sorted(values)[(len(values) - 1) // 2]
    assert lengths.median is not None
    assert middle / 1.5 <= lengths.median <= middle * 1.5


def test_mirrored_lengths_show_both_sides_or_nothing() -> None:
    up, down = Lengths(), Lengths()
    assert draw_mirror(("kept", up), ("left out", down), "tokens") == ""
    up.add(pl.Series([10, 20, 300]))
    drawn = draw_mirror(("kept", up), ("left out", down), "tokens")
    assert len(rects(drawn, "keep")) == 3
    assert "left out: none" in drawn


def test_a_split_line_has_a_part_for_each_count_but_zero() -> None:
    drawn = draw_split([("keep", 3), ("too_easy", 1), ("waiting", 0)])
    assert re.findall(r'class="b-(\w+)" style="flex-grow:(\d+)"', drawn) == [("keep", "3"), ("easy", "1")]
