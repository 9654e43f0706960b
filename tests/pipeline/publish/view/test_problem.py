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
    assert run.index.rows.height == len(texts)
    for id_ in run.index.rows["id"]:
        found = run.read(id_)
        assert found is not None
        assert (found.row["statement"], found.row["answer"]) == (texts[id_].statement, texts[id_].answer)
        mine = samples.filter(pl.col("problem_id") == id_).sort("index")
        if texts[id_].rejected:
            assert found.passes == ()
            assert (found.row["stage"], found.row["reason"], found.row["detail"]) == texts[id_].rejected
            continue
        (only,) = found.passes
        assert only.decision == decisions.row(by_predicate=pl.col("problem_id") == id_, named=True)
        assert [s["completion"] for s in only.samples] == mine["completion"].to_list()
        assert len(only.samples) == N
        assert found.uncounted == 0


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
