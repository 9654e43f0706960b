"""What report, view and card show of labels and their witnesses, over the example of docs/labels.md."""

import json
from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient

from flows.offline import grade_imported
from goldilocks import Run
from pipeline.labels.calibration import Calibration, CalibrationBin
from pipeline.labels.flags import add_flag, read_rulings
from pipeline.publish.report.labels import draw_calibration, gather_labels
from pipeline.publish.run import decide_again
from pipeline.publish.view.app import build_app
from pipeline.publish.view.guard import Guard
from pipeline.publish.view.runs import OpenRun
from pipeline.run.storage import RunFolder
from schemas.config import Config
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "labels"
HOST = "127.0.0.1:8420"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    config = Config.model_validate({"run": "r", "sources": [{"name": "s", "files": "f"}]})
    root = str(tmp_path / "run")
    grade_imported(str(DATA / "problems.jsonl"), str(DATA / "samples.jsonl"), root, config)
    return RunFolder(root)


def read_labels(run: RunFolder) -> pl.DataFrame:
    ids = pl.concat([table.select("id", "source_id") for _, table in run.read_tables("problems")])
    labels = pl.concat([table for _, table in run.read_tables("labels")])
    return labels.join(ids, left_on="problem_id", right_on="id")


def browse(run: RunFolder) -> TestClient:
    app = build_app([OpenRun(run)], Guard("127.0.0.1", 8420, form="secret"))
    return TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)


def test_the_example_comes_out_as_its_page_says(run: RunFolder) -> None:
    labels = {row["source_id"]: row for row in read_labels(run).to_dicts()}
    assert {name: labels[name]["outcome"] for name in ("q1", "q2", "q3")} == {
        "q1": "undetermined",
        "q2": "repaired",
        "q3": "undetermined",
    }
    curated = pl.concat([table for _, table in run.read_tables("curated")]).filter(pl.col("source_id") == "q2")
    (row,) = curated.to_dicts()
    assert (row["answer"], row["previous_answer"], row["answer_origin"]) == ("677", "676", "repaired")
    assert [grader["model"] for grader in row["graders"]] == ["large", "middle", "small"]
    page = (ROOT / "docs" / "labels.md").read_text()
    assert f"posterior {100 * row['label_posterior']:.1f}%" in page


def test_the_report_tells_outcomes_witnesses_and_calibration(run: RunFolder) -> None:
    page = (run.read_bytes("report.html")).decode()
    assert "What all witnesses say of the labels" in page
    assert "solution: 677" in page
    assert "Copies under different labels" in page
    assert 'aria-label="Calibration: ' in page
    summary = gather_labels(run)
    assert summary is not None
    assert (sum(summary.outcomes.values()), summary.clashes, len(summary.repaired)) == (24, 1, 1)
    assert "answer_origin" in run.read_bytes("README.md").decode()


def test_the_manifest_counts_what_became_of_the_labels(run: RunFolder) -> None:
    counted = run.read_json("manifest.json")["labels"]
    assert counted["outcomes"] == {"kept": 21, "repaired": 1, "contradicted": 0, "undetermined": 2}
    assert (counted["clashes"], counted["apart"]) == (1, 0)
    assert sum(counted["outcomes"].values()) == read_labels(run).height


def test_the_view_narrows_to_repairs_and_clashes_and_shows_witnesses_side_by_side(run: RunFolder) -> None:
    client, labels = browse(run), {row["source_id"]: row["problem_id"] for row in read_labels(run).to_dicts()}
    for facet, name in (("repaired", "q2"), ("clash", "q3"), ("undetermined", "q1")):
        listed = client.get(f"/?label={facet}").text
        assert labels[name] in listed
        assert "1 problem" in listed
    shown = client.get(f"/problem/{labels['q2']}").text
    assert "What the witnesses say of the label" in shown
    assert "3 of 4" in shown


def test_what_a_person_rules_is_written_and_heard(run: RunFolder) -> None:
    label = next(row for row in read_labels(run).to_dicts() if row["source_id"] == "q1")
    sent = {"form": "secret", "note": "multiplied by hand", "answer": "621"}
    flag = f"/problem/{label['problem_id']}/flag"
    done = browse(run).post(flag, data=sent, headers={"origin": f"http://{HOST}"})
    assert done.status_code == 303
    assert read_rulings(run) == {label["problem_id"]: "621"}
    decide_again(run.root, [])
    after = next(row for row in read_labels(run).to_dicts() if row["source_id"] == "q1")
    assert (after["outcome"], after["answer"]) == ("repaired", "621")
    assert "person" in after["backing"]


def test_labels_and_rates_are_read_from_python(run: RunFolder) -> None:
    labels, rates = Run(run.root).labels(), Run(run.root).rates()
    assert labels.height == 24
    assert dict(rates.group_by("model").len().iter_rows()) == {"small": 24, "middle": 24, "large": 24}


def test_a_flag_without_an_answer_rules_nothing(run: RunFolder) -> None:
    add_flag(run, "0" * 16, "odd", {})
    assert read_rulings(run) == {}


def test_a_run_made_before_witnesses_says_so_and_is_heard_by_deciding_again(run: RunFolder) -> None:
    for folder in ("labels", "rates"):
        run.remove(folder)
    for name in (*run.list("problems"), *run.list("stages")):
        run.write_table(name, run.read_table(name).drop("label_candidates"))
    assert gather_labels(run) is None
    decide_again(run.root, ["labels.sure=0.9"])
    outcomes = {row["source_id"]: row["outcome"] for row in read_labels(run).to_dicts()}
    assert outcomes["q1"] == outcomes["q2"] == "repaired"
    # Nothing is known of the copy.
    assert not read_labels(run)["clash"].any()
    manifest = json.loads(run.read_bytes("manifest.json"))
    assert "labels/witnesses.json" not in manifest["files"]


def test_a_calibration_without_problems_draws_nothing() -> None:
    assert draw_calibration(Calibration(())) == ""
    drawn = draw_calibration(Calibration((CalibrationBin(0.9, 0.95, 10, 0.92, 0.9),)))
    assert drawn.count("<circle") == 1
