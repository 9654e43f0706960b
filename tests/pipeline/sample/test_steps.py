"""Sampling in two steps: decisions are those of whole completions, and what no decision needs is not generated."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import Rules
from pipeline.inference.engine import EngineDied, PromptRefused
from pipeline.run.evidence import count_first_steps, find_samples, read_samples
from pipeline.run.storage import RunFolder
from pipeline.sample.shard import ShardStats, sample_shard
from pipeline.sample.steps import refuse_steps
from pipeline.sample.store import EvidenceStore
from pipeline.verify.math import MathVerifier
from schemas.config import Config, SamplingConfig
from schemas.errors import InputError
from schemas.sample import FIRST_STEP, SAMPLE, SAMPLE_KEY
from tests.pipeline.sample.scripted import ScriptedEngine, config_for, problems_of

SHARD = "00000"
FIRST, MOST = 10, 100
SAID = st.tuples(
    st.sampled_from(["so 1", "so 2", "it is 3", "I cannot say"]), st.sampled_from([3, FIRST, FIRST + 1, MOST, MOST + 9])
)
SCRIPTS = st.lists(
    st.lists(SAID, min_size=16, max_size=16)
    | st.sampled_from([[("so 1", 3)] * 14 + [("so 2", 50)] * 2, [("so 1", 3)] * 8 + [("so 2", 50)] * 8]),
    min_size=1,
    max_size=4,
)
Script = list[list[tuple[str, int]]]


@pytest.fixture(scope="module")
def verifier() -> Any:
    with MathVerifier(extract="last") as one:
        yield one


def steps(root: str, first: int | None = FIRST, stop: str = "early", n: int = 16) -> Config:
    config = config_for(root, n=n, stop=stop)
    sampling = SamplingConfig(n=n, stop=stop, max_tokens=MOST, first_tokens=first)  # type: ignore[arg-type]
    return config.model_copy(update={"sampling": sampling})


class Taken(NamedTuple):
    stats: ShardStats
    engine: ScriptedEngine
    rows: pl.DataFrame
    decisions: dict[str, str]

    @property
    def whole(self) -> pl.DataFrame:
        return self.rows.filter(pl.col("finish_reason") != FIRST_STEP)


def go_on(folder: RunFolder, problems: pl.DataFrame, script: Script, **engine: Any) -> ScriptedEngine:
    """An engine that goes on from where the folder is: answers come by their place."""
    stored = EvidenceStore(folder, SHARD).load().group_by("problem_id").agg(pl.col("index").max() + 1)
    places = dict(stored.iter_rows())
    return ScriptedEngine(
        {f"problem {at}": [text for text, _ in said] for at, said in enumerate(script)},
        lengths={f"problem {at}": [length for _, length in said] for at, said in enumerate(script)},
        taken={f"problem {at}": places.get(id_, 0) for at, id_ in enumerate(problems["id"])},
        **engine,
    )


def take(root: str, script: Script, verifier: MathVerifier, config: Config | None = None, **engine: Any) -> Taken:
    """One run from where the folder is, so that a later run gets the next answers."""
    config = config or steps(root)
    folder, problems = RunFolder(root), problems_of(["1"] * len(script))
    scripted = go_on(folder, problems, script, **engine)
    try:
        stats = sample_shard(problems, EvidenceStore(folder, SHARD, 0.0), config, scripted, verifier)
    finally:
        scripted.close()
    rows = EvidenceStore(folder, SHARD).load()
    SAMPLE.validate(rows)
    assert not rows.select(SAMPLE_KEY).is_duplicated().any()
    samples = read_samples(folder, find_samples(folder)[SHARD], rows.columns)
    decided = decide_samples(samples, problems, 16, Rules.of(config))
    return Taken(stats, scripted, rows, dict(decided.select("problem_id", "decision").iter_rows()))


@given(SCRIPTS, st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_two_steps_decide_what_whole_completions_would(verifier: MathVerifier, script: Script, seed: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        full = take(one, script, verifier, steps(one, None, "full"), seed=seed)
        cut = take(two, script, verifier, seed=seed)
    assert cut.decisions == full.decisions
    assert (cut.stats.missing, cut.stats.kept) == (0, full.stats.kept)
    assert cut.engine.generated == cut.rows["tokens"].sum() == cut.stats.tokens <= full.stats.tokens
    left = cut.rows.filter(pl.col("finish_reason") == FIRST_STEP)
    assert left.height == cut.stats.first_steps == cut.rows.height - cut.stats.sampled
    assert set(left["token_ids"].list.len()) <= {FIRST}
    assert cut.whole["token_ids"].null_count() == cut.whole.height
    key = ["problem_id", "index", "completion", "tokens", "finish_reason", "verdict"]
    assert cut.whole.select(key).join(full.rows.select(key), on=key, how="anti").is_empty()


@given(SCRIPTS, st.integers(0, 99), st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_a_run_that_was_killed_goes_on_and_pays_for_nothing_twice(
    verifier: MathVerifier, script: Script, seed: int, dies_after: int
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as killed:
        whole = take(one, script, verifier, seed=seed)
        with contextlib.suppress(EngineDied):
            take(killed, script, verifier, seed=seed, dies_after=dies_after, capacity=2)
        before = EvidenceStore(RunFolder(killed), SHARD).load()["tokens"].sum()
        resumed = take(killed, script, verifier, seed=seed + 1)
        again = take(killed, script, verifier, seed=seed)
    assert resumed.decisions == whole.decisions
    assert before + resumed.engine.generated == resumed.rows["tokens"].sum()
    assert again.engine.submitted == again.stats.missing == 0


@given(SCRIPTS, st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_full_completes_what_was_left(verifier: MathVerifier, script: Script, seed: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        full = take(one, script, verifier, steps(one, None, "full"), seed=seed)
        cut = take(two, script, verifier, seed=seed)
        after = take(two, script, verifier, steps(two, None, "full"), seed=seed)
    assert after.rows.drop("seconds").equals(full.rows.drop("seconds"))
    assert cut.stats.tokens + after.engine.generated == full.stats.tokens
    assert after.stats.first_steps == 0


def test_what_no_decision_needs_is_neither_wrong_nor_missing(tmp_path: Path, verifier: MathVerifier) -> None:
    script: Script = [[("I cannot say", 50)] * 8 + [("so 1", 3)] * 8]
    one = take(str(tmp_path), script, verifier)
    assert list(one.decisions.values()) == ["keep"]
    assert (one.stats.missing, one.stats.first_steps) == (0, 4)
    assert one.stats.tokens == 8 * 3 + 4 * 50 + 4 * FIRST
    assert set(one.whole["verdict"]) == {"correct", "wrong"}
    folder = RunFolder(str(tmp_path))
    assert count_first_steps(folder, SHARD, find_samples(folder)[SHARD]) == (4, 4 * FIRST)


def test_what_is_cut_at_the_limit_is_what_it_was(tmp_path: Path, verifier: MathVerifier) -> None:
    one = take(str(tmp_path), [[("so 1", MOST + 1)]], verifier)
    assert list(one.decisions.values()) == ["never_solved"]
    assert one.rows.select("finish_reason", "tokens", "verdict").unique().rows() == [("length", MOST, "wrong")]
    assert one.stats.tokens == 16 * MOST


def test_a_first_step_that_fills_the_context_is_a_whole_completion(tmp_path: Path, verifier: MathVerifier) -> None:
    class Full(ScriptedEngine):
        def _complete(self, request: Any, text: str, place: int) -> Any:
            if request.begun is not None:
                raise PromptRefused("full", too_long=True)
            return super()._complete(request, text, place)

    scripted = Full({"problem 0": ["so 1"]}, lengths={"problem 0": [MOST]})
    config = steps(str(tmp_path), n=2)
    store = EvidenceStore(RunFolder(str(tmp_path)), SHARD, 0.0)
    stats = sample_shard(problems_of(["1"]), store, config, scripted, verifier)
    scripted.close()
    assert (stats.missing, stats.refusals.height, stats.tokens) == (0, 0, 2 * FIRST)
    assert store.load()["finish_reason"].to_list() == ["length"] * 2


def test_an_engine_that_cannot_continue_is_refused() -> None:
    engine = ScriptedEngine({})
    engine.continues = False
    with pytest.raises(InputError, match=r"sampling\.first_tokens.* vLLM"):
        refuse_steps(steps("unused").sampling, engine)
    refuse_steps(steps("unused", None).sampling, engine)
    engine.close()


@pytest.mark.parametrize(
    ("setting", "named"),
    [({"first_tokens": 100}, "less than sampling.max_tokens"), ({"stop": "confident"}, "sampling.stop: confident")],
)
def test_a_setting_that_cannot_work_is_refused(setting: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SamplingConfig(**{"max_tokens": 100, "first_tokens": 10, **setting})
