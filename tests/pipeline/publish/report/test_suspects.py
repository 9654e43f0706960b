"""What the page says of suspects: how many were settled in which way, and what it cannot know of an older run."""

from pathlib import Path

import pytest

from pipeline.publish.report.build import write_report
from pipeline.publish.report.suspects import gather_suspects
from pipeline.run.evidence import find_decisions
from pipeline.run.storage import RunFolder
from schemas.reasons import Reason
from schemas.suspects import mark_suspects
from tests.pipeline.publish.small_runs import make_run, publish


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Of the five problems that are decided the first (5 of 16 correct) and the fourth (0 of 16) are suspects."""
    folder = RunFolder(str(tmp_path / "run"))
    config = make_run(folder)
    for name, row, reason in (("00000", 0, Reason.INCOMPLETE), ("00001", 0, Reason.FIGURE_DEPENDENT)):
        table = folder.read_table(f"stages/screen/{name}.parquet")
        marks = [[(reason, "ends in 'is'")] if at == row else [] for at in range(table.height)]
        folder.write_table(f"stages/screen/{name}.parquet", mark_suspects(table, "screen", marks))
    publish(folder, config)
    return folder


def test_each_suspicion_is_told_with_how_it_was_settled(folder: RunFolder) -> None:
    summary = gather_suspects(folder, 1)
    assert summary is not None
    assert summary.suspected == 2
    counts = {row["suspicion"]: {name: row[name] for name in ("kept", "confirmed", "other")} for row in summary.rows}
    assert counts == {
        "incomplete": {"kept": 1, "confirmed": 0, "other": 0},
        "figure_dependent": {"kept": 0, "confirmed": 1, "other": 0},
    }
    assert {row["decision"] for row in summary.listed} == {"keep", "figure_dependent"}
    page = folder.read_bytes(write_report(folder)).decode()
    assert "suspected of figure_dependent: ends in" in page


def test_a_run_decided_before_there_were_suspects_says_what_is_not_known(folder: RunFolder) -> None:
    for name in find_decisions(folder, 1).values():
        folder.write_table(name, folder.read_table(name).drop("suspicion"))
    assert gather_suspects(folder, 1) is None
    assert "decided before suspects were sampled" in folder.read_bytes(write_report(folder)).decode()
