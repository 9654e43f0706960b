"""The loop over a shard: what is missing is asked for, judged meanwhile, and stopped in time. The engine here is a
stand-in.
"""

import contextlib
import random
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import Confident, Observed, count_first, find_groups, learn_rates
from pipeline.decide.decide import decide_samples
from pipeline.decide.likeness import FEWEST, Likeness
from pipeline.decide.rule import Rules
from pipeline.decide.trail import follow_samples, replay_confident
from pipeline.inference.engine import EngineDied, PromptRefused, Request
from pipeline.progress.display import show_progress
from pipeline.run.storage import RunFolder
from pipeline.sample import shard, store
from pipeline.sample.progress import SamplingProgress
from pipeline.sample.shard import ShardStats, sample_shard
from pipeline.sample.stop import replay_early
from pipeline.sample.store import EvidenceStore, evidence_keys, name_model
from pipeline.verify.math import Judgement, MathVerifier
from schemas.config import Config, DecideConfig
from schemas.reasons import KEEP, Reason, Verdict
from schemas.sample import SAMPLE_KEY
from tests.pipeline.sample.scripted import ScriptedEngine, config_for, problems_of

SHARD = "00000"
ANSWERS = st.lists(st.sampled_from(["so 1", "so 2", "it is 3", "I cannot say"]), min_size=16, max_size=16)


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier(extract="last") as one:
        yield one


def go(
    root: str | Path,
    problems: pl.DataFrame,
    config: Config,
    verifier: Any,
    script: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
    **engine: Any,
) -> tuple[ShardStats, ScriptedEngine, pl.DataFrame]:
    """One run of the shard with a fresh engine; returns what it said, the engine, and all the evidence after it."""
    answers = script if isinstance(script, Mapping) else {f"problem {i}": said for i, said in enumerate(script)}
    folder = RunFolder(str(root))
    scripted = ScriptedEngine(answers, **engine)
    try:
        stats = sample_shard(
            problems, EvidenceStore(folder, SHARD, config.flow.flush_seconds), config, scripted, verifier
        )
    finally:
        scripted.close()
    return stats, scripted, evidence(root)


def evidence(root: str | Path) -> pl.DataFrame:
    table = EvidenceStore(RunFolder(str(root)), SHARD).load()
    assert table.select(SAMPLE_KEY).is_duplicated().sum() == 0
    return table


def decisions(table: pl.DataFrame, problems: pl.DataFrame, config: Config) -> dict[str, str]:
    decided = decide_samples(table, problems.select("id", "answer"), config.sampling.n, Rules.of(config))
    return dict(decided.select("problem_id", "decision").iter_rows())


DOUBTED = st.lists(
    st.one_of(
        st.sampled_from(["so 1", "so 2"]),
        st.sampled_from(["so 1. It says nothing of the rate: insufficient information.", "I cannot say", "so 2"]),
        st.sampled_from(["The problem does not state the rate.", "I cannot help with that"]),
        st.integers(3, 30).map(lambda number: f"so {number}"),
    ),
    min_size=16,
    max_size=16,
)


@given(st.lists(st.one_of(ANSWERS, DOUBTED), min_size=1, max_size=5), st.integers(0, 99))
@example([["so 1", *["so 2", "so 3"] * 5, *["insufficient information"] * 5]], 0)
@example([[*["so 2"] * 9, *["insufficient information"] * 7]], 0)
@settings(max_examples=60, deadline=None)
def test_stopping_early_decides_what_all_samples_would(
    verifier: MathVerifier, script: list[list[str]], seed: int
) -> None:
    problems = problems_of(["1"] * len(script))
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as early:
        everything, engine, all_samples = go(full, problems, config_for(full), verifier, script, seed=seed)
        some, thrifty, fewer = go(early, problems, config_for(early, stop="early"), verifier, script, seed=seed)
    config = config_for("unused")
    assert decisions(fewer, problems, config) == decisions(all_samples, problems, config)
    assert all_samples.height == engine.submitted == 16 * len(script)
    assert fewer.height == thrifty.submitted <= all_samples.height
    assert some.kept == everything.kept == list(decisions(all_samples, problems, config).values()).count(KEEP)
    assert some.missing == everything.missing == 0
    replayed = {
        trail.problem: replay_early(trail, 16, Rules.of(config)) for trail in follow_samples(all_samples, problems)
    }
    assert replayed == dict(fewer.group_by("problem_id").len().iter_rows()), "what plan reckons with"


def test_a_translation_that_is_held_against_its_original_gets_all_samples_as_does_the_original(
    tmp_path: Path, verifier: MathVerifier
) -> None:
    problems = problems_of(["1"] * 3).with_columns(
        language=pl.Series(["en", "fr", "en"]), parent_id=pl.Series([None, f"{0:016x}", None])
    )
    config = config_for(str(tmp_path), stop="early", decide=DecideConfig(translations="match"))
    _, _, samples = go(tmp_path, problems, config, verifier, [["so 1", "so 2"] * 8] * 3)
    assert samples.group_by("problem_id").len().sort("problem_id")["len"].to_list() == [16, 16, 15]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_only_what_is_owed_is_asked_for_and_at_the_smallest_free_indices(
    verifier: MathVerifier, data: st.DataObject
) -> None:
    problems = problems_of(["1", "2", "3"])
    script = [["so 1"], ["so 2"], ["so 9"]]
    with tempfile.TemporaryDirectory() as root:
        config = config_for(root, n=6)
        _, _, whole = go(root, problems, config, verifier, script)
        kept = whole.filter(pl.Series(data.draw(st.lists(st.booleans(), min_size=18, max_size=18))))
        folder = RunFolder(root)
        folder.remove("samples")
        store = EvidenceStore(folder, SHARD)
        store.append(kept.iter_rows(named=True))
        store.seal()
        stats, engine, after = go(root, problems, config, verifier, script)
    assert engine.submitted == stats.sampled == 18 - kept.height
    assert after.group_by("problem_id").agg(pl.col("index").sort()).get_column("index").to_list() == [[*range(6)]] * 3
    assert after.join(kept, on=SAMPLE_KEY, how="semi").equals(kept.sort(SAMPLE_KEY))


def test_a_second_run_samples_nothing_and_writes_nothing(tmp_path: Path, verifier: MathVerifier) -> None:
    problems = problems_of(["1", "2"])
    go(tmp_path, problems, config_for(str(tmp_path)), verifier, [["1"], ["1"]])
    before = (tmp_path / f"samples/{SHARD}.parquet").stat()
    stats, engine, _ = go(tmp_path, problems, config_for(str(tmp_path)), verifier, [["1"], ["1"]])
    assert (engine.submitted, stats.sampled, stats.judged_again, stats.samples) == (0, 0, 0, 32)
    assert (tmp_path / f"samples/{SHARD}.parquet").stat() == before


def test_more_samples_are_added_to_those_that_are_there(tmp_path: Path, verifier: MathVerifier) -> None:
    problems = problems_of(["1"])
    go(tmp_path, problems, config_for(str(tmp_path), n=4), verifier, [["1"]])
    _, engine, after = go(tmp_path, problems, config_for(str(tmp_path), n=10), verifier, [["1"]])
    assert (engine.submitted, after.height) == (6, 10)


def test_a_new_label_is_judged_again_and_not_sampled_again(tmp_path: Path, verifier: MathVerifier) -> None:
    go(tmp_path, problems_of(["1"]), config_for(str(tmp_path)), verifier, [["so 2"]])
    stats, engine, after = go(tmp_path, problems_of(["2"]), config_for(str(tmp_path)), verifier, [["so 2"]])
    assert (engine.submitted, stats.judged_again, stats.sampled) == (0, 16, 0)
    assert after.get_column("verdict").unique().to_list() == ["correct"]


def test_what_an_older_verifier_judged_is_judged_again_and_not_sampled_again(
    tmp_path: Path, verifier: MathVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(store, "VERIFIER", store.VERIFIER - 1)
        go(tmp_path, problems_of(["1"]), config_for(str(tmp_path)), verifier, [["so 1"]])
    stats, engine, _ = go(tmp_path, problems_of(["1"]), config_for(str(tmp_path)), verifier, [["so 1"]])
    assert (engine.submitted, stats.judged_again, stats.sampled) == (0, 16, 0)


class Late:
    """A verifier in trouble: the first time each text is unknown; the second time the real one judges."""

    def __init__(self, real: MathVerifier) -> None:
        self.real, self.in_trouble = real, True

    def submit(
        self, label: str | None, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        if not self.in_trouble:
            return self.real.submit(label, completion, known, finish_reason)
        future: Future[Judgement] = Future()
        future.set_result(Judgement(Verdict.UNKNOWN, "1", "1", "timed out after 5 s"))
        return future


def test_what_the_verifier_could_not_judge_is_judged_by_the_next_run(tmp_path: Path, verifier: MathVerifier) -> None:
    late, problems, config = Late(verifier), problems_of(["1"]), config_for(str(tmp_path))
    _, _, before = go(tmp_path, problems, config, late, [["so 1"]])
    assert before.get_column("verdict").unique().to_list() == ["unknown"]
    still, engine, _ = go(tmp_path, problems, config, late, [["so 1"]])
    assert (engine.submitted, still.judged_again) == (0, 0)
    late.in_trouble = False
    stats, engine, after = go(tmp_path, problems, config, late, [["so 1"]])
    assert (engine.submitted, stats.judged_again) == (0, 16)
    assert after.get_column("verdict").unique().to_list() == ["correct"]
    assert after.select("completion", "index").equals(before.select("completion", "index"))


@pytest.mark.parametrize("change", ["revision", "params", "prompt"])
def test_other_evidence_in_the_folder_does_not_count_and_stays(
    tmp_path: Path, verifier: MathVerifier, change: str
) -> None:
    problems, config = problems_of(["1"]), config_for(str(tmp_path), n=4)
    go(tmp_path, problems, config, verifier, [["so 1"]])
    other = config.model_copy(
        update={
            "params": {"sampling": config.sampling.model_copy(update={"temperature": 0.1})},
            "prompt": {"prompt": config.prompt.model_copy(update={"template": "think"})},
        }.get(change, {})
    )
    template = "think" if change == "prompt" else "plain"
    from pipeline.inference.prompts import build_prompt

    said = {build_prompt(row, other.prompt).text or "": ["so 1"] for row in problems.iter_rows(named=True)}
    _, engine, after = go(tmp_path, problems, other, verifier, said, revision="r2" if change == "revision" else "r1")
    assert (engine.submitted, after.height, other.prompt.template) == (4, 8, template)
    assert after.get_column(change).n_unique() == 2
    keys = evidence_keys(problems, other, engine, engine.model)
    assert after.join(keys, on=keys.columns, how="semi").height == 4


@pytest.mark.parametrize("revision", ["folder-0123456789abcdef", "main"])
def test_weights_in_a_folder_that_was_moved_are_the_same_model(
    tmp_path: Path, verifier: MathVerifier, revision: str
) -> None:
    """Their revision is their content. The same revision of another name on the Hub is another model."""
    problems, config = problems_of(["1", "2"]), config_for(str(tmp_path), n=4)
    script = [["so 1"], ["so 2"]]
    go(tmp_path, problems, config, verifier, script, model="one/model", revision=revision)
    _, engine, after = go(tmp_path, problems, config, verifier, script, model="other/model", revision=revision)
    moved = revision.startswith("folder-")
    assert engine.submitted == (0 if moved else 8)
    keys = evidence_keys(problems, config, engine, name_model(RunFolder(str(tmp_path)), SHARD, engine))
    assert after.join(keys, on=keys.columns, how="semi").height == 8
    assert after["model"].n_unique() == (1 if moved else 2)


TOO_LONG = PromptRefused("the prompt has 900 tokens, but 256 fit", too_long=True)
NOT_TAKEN = PromptRefused("HTTP 400: the content filter does not let this through", too_long=False)


@pytest.mark.parametrize(("refusal", "reason"), [(TOO_LONG, "prompt_too_long"), (NOT_TAKEN, "prompt_refused")])
def test_a_refused_prompt_is_recorded_and_none_of_its_samples_is_missing(
    tmp_path: Path, verifier: MathVerifier, refusal: PromptRefused, reason: str
) -> None:
    problems, script = problems_of(["1", "2"]), [["so 1"], ["so 2"]]
    config = config_for(str(tmp_path), n=4, stop="early")
    stats, _, after = go(tmp_path, problems, config, verifier, script, refuses={"problem 1": refusal})
    assert (stats.missing, dict(stats.failures)) == (0, {})
    assert stats.refusals.rows() == [(problems["id"][1], reason, str(refusal))]
    assert after["problem_id"].unique().to_list() == [problems["id"][0]]
    again, _, after = go(tmp_path, problems, config, verifier, script)
    assert (again.missing, again.refusals.height, after["problem_id"].n_unique()) == (0, 0, 2)


def test_an_engine_that_refuses_every_prompt_for_another_reason_leaves_the_samples_missing(
    tmp_path: Path, verifier: MathVerifier
) -> None:
    problems, script = problems_of(["1", "2"]), [["so 1"], ["so 2"]]
    refuses = {"problem 0": NOT_TAKEN, "problem 1": NOT_TAKEN}
    stats, _, _ = go(tmp_path, problems, config_for(str(tmp_path), n=4), verifier, script, refuses=refuses)
    assert (stats.missing, stats.refusals.height) == (8, 0)
    assert stats.failures == {str(NOT_TAKEN): 2}


def test_a_failed_request_is_owed_unknown_to_the_evidence_and_asked_for_by_the_next_run(
    tmp_path: Path, verifier: MathVerifier
) -> None:
    problems, config = problems_of(["1", "1", "1"]), config_for(str(tmp_path), n=4)
    script = [["so 1"]] * 3
    stats, _, after = go(tmp_path, problems, config, verifier, script, fails=lambda text: text == "problem 1")
    assert (stats.missing, stats.sampled, after.height) == (4, 8, 8)
    assert stats.failures == {"the script fails this request": 1}
    stats, engine, after = go(tmp_path, problems, config, verifier, script)
    assert (engine.submitted, stats.missing, after.height) == (4, 0, 12)


@pytest.mark.parametrize("stop", ["full", "early"])
def test_when_the_engine_dies_what_came_is_stored_and_the_rest_is_owed(
    tmp_path: Path, verifier: MathVerifier, stop: str
) -> None:
    problems, config = problems_of(["1"] * 6), config_for(str(tmp_path), n=4, stop=stop)
    with pytest.raises(EngineDied):
        go(tmp_path, problems, config, verifier, [["so 1"]] * 6, dies_after=3)
    before = evidence(tmp_path)
    assert 0 < before.height < 24
    stats, engine, after = go(tmp_path, problems, config, verifier, [["so 1"]] * 6)
    assert stats.missing == 0
    assert after.height == before.height + engine.submitted
    assert after.join(before, on=SAMPLE_KEY, how="semi").equals(before)


class Behind:
    """A verifier that gives no judgement before the engine has been asked for everything."""

    def __init__(self, expected: int) -> None:
        self.expected, self.waiting = expected, []  # type: ignore[var-annotated]

    def submit(
        self, label: str | None, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        future: Future[Judgement] = Future()
        self.waiting.append(future)
        if len(self.waiting) == self.expected:
            for one in self.waiting:
                one.set_result(Judgement(Verdict.CORRECT, "1", "1", "equal"))
            self.waiting, self.expected = [], 1
        return future


def test_the_engine_does_not_wait_for_the_verifier(tmp_path: Path) -> None:
    problems, config = problems_of(["1"] * 20), config_for(str(tmp_path), n=4)
    said: list[Any] = []
    thread = threading.Thread(
        target=lambda: said.append(go(tmp_path, problems, config, Behind(20), [["so 1"]] * 20, capacity=4)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert said, "a loop that waited for a judgement before it asked for more would hang here"
    stats, engine, after = said[0]
    assert (stats.sampled, after.height) == (80, 80)
    assert engine.most_in_flight <= 4


@pytest.mark.slow
@given(st.integers(1, 3), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=20)
def test_what_waits_for_the_verifier_is_bounded_by_the_engine_and_not_by_the_shard(
    backlog: int, capacity: int, seed: int
) -> None:
    problems = problems_of(["1"] * 60)
    slow = Slow()
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "BACKLOG", backlog)
        engine = ScriptedEngine({f"problem {i}": ["so 1"] for i in range(60)}, seed=seed, capacity=capacity)
        most = 0
        judge = slow.submit

        def submit(
            label: str | None, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
        ) -> Future[Judgement]:
            nonlocal most
            most = max(most, 2 * engine.answered - len(slow.told))
            return judge(label, completion, known, finish_reason)

        patch.setattr(slow, "submit", submit)
        stats = sample_shard(problems, EvidenceStore(RunFolder(root), SHARD), config_for(root, n=2), engine, slow)
        engine.close()
    assert stats.sampled == 120
    # A request that is under way when the limit is reached still comes in, and one of n = 2 may overshoot by one.
    assert most <= (backlog + 1) * capacity + 3


class Slow:
    """A verifier that judges in another thread and remembers which classes it was told of."""

    def __init__(self) -> None:
        self.told: list[set[str]] = []

    def submit(
        self, label: str | None, completion: str, known: tuple[str, ...] = (), finish_reason: str | None = None
    ) -> Future[Judgement]:
        self.told.append(set(known))
        future: Future[Judgement] = Future()
        judgement = Judgement(Verdict.WRONG, completion, completion, "not equal")
        threading.Timer(0.01, future.set_result, [judgement]).start()
        return future


def test_an_answer_is_judged_when_the_classes_of_those_before_it_are_known(tmp_path: Path) -> None:
    slow, problems, config = Slow(), problems_of(["7"]), config_for(str(tmp_path), n=4)
    go(tmp_path, problems, config, slow, [["a", "b", "c", "d"]])
    assert slow.told == [set(), {"a"}, {"a", "b"}, {"a", "b", "c"}]


def test_a_log_says_what_sampling_has_done() -> None:
    log = StringIO()
    with show_progress(stream=log), SamplingProgress(problems=4, n=8) as progress:
        share = progress.begin_shard("00000")
        share.recall(8)
        share.settle(True, unneeded=0)
        for kept, samples in ((True, 8), (False, 3)):
            for _ in range(samples):
                share.sample(100)
            share.settle(kept, unneeded=8 - samples)
    (line,) = log.getvalue().splitlines()
    counts = r"sample: 19 of 27 samples in [\d.]+ s, 8 done before, [\d.]+ samples/s, [\d,]+ tokens/s, "
    assert re.fullmatch(counts + "3 problems done, 2 kept", line)


def test_problems_are_done_in_the_display_before_their_shard_is(tmp_path: Path, verifier: MathVerifier) -> None:
    """With `stop: confident` too, where rates that are learned later may ask a problem again."""
    script = [["so 1"] * 16] * 20 + [["so 1", "so 2"] * 8] * 20 + [["I cannot say"] * 16] * 20
    problems, settled = problems_of(["1"] * 60), list[int]()
    config = config_for(str(tmp_path), n=8, stop="confident")

    class Watching(ScriptedEngine):
        def submit(self, request: Request) -> Any:
            settled.append(progress.settled)
            return super().submit(request)

    engine = Watching({f"problem {i}": said for i, said in enumerate(script)}, capacity=4)
    log = StringIO()
    with show_progress(stream=log), SamplingProgress(problems=60, n=8) as progress:
        stats = sample_shard(
            problems, EvidenceStore(RunFolder(str(tmp_path)), SHARD), config, engine, verifier, progress
        )
    engine.close()
    assert settled[0] == 0
    assert 10 < settled[-1] < 60
    assert (progress.settled, progress.kept) == (60, stats.kept)
    assert log.getvalue().startswith(f"sample: {stats.sampled} samples in ")


def test_problems_that_a_dead_engine_left_are_not_said_to_be_done(tmp_path: Path, verifier: MathVerifier) -> None:
    log, problems, config = StringIO(), problems_of(["1"] * 6), config_for(str(tmp_path), n=4, stop="full")
    engine = ScriptedEngine({f"problem {i}": ["so 1"] for i in range(6)}, dies_after=0)
    with (
        pytest.raises(EngineDied),
        show_progress(stream=log),
        SamplingProgress(problems=6, n=4) as progress,
    ):
        sample_shard(problems, EvidenceStore(RunFolder(str(tmp_path)), SHARD), config, engine, verifier, progress)
    (line,) = log.getvalue().splitlines()
    assert line.startswith("sample: 0 of 24 samples")
    assert "done" not in line


def test_a_shard_that_is_tried_again_counts_its_samples_once() -> None:
    log = StringIO()
    with show_progress(stream=log), SamplingProgress(problems=2, n=4) as progress:
        failed = progress.begin_shard("00000")
        failed.settle(True, unneeded=4)
        failed.sample(10)
        again = progress.begin_shard("00000")
        again.recall(1)
        again.sample(10)
        again.settle(True, unneeded=2)
    assert re.match(r"sample: 2 of 6 samples in .* 1 done before, .* 1 problem done, 1 kept", log.getvalue())


def go_on(root: str, problems: pl.DataFrame, script: list[list[str]], verifier: MathVerifier, **engine: Any) -> Any:
    """A run with `stop: confident`, from where the folder is; answers come by their place, so that a later run gets the
    next ones."""
    stored = evidence(root).group_by("problem_id").agg(pl.col("index").max() + 1)
    places = dict(stored.iter_rows())
    taken = {f"problem {i}": places.get(id_, 0) for i, id_ in enumerate(problems["id"])}
    return go(root, problems, config_for(root, n=8, stop="confident"), verifier, script, taken=taken, **engine)


SCRIPTS = st.lists(
    st.lists(st.sampled_from(["so 1", "so 2", "it is 3", "I cannot say"]), min_size=16, max_size=16)
    | st.sampled_from([["so 1"] * 16, ["so 2"] * 16, ["so 2", "so 3", "so 4", "so 5"] * 4]),
    min_size=1,
    max_size=8,
)


@given(SCRIPTS, st.integers(0, 99), st.integers(0, 30))
@settings(max_examples=15, deadline=None)
def test_a_confident_run_that_was_killed_takes_and_decides_what_one_run_does(
    verifier: MathVerifier, script: list[list[str]], seed: int, dies_after: int
) -> None:
    """The posterior follows from what is stored: the rates of the shard, the samples of a problem, the decision."""
    problems = problems_of(["1"] * len(script))
    config = config_for("unused", n=8, stop="confident")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as killed:
        whole, _, all_samples = go_on(one, problems, script, verifier, seed=seed)
        with contextlib.suppress(EngineDied):
            go_on(killed, problems, script, verifier, seed=seed, dies_after=dies_after, capacity=2)
        resumed, _, samples = go_on(killed, problems, script, verifier, seed=seed + 1)
        again, engine, _ = go_on(killed, problems, script, verifier, seed=seed)
    assert whole.missing == resumed.missing == again.missing == engine.submitted == 0
    key = ["problem_id", "index", "verdict"]
    assert samples.select(key).equals(all_samples.select(key))
    decided = decisions(samples, problems, config)
    assert decided == decisions(all_samples, problems, config)
    assert whole.kept == resumed.kept == list(decided.values()).count(KEEP)


@given(SCRIPTS, st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_a_replay_of_stored_samples_takes_what_the_run_took(
    verifier: MathVerifier, script: list[list[str]], seed: int
) -> None:
    problems = problems_of(["1"] * len(script))
    config = config_for("unused", n=8, stop="confident")
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as confident:
        _, _, all_samples = go(full, problems, config_for(full, n=16), verifier, script, seed=seed)
        _, _, samples = go_on(confident, problems, script, verifier, seed=seed)
    trails = follow_samples(all_samples, problems)
    taken = replay_confident(trails, config.sampling, Rules.of(config)).taken
    count = dict(samples.group_by("problem_id").len().iter_rows())
    assert {trail.problem: n for trail, n in zip(trails, taken, strict=True)} == count


def test_what_statements_promise_is_the_same_while_sampling_and_when_deciding(
    tmp_path: Path, verifier: MathVerifier
) -> None:
    """A run that was killed takes what a replay takes; its decisions lack nothing."""
    draw = random.Random(0)
    rates = {f"{'integral' if at % 2 else 'apples'} {at}": 0.05 if at % 2 else 0.6 for at in range(2 * FEWEST)}
    script = {text: ["so 1" if draw.random() < rate else "so 2" for _ in range(16)] for text, rate in rates.items()}
    problems = problems_of(["1"] * len(script)).with_columns(statement=pl.Series(list(script)))
    config = config_for(str(tmp_path), n=8, stop="confident")
    with contextlib.suppress(EngineDied):
        go(tmp_path, problems, config, verifier, script, dies_after=150, capacity=2)
    places = dict(evidence(tmp_path).group_by("problem_id").agg(pl.col("index").max() + 1).iter_rows())
    taken = {text: places.get(id_, 0) for id_, text in problems.select("id", "statement").iter_rows()}
    stats, _, samples = go(tmp_path, problems, config, verifier, script, taken=taken)
    assert places
    assert stats.missing == 0
    replay = replay_confident(
        follow_samples(samples, problems), config.sampling, Rules.of(config), Likeness.read(problems)
    )
    assert {len(trail.group) for trail in replay.trails} == {2}
    count = dict(samples.group_by("problem_id").len().iter_rows())
    assert {trail.problem: n for trail, n in zip(replay.trails, replay.taken, strict=True)} == count
    told = problems.select("id", "answer", "statement")
    decided = decide_samples(samples, told, config.sampling.planned, Rules.of(config))
    assert decided.filter(pl.col("decision") == Reason.UNDETERMINED).is_empty()


def test_the_second_pass_asks_only_what_may_move(tmp_path: Path, verifier: MathVerifier) -> None:
    earlier = [16] * 120 + [8] * 20
    problems = problems_of(["1"] * 140).with_columns(earlier_correct=pl.Series(earlier), earlier_known=pl.lit(16))
    script = [["so 1"] * 16] * 120 + [["so 1", "I cannot say"] * 8] * 20
    with contextlib.suppress(EngineDied):
        go_on(str(tmp_path), problems, script, verifier, dies_after=20, capacity=2)
    _, _, samples = go_on(str(tmp_path), problems, script, verifier)
    again, engine, _ = go_on(str(tmp_path), problems, script, verifier)
    assert again.missing == engine.submitted == 0
    sampling = config_for("unused", n=8, stop="confident").sampling
    count = dict(samples.group_by("problem_id").len().iter_rows())
    groups = find_groups(problems)
    for id_, correct in problems.select("id", "earlier_correct").iter_rows():
        first = count_first(id_, groups[id_], sampling)
        assert count.get(id_, 0) == first if correct == 16 else count[id_] >= max(first, 1)
    assert 20 < len(count) < 70, "some of those that are always solved are asked, to learn from, and others are not"
    assert again.kept == 20


def test_an_audited_problem_gets_all_samples_whatever_they_say(tmp_path: Path, verifier: MathVerifier) -> None:
    problems = problems_of(["1"] * 3)
    config = config_for(str(tmp_path), n=8, stop="confident")
    sampling = config.sampling.model_copy(update={"audit": 1.0, "n_max": 20})
    audited = config.model_copy(update={"sampling": sampling})
    _, engine, after = go(tmp_path, problems, audited, verifier, [["so 1"]] * 3)
    assert engine.submitted == after.height == 60


def test_the_problem_where_a_sample_may_set_most_right_is_sampled_next(tmp_path: Path, verifier: MathVerifier) -> None:
    said = [["so 1", "so 2"] * 8, ["so 1"] * 16, ["so 2"] * 16, ["so 2", "so 3", "so 4", "so 5"] * 4]
    problems, asked = problems_of(["1"] * 4), list[str]()

    class Listening(ScriptedEngine):
        def submit(self, request: Request) -> Any:
            asked.append(request.prompt.text or "")
            return super().submit(request)

    config = config_for(str(tmp_path), n=8, stop="confident")
    engine = Listening({f"problem {i}": one for i, one in enumerate(said)}, capacity=1)
    sample_shard(problems, EvidenceStore(RunFolder(str(tmp_path)), SHARD), config, engine, verifier)
    engine.close()
    trails = follow_samples(evidence(tmp_path).filter(pl.col("index") < config.sampling.floor), problems)
    ends = [trail.after(trail.stored, config.sampling.planned) for trail in trails]
    rates = learn_rates(Observed(trail.group, end) for trail, end in zip(trails, ends, strict=True))
    rule = Confident(Rules.of(config), config.sampling, rates)
    gains = {f"problem {i}": rule.gain(end, trails[i].group) for i, end in enumerate(ends)}
    assert sorted(asked[:4]) == sorted(gains), "all get the floor first"
    assert gains[asked[4]] == max(gains.values())
