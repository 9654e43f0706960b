"""The benchmark of the second stage: what it reads off finished runs, on logs that are written here."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks.second_stage import WHEN, describe_stage, estimate, report, split_by_difficulty

PROBLEMS = [f"p{n}" for n in range(30)]


def write_run(home: Path, rates: list[list[float]]) -> None:
    """The logs of a seed of which the problems have these rates at each evaluation."""
    home.mkdir(parents=True)
    scores = [[{"id": id, "pass_rate": rate} for id, rate in zip(PROBLEMS, row, strict=True)] for row in rates]
    between = {"when": "stage-1, step 10", "scores": scores[0][:3]}
    rows = [{"when": when, "scores": row} for when, row in zip(WHEN, scores, strict=True)]
    write_rows(home / "evaluations.jsonl", [rows[0], between, *rows[1:]])
    write_rows(
        home / "log.jsonl", [make_step("stage-1", 8, 0.5), make_step("stage-1", 2, 0.0), make_step("stage-2", 4, 1)]
    )
    (home / "done").touch()


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def make_step(stage: str, groups: int, signal: float) -> dict[str, object]:
    counts = {"groups": groups, "signal": signal, "sampled_tokens": 10 * groups, "trained_tokens": 5}
    return {"stage": stage, **counts, "pass_rate": 0.5, "clipped_above": 0.1, "clipped_below": 0.0, "seconds": 60.0}


def test_only_finished_seeds_count_and_evaluations_on_few_problems_do_not(tmp_path: Path) -> None:
    draw = random.Random(0)
    for seed in (2, 10, 1):
        start = [draw.uniform(0.1, 0.5) for _ in PROBLEMS]
        write_run(tmp_path / f"seed-{seed}", [start, [rate + 0.3 for rate in start], [rate + 0.4 for rate in start]])
    (tmp_path / "seed-10" / "done").unlink()
    described = report(tmp_path)
    assert (described["seeds"], described["problems"]) == ([1, 2], len(PROBLEMS))
    for added, expected in (("stage-1 adds", 0.3), ("stage-2 adds", 0.1)):
        assert described["estimates"][added] == pytest.approx([expected] * 3), "paired, so that it is known exactly"
    low, high = described["estimates"]["before training"][1:]
    assert low < described["estimates"]["before training"][0] < high
    first = described["runs"]["seed-1"]["stages"]["stage-1"]
    assert (first["steps"], first["groups"], first["signal"], first["minutes"]) == (2, 10, 0.4, 2.0)


def test_no_finished_seed_says_nothing(tmp_path: Path) -> None:
    assert report(tmp_path)["seeds"] == []


def test_the_share_with_signal_is_over_groups_and_steps_without_sampling_have_none() -> None:
    steps = [make_step("s", 30, 0.1), make_step("s", 10, 0.5), {**make_step("s", 0, 0), "signal": None}]
    assert describe_stage(steps)["signal"] == pytest.approx(0.2)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Seeds and problems differ; of a hundred experiments few miss what was put in."""
    truth, missed = 0.05, 0
    for number in range(100):
        chance = np.random.default_rng(number)
        start = chance.uniform(0.2, 0.6, (1, 1, 40)) + chance.normal(0, 0.1, (6, 1, 40))
        added = truth + chance.normal(0, 0.02, (6, 1, 1)) + chance.normal(0, 0.1, (6, 1, 40))
        _, low, high = estimate(np.concatenate([start, start, start + added], axis=1), draws=400)["stage-2 adds"]
        missed += not low <= truth <= high
    assert missed <= 20


def test_difficulty_is_that_of_before_training_and_of_each_seed() -> None:
    rates = np.array(
        [[[0.0, 0.5, 0.4], [0.2, 0.9, 0.8], [0.4, 0.7, 0.6]], [[0.0, 0.0, 0.9], [0.1, 0.3, 1.0], [1, 1, 1]]]
    )
    expected = {
        "never solved before": [3, 0.0, 0.2, 0.8],
        "solved in less than half": [1, 0.4, 0.8, 0.6],
        "solved in half or more": [2, 0.7, 0.95, 0.85],
    }
    found = split_by_difficulty(rates)
    assert {name: pytest.approx(row) for name, row in expected.items()} == found
