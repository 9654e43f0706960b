"""A plan of sampling in two steps says what sampling in two steps takes."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning import count_tokens, measure_run, plan_run
from pipeline.decide.run import decide_run
from pipeline.publish.manifest import build_manifest
from pipeline.run.evidence import record_evidence
from pipeline.run.layout import problems_name
from pipeline.run.storage import RunFolder
from pipeline.sample.shard import ShardStats, sample_shard
from pipeline.sample.store import EvidenceStore, evidence_keys
from pipeline.verify.math import MathVerifier
from schemas.config import Config
from schemas.problem import complete_columns
from tests.pipeline.sample.scripted import problems_of
from tests.pipeline.sample.test_steps import FIRST, MOST, SCRIPTS, SHARD, Script, go_on, steps


def take(config: Config, script: Script, only: int | None = None) -> ShardStats:
    """Sample the first `only` problems of a run, or all, with what its folder has."""
    folder = RunFolder(config.run)
    problems = complete_columns(problems_of(["1"] * len(script)).with_columns(domain=pl.lit("math")))
    folder.write_table(problems_name(SHARD), problems)
    engine = go_on(folder, problems, script)
    record_evidence(folder, SHARD, evidence_keys(problems, config, engine, engine.model))
    try:
        with MathVerifier(extract="last") as verifier:
            return sample_shard(
                problems.head(only or len(script)), EvidenceStore(folder, SHARD), config, engine, verifier
            )
    finally:
        engine.close()


def measure(config: Config) -> tuple[float, float]:
    """The tokens and samples that a plan says of what is stored."""
    table, _ = measure_run(config, RunFolder(config.run))
    return table["tokens"].sum(), table["samples"].sum()


@given(SCRIPTS)
@settings(max_examples=12, deadline=None)
def test_a_plan_after_two_steps_says_what_they_took(script: Script) -> None:
    with tempfile.TemporaryDirectory() as root:
        config = steps(root)
        took = take(config, script)
        assert measure(config) == (took.tokens, took.sampled)


@given(SCRIPTS)
@settings(max_examples=12, deadline=None)
def test_a_plan_from_known_lengths_says_what_two_steps_will_take(script: Script) -> None:
    with tempfile.TemporaryDirectory() as known, tempfile.TemporaryDirectory() as root:
        take(steps(known, None, "full"), script)
        took = take(steps(root), script)
        assert measure(steps(known)) == (took.tokens, took.sampled)


@given(SCRIPTS, st.sampled_from([None, 5, 50]))
@settings(max_examples=12, deadline=None)
def test_all_samples_are_as_long_as_they_were_or_may_become(script: Script, first: int | None) -> None:
    """What was cut is neither left out nor taken for whole: its length is assumed."""
    with tempfile.TemporaryDirectory() as root:
        take(steps(root), script)
        table, _ = measure_run(steps(root, first), RunFolder(root))
    assert table.height == len(script)
    assert (table["early_tokens"] <= table["full_tokens"] + 1e-6 + (0 if first is None else 16 * first)).all()
    assert (table["full_tokens"] <= 16 * (MOST + FIRST)).all()
    assert (table["bytes"] >= 0).all()


# What is right is short, and what names no answer is long: some of the long ones stay at their first step.
MIXED: Script = [
    [("I cannot say", 50 + at % 9)] * 8 + [("so 1", 3)] * 8 if at % 3 else [("so 1", 3 + at % 5)] * 16
    for at in range(120)
]


def test_a_pilot_plans_what_the_run_then_takes(tmp_path: Path) -> None:
    config = steps(str(tmp_path))
    folder = RunFolder(config.run)
    pilot = take(config, MIXED, only=60)
    before = plan_run(config, folder, None, None)
    assert before.pilot == 60
    took = take(config, MIXED)
    assert before.tokens.low <= pilot.tokens + took.tokens <= before.tokens.high

    after = plan_run(config, folder, None, None)
    assert after.tokens.value == pytest.approx(pilot.tokens + took.tokens)
    decide_run(folder, config)
    manifest = build_manifest(folder, config)
    assert manifest["samples"]["first_steps"]["tokens"] > 0
    assert count_tokens(manifest) == pilot.tokens + took.tokens
