"""The manifest: counts that follow from the files, and a fingerprint of each of them."""

import hashlib
import json
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest

from pipeline.decide.decide import IMPORTED
from pipeline.decide.run import decide_run
from pipeline.decide.trail import Calibration
from pipeline.publish.manifest import build_manifest
from pipeline.publish.shards import CountError, publish_curated
from pipeline.run.layout import MANIFEST, calibration_name
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.reasons import Verdict
from schemas.sample import FIRST_STEP, SAMPLE_DTYPES
from tests.pipeline.publish.small_runs import MODEL, make_config, make_run, make_samples, publish


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    return RunFolder(str(tmp_path / "run") if request.param == "local" else f"memory://manifest-{uuid4().hex}")


def test_it_tells_what_went_in_what_came_out_and_what_it_cost(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    manifest = build_manifest(folder, config, {"sample": 12.5})
    assert json.loads(folder.read_bytes(MANIFEST)) == manifest
    assert manifest["stages"] == [
        {"stage": "ingest", "in": 7, "kept": 6, "rejected": 1, "waiting": 0, "reasons": {"invalid_row": 1}},
        {"stage": "screen", "in": 6, "kept": 5, "rejected": 1, "waiting": 0, "reasons": {"proof": 1}},
        {
            "stage": "decide",
            "in": 5,
            "kept": 1,
            "rejected": 4,
            "waiting": 0,
            "reasons": dict.fromkeys(("label_contradicted", "never_solved", "too_easy", "undetermined"), 1),
        },
    ]
    assert manifest["samples"] == {
        "count": 61,
        "planned": 80,
        "tokens": 610,
        "seconds": 30.5,
        "correct": 19,
        "wrong": 42,
        "unknown": 0,
    }
    assert manifest["model"] == {"name": MODEL, "revision": "main"}
    assert manifest["times"] == {"sample": 12.5}
    assert Config.model_validate(manifest["config"]) == config
    assert {"goldilocks", "created", "versions"} <= set(manifest)
    assert manifest["versions"]["polars"] == pl.__version__


def test_every_table_is_named_with_rows_bytes_and_hash(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    files = build_manifest(folder, config)["files"]
    assert set(files) == set(folder.list(""))
    for name, told in files.items():
        data = folder.read_bytes(name)
        assert told == {
            "rows": folder.read_table(name).height,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }


def test_a_sample_that_was_verified_again_is_counted_once(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    samples = folder.read_table("samples/00000.parquet")
    folder.write_table("samples/00000/part-00000.parquet", samples.head(5))
    assert build_manifest(folder, config)["samples"]["count"] == 61


def test_deciding_again_keeps_the_times_of_the_run(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    build_manifest(folder, config, {"sample": 12.5})
    assert build_manifest(folder, config)["times"] == {"sample": 12.5}


def test_imported_samples_are_the_plan_and_several_models_are_said(folder: RunFolder) -> None:
    make_run(folder)
    samples = folder.read_table("samples/00000.parquet").with_columns(pl.lit(IMPORTED).alias("prompt"))
    other = samples["problem_id"][0]
    more = pl.DataFrame(make_samples(other, 3, {}), schema=SAMPLE_DTYPES)
    more = more.with_columns(pl.lit(IMPORTED).alias("prompt"), pl.lit("b/model").alias("model"))
    folder.write_table("samples/00000.parquet", pl.concat([samples, more]))
    config = make_config(folder.root)
    publish(folder, config)
    manifest = build_manifest(folder, config)
    assert manifest["samples"]["planned"] == 45 + 3 + 2 * 16
    assert manifest["model"] == {"name": "2 models", "revision": None}
    assert [model["samples"] for model in manifest["models"]] == [61, 3]


def test_first_steps_that_were_not_continued_are_counted_apart_and_decide_nothing(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    before, decisions = build_manifest(folder, config)["samples"], folder.read_table("decisions/pass-1-00000.parquet")
    samples = folder.read_table("samples/00000.parquet")
    cut = samples.head(5).with_columns(
        (pl.col("index") + 16).alias("index"),
        pl.lit(FIRST_STEP).alias("finish_reason"),
        pl.lit(Verdict.UNKNOWN.value).alias("verdict"),
    )
    folder.write_table("samples/00000.parquet", pl.concat([samples, cut]))
    publish(folder, config)
    assert build_manifest(folder, config)["samples"] == before | {"first_steps": {"count": 5, "tokens": 50}}
    assert folder.read_table("decisions/pass-1-00000.parquet").equals(decisions)


def test_no_manifest_is_written_of_a_run_that_lost_a_row(folder: RunFolder) -> None:
    config = make_run(folder)
    decide_run(folder, config)
    publish_curated(folder, config)
    folder.write_table("curated/00000.parquet", folder.read_table("curated/00000.parquet").clear())
    with pytest.raises(CountError, match="00000"):
        build_manifest(folder, config)
    assert not folder.exists(MANIFEST)


def test_it_says_which_share_of_decisions_all_samples_would_have_made_otherwise(folder: RunFolder) -> None:
    config = make_run(folder)
    publish(folder, config)
    assert "otherwise" not in build_manifest(folder, config)["samples"]
    folder.write_json(calibration_name("00000", 1), Calibration(30, 1.5, 2, 0.1, 1, 7).to_json())
    folder.write_json(calibration_name("00001", 1), Calibration(10, 0.5, 2, 0.3, 0).to_json())
    otherwise = build_manifest(folder, config)["samples"]["otherwise"]
    assert otherwise == {"expected": 0.05, "unasked": 7, "audited": 4, "promised": 0.1, "audit": 0.25}
    folder.write_json(calibration_name("00000", 1), Calibration(30, 1.5).to_json())
    folder.write_json(calibration_name("00001", 1), Calibration(10, 0.5).to_json())
    assert build_manifest(folder, config)["samples"]["otherwise"]["audit"] is None
