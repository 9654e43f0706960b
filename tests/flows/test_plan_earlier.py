"""A plan with an earlier grader reckons with what its samples save, as the sampling does."""

from pathlib import Path

import polars as pl
import pytest

from flows.planning import measure_run, plan_run
from pipeline.run.evidence import add_earlier, record_brought, record_evidence
from pipeline.run.layout import problems_name
from pipeline.run.storage import RunFolder
from pipeline.sample.shard import sample_shard
from pipeline.sample.store import EvidenceStore, evidence_keys
from pipeline.verify.math import MathVerifier
from schemas.problem import complete_columns
from schemas.sample import SAMPLE_KEY
from tests.pipeline.sample.scripted import ScriptedEngine, config_for, problems_of

SHARD, COUNT = "00000", 160
SAID = {f"problem {at}": ["so 1"] * 16 if at % 4 else ["so 1", "so 2", "so 3", "so 4"] * 4 for at in range(COUNT)}


@pytest.mark.parametrize("brought", [True, False])
def test_a_plan_takes_what_sampling_took_also_of_problems_that_need_no_sample(brought: bool, tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    problems = complete_columns(problems_of(["1"] * COUNT).with_columns(domain=pl.lit("math")))
    folder.write_table(problems_name(SHARD), problems)
    config = config_for(folder.root, stop="confident")
    with MathVerifier(extract="last") as verifier:
        if brought:
            other = ScriptedEngine(SAID, model="other")
            sample_shard(problems, EvidenceStore(folder, SHARD), config_for(folder.root), other, verifier)
            other.close()
            theirs = EvidenceStore(folder, SHARD).load()
            record_brought(folder, {SHARD: theirs.select(SAMPLE_KEY[:-1]).unique()})
        engine = ScriptedEngine(SAID, model="ours")
        record_evidence(folder, SHARD, evidence_keys(problems, config, engine, "ours"))
        known = add_earlier(folder, SHARD, problems, 1)
        took = sample_shard(known, EvidenceStore(folder, SHARD), config, engine, verifier)
        engine.close()

    measured, _ = measure_run(config, folder)
    stored = EvidenceStore(folder, SHARD).load().filter(pl.col("model") == "ours")
    asked = dict(stored.group_by("problem_id").len().iter_rows())
    assert dict(measured.select("problem_id", "samples").iter_rows()) == {
        id_: asked.get(id_, 0) for id_ in measured["problem_id"]
    }
    assert measured["confident"].sum() == took.sampled
    assert (measured["samples"].min() == 0) == brought, "some are not asked, for what the earlier grader says"
    assert measured["full_tokens"].min() == 16 * 3
    plan = plan_run(config, folder, None, None)
    assert plan.full_tokens is not None
    assert plan.confident_tokens is not None
    assert plan.full_tokens.value == pytest.approx(16 * 3 * COUNT)
    assert plan.confident_tokens.value == pytest.approx(3 * took.sampled, rel=0.02)
