"""Whole numbers read from any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.whole_number import read_whole


@given(st.integers(0, 10**18 - 1))
def test_a_number_is_itself(value: int) -> None:
    assert read_whole(str(value)) == value


@given(st.one_of(st.text(), st.text(st.sampled_from("09²٣-_ \n."))))
def test_any_other_text_is_none_and_no_error(text: str) -> None:
    assert (read_whole(text) is None) == (not text or any(c not in "0123456789" for c in text) or len(text) > 18)


@pytest.mark.parametrize("text", ["9" * 20_000, "²", "٣", "-1", ""])
def test_what_python_reads_otherwise_or_not_at_all(text: str) -> None:
    assert read_whole(text) is None
