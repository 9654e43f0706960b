"""What is held out is held out with everything that was made of it."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish.held_out import find_families, is_held_out


def families(**parents: str | None) -> dict[str, str]:
    return find_families(pl.DataFrame({"id": list(parents), "parent_id": list(parents.values())}, schema=SCHEMA))


SCHEMA = {"id": pl.String, "parent_id": pl.String}


def test_copies_and_copies_of_copies_are_of_one_family() -> None:
    assert families(a=None, python="a", cpp="a", french="python") == dict.fromkeys(
        ("a", "python", "cpp", "french"), "a"
    )


def test_a_family_whose_first_member_is_gone_stays_one() -> None:
    assert families(python="a", cpp="a", other=None) == {"python": "a", "cpp": "a", "other": "other"}


def test_a_circle_ends() -> None:
    assert set(families(a="b", b="a").values()) <= {"a", "b"}


@given(st.sets(st.text(min_size=1), max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_out_more_and_nothing_comes_back(ids: set[str], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert {id for id in ids if is_held_out(id, low)} <= {id for id in ids if is_held_out(id, high)}


def test_the_share_is_kept() -> None:
    held = sum(is_held_out(f"{n:016x}", 0.1) for n in range(10_000))
    assert 900 < held < 1100
