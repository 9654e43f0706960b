"""Outcomes from before some settings became constants are recognised by the manifest's config, and by nothing else."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.old_outcomes import adopt_outcome
from flows.outcomes import hash_content, key_of, stage_key
from pipeline.run.storage import RunFolder
from pipeline.stages import find_stage
from schemas.load import build_config


@pytest.mark.parametrize("rows", [2, 3])
def test_an_outcome_with_settings_that_are_constants_now_is_recognised(tmp_path: Path, rows: int) -> None:
    config = build_config({"run": str(tmp_path), "sources": [{"name": "a", "files": "x"}]})
    folder, stage = RunFolder(str(tmp_path)), find_stage("dedup")
    folder.write_table("problems/00000.parquet", pl.DataFrame({"id": ["a"]}))
    written = config.model_dump(mode="json")
    written["dedup"] |= {"band_rows": rows, "permutations": 48}
    folder.write_json("manifest.json", {"config": written})
    content = hash_content(folder, "00000", "problems")
    rules = [json.dumps(written["dedup"], separators=(",", ":"))]
    folder.write_bytes("stages/dedup/00000.key", key_of(stage, "00000", content, rules, None).encode())
    key = stage_key(config, folder, stage, "00000", "problems")
    assert adopt_outcome(config, folder, stage, "00000", "problems", key) == (rows == 2)
    assert (folder.read_bytes("stages/dedup/00000.key").decode() == key) == (rows == 2)
