"""Curated shards: the contract with its grading, read by `datasets`, and no row lost on the way."""

from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest

from pipeline.publish.run import redecide
from pipeline.publish.shards import (
    CURATED_DTYPES,
    GRADING,
    CountError,
    check_counts,
    count_stages,
    publish_curated,
)
from pipeline.run.storage import RunFolder
from schemas.problem import PROBLEM, PROBLEM_DTYPES, REJECT_DTYPES
from tests.pipeline.publish.small_runs import MODEL, make_config, make_run, publish


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    return RunFolder(str(tmp_path / "run") if request.param == "local" else f"memory://publish-{uuid4().hex}")


def test_what_is_kept_carries_its_grading_and_its_history(folder: RunFolder) -> None:
    assert publish(folder, make_run(folder)) == {"kept": 1, "rejected": 4}
    curated = folder.read_table("curated/00000.parquet")
    assert dict(curated.schema) == CURATED_DTYPES
    PROBLEM.validate(curated.select(list(PROBLEM_DTYPES)))
    (row,) = curated.to_dicts()
    assert (row["source_id"], row["n"], row["correct"], row["pass_rate"]) == ("s0", 16, 5, 5 / 16)
    assert row["pass_rate_low"] < 5 / 16 < row["pass_rate_high"]
    assert (row["topic"], row["band"]) == (None, "medium")
    (grader,) = row["graders"]
    assert {name: grader[name] for name in GRADING} == {name: row[name] for name in GRADING}
    assert row["history"] == [
        {"stage": "screen", "action": "kept", "detail": None},
        {"stage": "decide", "action": "kept", "detail": f"5 of 16 correct by {MODEL}"},
    ]


def test_a_stage_that_told_its_own_history_is_not_repeated(folder: RunFolder) -> None:
    config = make_run(folder)
    told = [{"stage": "screen", "action": "rewritten", "detail": "from choices"}]
    screened = folder.read_table("stages/screen/00000.parquet")
    folder.write_table(
        "stages/screen/00000.parquet",
        screened.with_columns(pl.Series("history", [told] * screened.height, dtype=PROBLEM_DTYPES["history"])),
    )
    publish(folder, config)
    (history,) = folder.read_table("curated/00000.parquet")["history"].to_list()
    assert [(entry["stage"], entry["action"]) for entry in history] == [("screen", "rewritten"), ("decide", "kept")]


def test_a_run_from_before_the_label_candidates_is_published_with_none(folder: RunFolder) -> None:
    config = make_run(folder)
    for name in (*folder.list("problems"), *folder.list("stages")):
        folder.write_table(name, folder.read_table(name).drop("label_candidates"))
    assert publish(folder, config) == {"kept": 1, "rejected": 4}
    curated = folder.read_table("curated/00000.parquet")
    assert dict(curated.schema) == CURATED_DTYPES
    assert curated["label_candidates"].to_list() == [None]


def test_what_is_rejected_says_why_in_words(folder: RunFolder) -> None:
    publish(folder, make_run(folder))
    rejected = pl.concat(folder.read_table(f"rejected/decide-0000{shard}.parquet") for shard in (0, 1))
    assert dict(rejected.schema) == PROBLEM_DTYPES | REJECT_DTYPES
    assert rejected.select("source_id", "stage", "reason", "detail").rows() == [
        ("s1", "decide", "too_easy", "13 of 13 correct, more than 12 in 16; the other 3 of 16 cannot change it"),
        ("s2", "decide", "label_contradicted", "11 of 16 say 41, the label says 42 (1 agree)"),
        ("s4", "decide", "never_solved", "0 of 16 correct"),
        ("s5", "decide", "undetermined", "no samples"),
    ]


def test_datasets_reads_the_shards_whole_and_streaming(tmp_path: Path) -> None:
    import datasets

    folder = RunFolder(str(tmp_path / "run"))
    publish(folder, make_run(folder))
    files = str(tmp_path / "run" / "curated" / "*.parquet")
    whole = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert set(whole.column_names) == set(CURATED_DTYPES)
    streamed = list(datasets.load_dataset("parquet", data_files=files, split="train", streaming=True))
    assert [row["source_id"] for row in streamed] == whole["source_id"] == ["s0"]
    assert streamed[0]["history"] == whole[0]["history"]


def test_a_shard_with_nothing_kept_has_the_full_schema(tmp_path: Path) -> None:
    import datasets

    folder = RunFolder(str(tmp_path / "run"))
    publish(folder, make_run(folder))
    assert dict(folder.read_table("curated/00001.parquet").schema) == CURATED_DTYPES
    empty = str(tmp_path / "run" / "curated" / "00001.parquet")
    assert list(datasets.load_dataset("parquet", data_files=empty, split="train", streaming=True)) == []


def test_row_groups_are_as_small_as_the_config_says(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = RunFolder(str(tmp_path / "run"))
    make_run(folder)
    config = make_config(folder.root, keep={"min": 0, "max": 16}, publish={"row_group_rows": 1})
    publish(folder, config)
    metadata = pq.ParquetFile(folder.at("curated/00000.parquet")).metadata
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [1, 1]
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_every_stage_adds_up(folder: RunFolder) -> None:
    publish(folder, make_run(folder))
    counted = [(c.stage, c.came, c.kept, c.rejected, c.waiting, c.reasons) for c in count_stages(folder)]
    assert counted == [
        ("ingest", 7, 6, 1, 0, {"invalid_row": 1}),
        ("screen", 6, 5, 1, 0, {"proof": 1}),
        ("decide", 5, 1, 4, 0, dict.fromkeys(("too_easy", "label_contradicted", "never_solved", "undetermined"), 1)),
    ]


def test_a_lost_or_doubled_row_is_an_error_with_the_numbers(folder: RunFolder) -> None:
    publish(folder, make_run(folder))
    check_counts(folder)
    rejected = folder.read_table("rejected/decide-00000.parquet")
    folder.write_table("rejected/decide-00000.parquet", rejected.head(1))
    with pytest.raises(
        CountError, match=r"decide, shard 00000: 3 problems came, but 1 were kept and 1 rejected \(-1\)"
    ):
        check_counts(folder)
    folder.write_table("rejected/decide-00000.parquet", pl.concat([rejected, rejected.head(1)]))
    with pytest.raises(CountError, match=r"\(\+1\)"):
        check_counts(folder)
    folder.write_table("rejected/decide-00000.parquet", rejected)
    folder.write_table("curated/00007.parquet", folder.read_table("curated/00000.parquet"))
    with pytest.raises(CountError, match="shard 00007: 0 problems came"):
        check_counts(folder)


def test_a_shard_that_failed_waits_and_stops_nothing(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    folder.remove("decisions/pass-1-00001.parquet")
    assert publish_curated(folder, config) == {"kept": 1, "rejected": 2}
    assert folder.list("curated") == ["curated/00000.parquet"]
    decide = count_stages(folder)[-1]
    assert (decide.came, decide.kept, decide.rejected, decide.waiting) == (5, 1, 2, 2)
    folder.remove("stages/screen/00001.parquet")
    publish(folder, config)
    screen, decide = count_stages(folder)[-2:]
    assert (screen.came, screen.kept, screen.waiting) == (6, 3, 2)
    assert (decide.came, decide.kept, decide.rejected, decide.waiting) == (3, 1, 2, 0)


def test_decisions_for_other_problems_are_refused(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    folder.write_table("stages/screen/00000.parquet", folder.read_table("problems/00000.parquet"))
    with pytest.raises(CountError, match="1 of 4 problems have no decision"):
        publish_curated(folder, config)


def test_other_thresholds_are_published_again_and_compared(folder: RunFolder) -> None:
    publish(folder, make_run(folder))
    moves = redecide(folder, make_config(folder.root, keep={"max": 4}))
    assert set(moves.rows()) == {
        ("keep", "too_easy", 1),
        ("too_easy", "too_easy", 1),
        ("label_contradicted", "label_contradicted", 1),
        ("never_solved", "never_solved", 1),
        ("undetermined", "undetermined", 1),
    }
    assert [c.kept for c in count_stages(folder)] == [6, 5, 0]
    moves = redecide(folder, make_config(folder.root, keep={"max": 14}))
    assert ("too_easy", "undetermined", 1) in moves.rows()
    detail = folder.read_table("rejected/decide-00000.parquet")["detail"][0]
    assert detail == "13 of 13 correct; 3 more samples could change this"
