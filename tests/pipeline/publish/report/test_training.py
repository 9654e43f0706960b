"""The held-out curve of a run that was trained."""

import json
import re
from pathlib import Path

from pipeline.publish.report.build import write_report
from pipeline.publish.report.training import draw_training, gather_training
from tests.pipeline.publish.report_runs import lay_run, tell_small_run

ROWS = [
    {"when": when, "version": version, "problems": 8, "pass_rate": rate, "low": rate - 0.1, "high": rate + 0.1}
    for when, version, rate in (("before training", 0, 0.25), ("after <one>", 20, 0.75), ("one, step 10", 10, 0.5))
]


def test_the_report_shows_the_curve_and_its_figures(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", tell_small_run())
    lines = [*map(json.dumps, ROWS), json.dumps({"when": "never", "version": 5, "problems": 0}), '{"when": "torn']
    folder.write_bytes("training/evaluations.jsonl", "\n".join(lines).encode())
    evaluations = gather_training(folder)
    assert [one.version for one in evaluations] == [0, 10, 20]
    picture = str(draw_training(evaluations))
    assert picture.count("<circle") == 3
    heights = [float(point.split(",")[1]) for point in re.findall(r'points="(.+?)"', picture)[0].split()]
    assert heights == sorted(heights, reverse=True), "a higher pass rate lies higher"
    page = folder.read_bytes(write_report(folder)).decode()
    assert 'id="training"' in page
    assert "after &lt;one&gt;" in page
    assert "0.650 to 0.850" in page


def test_a_run_that_was_not_trained_has_no_such_part(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", tell_small_run())
    assert 'id="training"' not in folder.read_bytes(write_report(folder)).decode()
