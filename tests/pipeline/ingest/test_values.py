"""Paths into rows lead somewhere or nowhere, and are never an error."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.recognize.values import reach, read_index

ITEMS = ["a", "b", "c"]


@given(st.integers(-3, 2))
def test_an_index_counts_from_either_end(at: int) -> None:
    assert read_index(str(at)) == at
    assert reach({"list": ITEMS}, ["list", str(at)]) == ITEMS[at]


@given(st.one_of(st.text(), st.text(st.sampled_from("09²٣-")), st.sampled_from(["9" * 5000, "--1"])))
def test_any_other_part_of_a_path_leads_nowhere(key: str) -> None:
    assert reach(ITEMS, [key]) == (ITEMS[at] if (at := read_index(key)) is not None and -3 <= at < 3 else None)
