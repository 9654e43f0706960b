"""The comparison of training runs behind docs/training.md, on curves of which the answer is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training_curves import AXES, Run, compare_runs, draw_picture, read_run

PROBLEMS = tuple("abcdefghij")


def draw_run(arm: str, seed: int, speed: float, tokens: float = 1000.0, noise: float = 0.0) -> Run:
    """A run whose pass rate rises by `speed` in 1,000 tokens, from 0.2, the same on every problem."""
    draw = np.random.default_rng(seed)
    at = np.linspace(0, tokens, 5)
    rates = (0.2 + speed * at / 1000)[:, None] + noise * draw.standard_normal((5, len(PROBLEMS)))
    return Run(arm, seed, dict.fromkeys(AXES, at), PROBLEMS, rates)


def test_twice_as_fast_is_there_after_half_of_the_tokens() -> None:
    runs = [draw_run(arm, seed, speed) for arm, speed in (("fast", 0.4), ("slow", 0.2)) for seed in range(3)]
    report = compare_runs(runs, "sampled", "slow", draws=50)
    fast, slow = report["arms"]["fast"], report["arms"]["slow"]
    assert fast["end"] == pytest.approx([0.6] * 3)
    assert fast["ahead"] == pytest.approx([0.2] * 3)
    assert fast["share"][0] == pytest.approx(0.5, abs=0.02)
    assert (slow["share"][0], slow["ahead"][0]) == (1.0, 0.0)


def test_runs_are_compared_over_the_tokens_that_all_of_them_have() -> None:
    runs = [draw_run("long", 0, 0.2, tokens=4000), draw_run("short", 0, 0.2)]
    report = compare_runs(runs, "trained", "short", draws=10)
    assert report["tokens"] == 1000
    assert report["arms"]["long"]["ahead"][0] == pytest.approx(0)


def test_an_arm_that_never_gets_there_has_all_of_the_tokens() -> None:
    runs = [draw_run("fast", 0, 0.4), draw_run("slow", 0, 0.2)]
    assert compare_runs(runs, "sampled", "fast", draws=10)["arms"]["slow"]["share"][0] == 1.0


def test_intervals_hold_what_noise_makes_of_equal_arms() -> None:
    runs = [draw_run(arm, seed + 10 * (arm == "b"), 0.2, noise=0.1) for arm in "ab" for seed in range(4)]
    _, low, high = compare_runs(runs, "sampled", "a", draws=400)["arms"]["b"]["ahead"]
    assert low < 0 < high
    assert high - low < 0.2


def test_a_run_is_read_from_its_logs(tmp_path: Path) -> None:
    """Tokens add up to the version of each evaluation; a problem that an evaluation could not judge is left out."""
    steps = [{"version": n, "sampled_tokens": 100, "trained_tokens": 60} for n in (1, 2, 3)]
    scores = [{"id": "a", "pass_rate": 0.5}, {"id": "b", "pass_rate": 0.25}]
    rows = [{"version": 0, "scores": scores}, {"version": 2, "scores": scores[:1]}, {"version": 3, "scores": scores}]
    for name, lines in (("log.jsonl", steps), ("evaluations.jsonl", rows)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(tmp_path, "curated", 0)
    assert run.tokens["sampled"].tolist() == [0, 200, 300]
    assert run.tokens["trained"].tolist() == [0, 120, 180]
    assert run.problems == ("a",)
    assert run.rates.tolist() == [[0.5]] * 3


def test_the_picture_has_a_line_for_each_arm(tmp_path: Path) -> None:
    runs = [draw_run("fast", 0, 0.4), draw_run("slow", 0, 0.2)]
    reports = [compare_runs(runs, axis, "slow", draws=10) for axis in AXES]
    draw_picture(reports, tmp_path / "picture.svg")
    text = (tmp_path / "picture.svg").read_text()
    assert text.count('id="axes_') == len(AXES)
