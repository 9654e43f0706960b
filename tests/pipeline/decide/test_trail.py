"""What stopping takes of stored samples, and how often all of them would have decided otherwise."""

import numpy as np
import polars as pl
import pytest

from pipeline.decide.rule import Rules
from pipeline.decide.trail import Calibration, Trail, calibrate, follow_samples, replay_confident
from schemas.config import DecideConfig, KeepConfig, SamplingConfig

SAMPLING = SamplingConfig(stop="confident", audit=0.2)
RULES = Rules(KeepConfig(), DecideConfig(), SAMPLING)


def draw_trails(problems: int, seed: int) -> list[Trail]:
    draw = np.random.default_rng(seed)
    rates = np.where(draw.random(problems) < 0.3, 0.0, draw.beta(0.7, 0.7, problems))
    hits = np.cumsum(draw.random((problems, SAMPLING.ceiling)) < rates[:, None], axis=1)
    none = (0,) * (SAMPLING.ceiling + 1)
    return [Trail(f"{number:016x}", (0, *row), none, none) for number, row in enumerate(hits.tolist())]


def cut(trail: Trail, taken: int) -> Trail:
    return Trail(trail.problem, trail.correct[: taken + 1], trail.unknown[: taken + 1], trail.votes[: taken + 1])


def test_what_is_said_of_the_errors_holds_on_the_audited_problems() -> None:
    trails = draw_trails(1500, 0)
    taken = replay_confident(trails, SAMPLING, RULES).taken
    assert np.mean(taken) < 0.6 * SAMPLING.ceiling
    stored = [cut(trail, n) for trail, n in zip(trails, taken, strict=True)]
    told = calibrate(stored, SAMPLING, RULES)
    assert told.problems + told.audited == 1500
    assert 0.16 < told.audited / 1500 < 0.24
    assert told.promised / told.audited == pytest.approx(told.expected / told.problems, abs=0.02)
    assert told.otherwise / told.audited == pytest.approx(told.promised / told.audited, abs=0.04)


def test_a_replay_of_what_was_taken_takes_the_same() -> None:
    trails = draw_trails(300, 1)
    first = replay_confident(trails, SAMPLING, RULES)
    again = replay_confident([cut(trail, n) for trail, n in zip(trails, first.taken, strict=True)], SAMPLING, RULES)
    assert (again.taken, again.rule) == (first.taken, first.rule)


def test_calibrations_of_shards_add_up() -> None:
    assert Calibration(3, 0.5, 2, 0.25, 1).add(Calibration(1, 0.25)) == Calibration(4, 0.75, 2, 0.25, 1)


def test_samples_are_followed_in_the_order_of_their_indices() -> None:
    problems = pl.DataFrame({"id": ["a", "b"], "source": ["s", "t"]})
    rows = [
        ("b", 0, "wrong", None, None),
        ("a", 2, "wrong", "7", True),
        ("a", 0, "correct", "1", False),
        ("a", 1, "unknown", None, False),
        ("c", 0, "correct", "1", False),
    ]
    schema = ["problem_id", "index", "verdict", "answer_key", "says_missing"]
    samples = pl.DataFrame(rows, schema=schema, orient="row")
    first, second = follow_samples(samples, problems)
    assert first == Trail("a", [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], ("s",), "open", [0, 1, 1, 2], [0, 0, 0, 1])
    assert second == Trail("b", [0, 0], [0, 0], [0, 0], ("t",), "unread", [0, 0], [0, 0])
    code = follow_samples(samples, problems.with_columns(domain=pl.lit("code")))
    assert [trail.doubt for trail in code] == ["none", "none"]
