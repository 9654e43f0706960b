"""Decisions from a part of the samples: the reasons of the counting rule, and unequal numbers of samples."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import Confident, Observed, Rates, find_groups, is_audited, learn_rates
from pipeline.decide.posterior import SPREAD, Prior
from pipeline.decide.rule import CONFIRMED, Counts, Doubt, Rules, decide_full
from schemas.config import DecideConfig, KeepConfig, SamplingConfig
from schemas.reasons import KEEP, Reason

SAMPLING = SamplingConfig(stop="confident")
RULES = Rules(KeepConfig(), DecideConfig(), SAMPLING)


def rule(rules: Rules = RULES, observed: tuple[Observed, ...] = ()) -> Confident:
    return Confident(rules, SAMPLING, learn_rates(observed))


@pytest.mark.parametrize("doubt", ["none", "suspect"])
def test_all_samples_decide_as_counting_does(doubt: Doubt) -> None:
    for correct in range(17):
        counts = Counts(correct, 1 if correct < 16 else 0, 0, 16, 16, doubt)
        assert rule().choose(counts, ()) == decide_full(counts, RULES), counts


def test_every_reason_is_given_from_a_part_of_the_samples() -> None:
    def decide(correct: int, votes: int, taken: int, doubt: Doubt = "none", unknown: int = 0) -> str:
        return rule().decide(Counts(correct, votes, unknown, taken, 32, doubt), ())[0]

    assert decide(4, 1, 8) == KEEP
    assert decide(12, 0, 12) == Reason.TOO_EASY
    assert decide(0, 1, 24) == Reason.NEVER_SOLVED
    assert decide(0, 16, 16) == Reason.LABEL_CONTRADICTED
    assert decide(0, 1, 12, "suspect") == CONFIRMED
    assert decide(0, 0, 0) == Reason.UNDETERMINED
    assert decide(9, 1, 12) == Reason.UNDETERMINED, "three in four of twelve may be either side of the window's end"


def test_a_problem_that_lacks_samples_says_so() -> None:
    decision, detail = rule().decide(Counts(9, 1, 0, 12, 32), ())
    assert decision == Reason.UNDETERMINED
    assert "9 of 12 correct; " in detail
    assert "or more samples could change this" in detail


def test_another_window_needs_more_samples_of_other_problems() -> None:
    few = Counts(4, 1, 0, 8, 32)
    assert rule().decide(few, ())[0] == KEEP
    narrow = Rules(KeepConfig(max=8), DecideConfig(), SAMPLING)
    assert rule(narrow).decide(few, ())[0] == Reason.UNDETERMINED


counts = st.tuples(st.integers(0, 32), st.integers(0, 32), st.integers(0, 6), st.integers(0, 32)).filter(
    lambda c: c[0] + c[1] + c[2] <= c[3]
)


@given(counts, st.sampled_from(["none", "suspect", "unreadable"]))
@settings(max_examples=100, deadline=None)
def test_nothing_is_missing_at_the_ceiling_and_probabilities_are_some(
    numbers: tuple[int, int, int, int], doubt: Doubt
) -> None:
    correct, votes, unknown, taken = numbers
    counts = Counts(correct, votes, unknown, taken, 32, doubt)
    assert 0 <= rule().needed(counts, ()) <= counts.missing
    assert -1e-9 <= rule().otherwise(counts, ()) <= 1 + 1e-9
    full = counts._replace(planned=taken)
    assert rule().needed(full, ()) == 0
    assert "could change this" not in rule().decide(full, ())[1] or unknown > RULES.decide.max_unknown or not taken


@given(st.integers(0, 32), st.lists(st.floats(0.001, 1), min_size=102, max_size=102))
@settings(max_examples=30, deadline=None)
def test_nothing_is_kept_that_was_never_solved(taken: int, weights: list[float]) -> None:
    """Whatever the rates of the run are: there is nothing to reinforce."""
    learned = Confident(RULES, SAMPLING, Rates({(): Prior.of(np.array(weights))}, SPREAD))
    assert learned.choose(Counts(0, 0, 0, taken, 32), ()) != KEEP
    everything = Confident(Rules(KeepConfig(min=0), DecideConfig(), SAMPLING), SAMPLING, learned.rates)
    assert everything.choose(Counts(0, 0, 0, 32, 32), ()) == KEEP


def test_unknown_samples_that_matter_leave_a_problem_open() -> None:
    assert rule().choose(Counts(0, 0, 8, 16, 16), ()) == Reason.UNDETERMINED
    assert rule().choose(Counts(0, 0, 2, 16, 16), ()) == Reason.NEVER_SOLVED
    assert rule().choose(Counts(15, 0, 1, 16, 16), ()) == Reason.TOO_EASY


def test_the_rates_of_a_source_and_of_an_earlier_pass_tell_its_problems_apart() -> None:
    solved = Observed(("5", "easy"), Counts(8, 0, 0, 8, 32))
    failed = Observed(("none", "hard"), Counts(0, 1, 0, 8, 32))
    learned = rule(observed=(solved,) * 300 + (failed,) * 300)
    start = Counts(0, 0, 0, 4, 32)
    hard, easy = (learned.ask_window(start, group)[0].yes[4, 0] for group in (("none", "hard"), ("5", "easy")))
    assert hard < easy / 2
    assert learned.rates.find(("none", "unseen")) == learned.rates.find(("none",))
    assert learned.rates.find(("unseen",)) == learned.rates.find(())


def test_the_audited_problems_are_a_fixed_share() -> None:
    ids = [f"{number:016x}" for number in range(20_000)]
    audited = {id_ for id_ in ids if is_audited(id_, SAMPLING)}
    assert 0.016 < len(audited) / len(ids) < 0.024
    assert audited == {id_ for id_ in reversed(ids) if is_audited(id_, SAMPLING)}
    other = SAMPLING.model_copy(update={"audit_seed": 1})
    assert len(audited & {id_ for id_ in ids if is_audited(id_, other)}) < len(audited) / 4
    assert not any(is_audited(id_, SAMPLING.model_copy(update={"audit": 0.0})) for id_ in ids)


def test_groups_are_of_the_earlier_rate_and_the_source() -> None:
    plain = pl.DataFrame({"id": ["a"], "source": ["s"]})
    assert find_groups(plain) == {"a": ("s",)}
    earlier = pl.DataFrame({"id": ["a", "b", "c"], "source": ["s"] * 3, "earlier": [0.0, 0.5, None]})
    assert find_groups(earlier) == {"a": ("none", "s"), "b": ("3", "s"), "c": ("s",)}
