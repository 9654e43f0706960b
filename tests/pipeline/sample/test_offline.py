"""Samples that someone already has: each keeps what it said of itself, and has a place of its own."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sample.offline import SPILLED, assign_indices


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("mn"), st.none() | st.integers(0, 6)), min_size=1, max_size=40
    )
)
def test_indices_are_made_unique_and_those_given_stay_with_their_first(
    rows: list[tuple[str, str, int | None]],
) -> None:
    table = pl.DataFrame(
        [{"problem_id": p, "model": m, "index": i, "completion": str(at)} for at, (p, m, i) in enumerate(rows)],
        schema=SPILLED,
    )
    assigned = assign_indices(table)
    assert assigned.drop("index").equals(table.drop("index"))
    keys = list(assigned.select("problem_id", "model", "index").iter_rows())
    assert len(set(keys)) == len(rows)
    for key in {row for row in rows if row[2] is not None}:
        assert keys[rows.index(key)] == key
    for (problem, model), count in Counter((p, m) for p, m, _ in rows).items():
        highest = max((i for p, m, i in rows if (p, m) == (problem, model) and i is not None), default=0)
        assert all(i < max(count, highest + 1) for p, m, i in keys if (p, m) == (problem, model))
