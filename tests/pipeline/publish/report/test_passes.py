"""The two passes side by side, counted from their decisions."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.publish.report.build import write_report
from pipeline.publish.report.passes import draw_passes, gather_passes
from pipeline.run.storage import RunFolder
from tests.pipeline.publish.report_runs import Told, lay_run

RATES = ((0, 5), (0, 0), (8, 16), (16, 16), (4, 4), (6, 0))
"""Correct of 16 before and after."""


def samples(right: int) -> list[tuple[str, str | None, str]]:
    return [("7", "7", "correct")] * right + [(f"-{n}", f"-{n}", "wrong") for n in range(16 - right)]


def two_passes(root: Path) -> None:
    before = [Told(f"problem {n}", "7", samples=samples(first)) for n, (first, _) in enumerate(RATES)]
    after = [Told(f"problem {n}", "7", samples=samples(second)) for n, (_, second) in enumerate(RATES)]
    folder, other = lay_run(root / "run", before), lay_run(root / "other", after)
    second = other.read_table("decisions/pass-1-00000.parquet").with_columns(pl.lit(2, pl.Int8).alias("grading_pass"))
    folder.write_table("decisions/pass-2-00000.parquet", second)


def test_moves_are_counted_by_where_they_end(tmp_path: Path) -> None:
    two_passes(tmp_path)
    passes = gather_passes(RunFolder(str(tmp_path / "run")), 2)
    assert passes is not None
    assert passes.problems == len(RATES)
    assert passes.moves == {
        "rescued": 1,
        "newly_easy": 1,
        "newly_unsolved": 1,
        "label_contradicted": 0,
        "undetermined": 0,
    }
    assert passes.before == sum(first for first, _ in RATES) / 16 / len(RATES)
    assert passes.after == sum(second for _, second in RATES) / 16 / len(RATES)
    assert passes.grid.total() == len(RATES)
    assert passes.examples["rescued"][0]["statement"] == "problem 0"
    assert draw_passes(passes).count("<circle") == len(set(RATES))


def test_a_run_of_one_pass_has_no_such_part(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", [Told("problem", "7", samples=samples(4))])
    assert gather_passes(folder, 2) is None
    write_report(folder)
    assert 'id="passes"' not in folder.read_bytes("report.html").decode()


def test_the_report_shows_what_moved(tmp_path: Path) -> None:
    two_passes(tmp_path)
    folder = RunFolder(str(tmp_path / "run"))
    write_report(folder)
    page = folder.read_bytes("report.html").decode()
    assert 'id="passes"' in page
    assert "Rescued" in page
    assert "problem 0" in page


@pytest.mark.parametrize(
    ("written", "named"),
    [({"by": {"a/translator": 7}}, "a/translator"), ({}, "the/config's")],
    ids=["noted", "by an older version"],
)
def test_the_second_grader_is_not_named_as_the_translator(tmp_path: Path, written: dict[str, Any], named: str) -> None:
    """The manifest names the model of the last pass, which is the trained one; stages ran before it was trained."""
    two_passes(tmp_path)
    folder = RunFolder(str(tmp_path / "run"))
    manifest = folder.read_json("manifest.json")
    manifest["config"]["model"]["name"] = "the/config's"
    folder.write_json("manifest.json", manifest | {"model": {"name": "run/training/stage-1/model", "revision": "r"}})
    counts = {"tried": 7, "passed": 2, "left": 5, "unknown": 0, "languages": {"fr": 2}, "refused": {"number": 9}}
    folder.write_json("stages/translate/00000.json", counts | written)
    write_report(folder)
    page = unescape(folder.read_bytes("report.html").decode())
    assert "Graded by run/training/stage-1/model" in page
    (translator,) = re.findall(r"to be translated by (\S+)\. A translation", page)
    assert translator == named


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    two_passes(tmp_path)
    folder = RunFolder(str(tmp_path / "run"))
    counts = {"tried": 3, "unknown": 3, "by": {"Apertium": 3}, "advice": "Apertium is not installed; install it"}
    folder.write_json("stages/translate/00000.json", counts)
    write_report(folder)
    page = folder.read_bytes("report.html").decode()
    assert "to be translated by Apertium." in page
    assert "<b>Apertium is not installed; install it</b>" in page
    assert "too weak" not in page
