"""One problem with everything that the run knows of it."""

from pathlib import Path

import polars as pl

from pipeline.publish.view.runs import OpenRun
from pipeline.run.evidence import find_samples, read_evidence, record_evidence
from pipeline.sample.store import EvidenceStore
from tests.pipeline.publish.report_runs import N, lay_run, tell_small_run


def test_every_problem_has_its_row_decision_and_samples(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_small_run(), shard_rows=7)
    run = OpenRun(folder)
    samples = pl.concat([read_evidence(folder, s, names, ["completion"]) for s, names in find_samples(folder).items()])
    decisions = pl.concat([table for _, table in folder.read_tables("decisions")])
    texts = {row.row["id"]: row for row in tell_small_run()}
    problems = {id_: problem for id_ in run.index.rows["id"] if (problem := run.read(id_)) is not None}
    assert {id_: (problem.row["statement"], problem.row["answer"]) for id_, problem in problems.items()} == {
        id_: (text.statement, text.answer) for id_, text in texts.items()
    }
    refused = {id_: problem.row for id_, problem in problems.items() if not problem.passes}
    assert {id_: (row["stage"], row["reason"], row["detail"]) for id_, row in refused.items()} == {
        id_: text.rejected for id_, text in texts.items() if text.rejected
    }
    graded = problems.keys() - refused.keys()
    assert len(graded) >= 24
    for id_ in graded:
        mine = samples.filter(pl.col("problem_id") == id_).sort("index")
        (only,) = problems[id_].passes
        assert only.decision == decisions.row(by_predicate=pl.col("problem_id") == id_, named=True)
        assert [s["completion"] for s in only.samples] == mine["completion"].to_list()
        assert len(only.samples) == N
        assert problems[id_].uncounted == 0


def test_samples_in_parts_and_twice_verified_are_read_as_they_count(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_small_run())
    run = OpenRun(folder)
    id_ = str(run.index.rows.filter(pl.col("n") == N)["id"][0])
    before = run.read(id_)
    store = EvidenceStore(folder, "00000")
    rows = store.load().filter(pl.col("problem_id") == id_)
    store.append(rows.with_columns(pl.lit("unknown").alias("verdict")).to_dicts())
    store.append(rows.head(2).with_columns(pl.lit("2").alias("revision")).to_dicts())
    store.flush()
    key = ["problem_id", "prompt", "model", "revision", "params"]
    record_evidence(folder, "00000", rows.select(key).unique())
    after = run.read(id_)
    assert before is not None
    assert after is not None
    assert [s["index"] for s in after.passes[0].samples] == list(range(N))
    assert {s["verdict"] for s in after.passes[0].samples} == {"unknown"}
    assert after.uncounted == 2
    store.seal()
    assert run.read(id_) == after


def test_an_unknown_problem_is_none(tmp_path: Path) -> None:
    run = OpenRun(lay_run(tmp_path, tell_small_run()))
    assert run.read("../../etc/passwd") is None
    assert run.read(str(run.index.rows["id"][0]), copy=1) is None
