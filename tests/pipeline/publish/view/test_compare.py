"""Two judgements of the same problems, counted as plain loops count them."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish.view.compare import ABSENT, compare_sides, list_moved, read_decisions, read_outcomes
from pipeline.publish.view.index import build_index
from pipeline.publish.view.runs import OpenRun
from pipeline.publish.view.sides import list_sides
from tests.pipeline.publish.report.test_passes import RATES, two_passes
from tests.pipeline.publish.report_runs import lay_run, tell_small_run, tell_sums

OUTCOMES = ("keep", "too_easy", "never_solved", "proof")
Judged = dict[str, tuple[str, int | None]]
sides = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.sampled_from(OUTCOMES), st.none() | st.integers(0, 16)), max_size=8
)


def frame(side: Judged) -> pl.DataFrame:
    rows = [
        {"id": id_, "outcome": outcome, "n": 16, "correct": right, "pass_rate": None if right is None else right / 16}
        for id_, (outcome, right) in side.items()
    ]
    schema = {"id": pl.String, "outcome": pl.String, "n": pl.Int32, "correct": pl.Int32, "pass_rate": pl.Float32}
    return pl.DataFrame(rows, schema=schema)


@given(sides, sides)
def test_moves_means_and_lists_are_those_of_plain_loops(left: Judged, right: Judged) -> None:
    compared = compare_sides(frame(left), frame(right))
    nothing = (ABSENT, None)
    both = {id_: (left.get(id_, nothing), right.get(id_, nothing)) for id_ in sorted({*left, *right})}
    assert {(a, b): n for a, b, n in compared.moves} == Counter((a, b) for (a, _), (b, _) in both.values())
    rated = [(a, b) for (_, a), (_, b) in both.values() if a is not None and b is not None]
    assert compared.grid == Counter(rated)
    for mean, values in zip(compared.means, zip(*rated, strict=True) if rated else ((), ()), strict=True):
        assert mean == pytest.approx(sum(values) / 16 / max(len(values), 1))
    asked = {
        "all": lambda a, b: True,
        "changed": lambda a, b: a[0] != b[0],
        "easier": lambda a, b: None not in (a[1], b[1]) and b[1] > a[1],
        "harder": lambda a, b: None not in (a[1], b[1]) and b[1] < a[1],
    }
    for moved, fits in asked.items():
        assert list_moved(compared, moved)["id"].to_list() == [id_ for id_, (a, b) in both.items() if fits(a, b)]
    for a, b, n in compared.moves:
        assert list_moved(compared, "all", a, b).height == n


def test_two_passes_of_a_run(tmp_path: Path) -> None:
    two_passes(tmp_path)
    run = OpenRun(lay_folder(tmp_path / "run"))
    assert [side.key for side in list_sides([run])] == ["pass-1", "pass-2"]
    first, second = list_sides([run])
    compared = first.compare(second)
    assert compared.grid == Counter(RATES)
    assert first.compare(second) is compared, "it is remembered"
    found = run.read(str(run.index.rows["id"][0]))
    assert found is not None
    assert [graded.grading_pass for graded in found.passes] == [1, 2]


def lay_folder(path: Path):  # type: ignore[no-untyped-def]
    from pipeline.run.storage import RunFolder

    return RunFolder(str(path))


def test_two_runs_are_matched_by_what_problems_say(tmp_path: Path) -> None:
    runs = [
        OpenRun(lay_run(tmp_path / "one", tell_small_run())),
        OpenRun(lay_run(tmp_path / "two", [*tell_sums(12), *tell_sums(40)[36:]])),
    ]
    one, two = list_sides(runs)
    compared = one.compare(two)
    absent = {(a, b): n for a, b, n in compared.moves if ABSENT in (a, b)}
    assert sum(n for (_, b), n in absent.items() if b == ABSENT) == len(tell_small_run()) - 12
    assert sum(n for (a, _), n in absent.items() if a == ABSENT) == 4
    assert all(a == b for a, b, _ in compared.moves if ABSENT not in (a, b))


def test_of_rows_with_one_id_the_furthest_speaks(tmp_path: Path) -> None:
    from tests.pipeline.publish.report_runs import Told

    again = Told("What is 33 + 14 - 4?", "43", "copied", "again", ("screen", "duplicate", "of sum-3"))
    folder = lay_run(tmp_path, [again, *tell_sums(8)])
    outcomes = dict(read_outcomes(build_index(folder)).select("id", "outcome").iter_rows())
    assert outcomes[again.row["id"]] == "keep"
    assert len(outcomes) == 8
    assert read_decisions(folder, 1)["id"].n_unique() == 8
