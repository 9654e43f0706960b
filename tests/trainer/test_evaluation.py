"""Evaluation: pass@1 over problems, its interval, majorities, and paired change."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inference.prompts import Prompt
from pipeline.verify.problem import ProblemVerifier
from schemas.config import SandboxConfig, VerifyConfig
from tests.trainer.scripted import ScriptedSampler
from trainer.checkpoints import cut_rows, read_rows
from trainer.evaluation import Score, add_evaluation, compare, evaluate, has_evaluation, summarise
from trainer.problems import Task

TASKS = [Task(f"{n:02d}", f"what is {n}", "math", "en", Prompt(None, str(n), str(n)), str(n)) for n in range(4)]


def grade(answer: Callable[[str, int], str]) -> tuple[Score, ...]:
    with ProblemVerifier(VerifyConfig(extract="last"), SandboxConfig()) as verifier:
        return asyncio.run(evaluate(TASKS, ScriptedSampler(answer), verifier, 8, 16, 0.7))


def test_pass_rate_is_the_share_of_correct_samples() -> None:
    scores = grade(lambda text, number: text if number < 2 * int(text) else "-1")
    assert [score.pass_rate for score in scores] == [0, 0.25, 0.5, 0.75]


def test_a_majority_of_equal_wrong_answers_is_wrong_and_a_scattered_one_is_not() -> None:
    together = grade(lambda text, number: text if number < 3 else "-1")
    scattered = grade(lambda text, number: text if number < 3 else f"-{number}")
    assert not any(score.majority for score in together)
    assert all(score.majority for score in scattered)


def test_at_temperature_0_one_sample_says_all() -> None:
    sampler = ScriptedSampler(lambda text, number: text if text == "1" else "-1")
    with ProblemVerifier(VerifyConfig(extract="last"), SandboxConfig()) as verifier:
        scores = asyncio.run(evaluate(TASKS, sampler, verifier, 8, 16, 0.0))
    assert [score.pass_rate for score in scores] == [0, 1, 0, 0]
    assert sampler.most <= len(TASKS)


def test_equivalent_answers_vote_together() -> None:
    wrong = {0: "-1/2", 1: "-0.5", 2: "-2/4"}
    scores = grade(lambda text, number: wrong.get(number, text if number < 5 else f"-{number}"))
    assert not any(score.majority for score in scores)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_the_interval_holds_the_rate_and_stays_within_bounds(rates: list[float]) -> None:
    said = summarise([Score(str(n), "math", "en", rate, False) for n, rate in enumerate(rates)])
    assert 0 <= said["low"] <= said["pass_rate"] + 1e-12
    assert said["pass_rate"] - 1e-12 <= said["high"] <= 1
    assert said["by"]["math/en"]["problems"] == len(rates)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50), st.floats(-0.2, 0.2))
def test_a_change_that_is_the_same_everywhere_has_no_interval(rates: list[float], change: float) -> None:
    before = [Score(str(n), "math", "en", rate, False) for n, rate in enumerate(rates)]
    after = [Score(str(n), "math", "en", rate + change, False) for n, rate in enumerate(rates)]
    said = compare(before, after)
    assert said["change"] == pytest.approx(change, abs=1e-9)
    assert said["high"] - said["low"] == pytest.approx(0, abs=1e-6)


def test_only_problems_of_both_times_are_compared() -> None:
    before = [Score("a", "math", "en", 0.5, False), Score("b", "math", "en", 0.5, False)]
    after = [Score("b", "math", "en", 1.0, True), Score("c", "math", "en", 1.0, True)]
    assert compare(before, after)["problems"] == 1


def test_an_evaluation_behind_a_torn_line_is_read_again(tmp_path: Path) -> None:
    """A kill while a row is written leaves half of it; the next evaluation must not be glued to that."""
    log, scores = tmp_path / "evaluations.jsonl", [Score("a", "math", "en", 0.5, True)]
    first = add_evaluation(log, "before training", 0, scores)
    log.write_text(log.read_text() + log.read_text()[:40])
    second = add_evaluation(log, "after one", 3, scores)
    assert read_rows(log) == [first, second]
    assert has_evaluation(log, "after one", 3)
    assert second["since_start"]["change"] == 0


def test_evaluations_of_weights_that_a_kill_lost_are_cut_off(tmp_path: Path) -> None:
    """Those of another stage stay, and those of before the last checkpoint."""
    log, scores = tmp_path / "evaluations.jsonl", [Score("a", "math", "en", 0.5, True)]
    rows = [
        add_evaluation(log, when, version, scores, stage)
        for when, version, stage in (("step 2", 2, "one"), ("step 4", 4, "one"), ("after two", 6, "two"))
    ]
    cut_rows(log, 3, "one")
    assert read_rows(log) == [rows[0], rows[2]]
    cut_rows(log, 3)
    assert read_rows(log) == rows[:1]


def test_a_few_problems_are_compared_with_themselves_at_the_start(tmp_path: Path) -> None:
    """What is evaluated in between are some of the problems; the others do not count as a change."""
    log = tmp_path / "evaluations.jsonl"
    add_evaluation(
        log,
        "before training",
        0,
        [Score(id, "math", "en", rate, False) for id, rate in zip("ab", (0.2, 1.0), strict=True)],
    )
    row = add_evaluation(log, "one, step 2", 2, [Score("a", "math", "en", 0.5, True)], "one")
    assert row["since_start"]["change"] == pytest.approx(0.3)
