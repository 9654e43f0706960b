"""Decisions from a part of the samples: the reasons of the counting rule, and unequal numbers of samples."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import (
    Confident,
    Observed,
    Rates,
    count_first,
    find_groups,
    is_audited,
    learn_rates,
)
from pipeline.decide.posterior import SPREAD, Prior
from pipeline.decide.rule import CONFIRMED, Counts, Rules, decide_full
from pipeline.decide.suspects import Doubt
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
    says_too_little = unknown > RULES.decide.max_unknown or unknown == taken
    assert "could change this" not in rule().decide(full, ())[1] or says_too_little


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
    solved = Observed(((13, 16), "easy"), Counts(8, 0, 0, 8, 32))
    failed = Observed(((0, 16), "hard"), Counts(0, 1, 0, 8, 32))
    learned = rule(observed=(solved,) * 300 + (failed,) * 300)
    start = Counts(0, 0, 0, 4, 32)
    hard, easy = (learned.ask_window(start, group)[0].yes[4, 0] for group in (((0, 16), "hard"), ((13, 16), "easy")))
    assert hard < easy / 2
    assert learned.rates.find(((0, 16), "unseen")) == learned.rates.find(((0, 16),))
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
    earlier = plain.clear().with_columns(earlier_correct=pl.lit(0), earlier_known=pl.lit(0))
    rows = [("a", "s", 0, 8), ("b", "s", 8, 16), ("c", "s", None, None), ("d", "s", 0, 0), ("e", "s", 16, 32)]
    told = pl.DataFrame(rows, schema=earlier.columns, orient="row")
    assert find_groups(told) == {
        "a": ((0, 8), "s"),
        "b": ((8, 16), "s"),
        "c": ("s",),
        "d": ("s",),
        "e": ((8, 16), "s"),
    }


def second_pass(keep: KeepConfig = KeepConfig()) -> Confident:  # noqa: B008
    """What 40 problems of each level taught: the grader has become better by one in the logit."""
    draw = np.random.default_rng(0)
    observed = [
        Observed(
            ((level, 16), "s"),
            Counts(int(draw.binomial(4, 1 / (1 + np.exp(-1.0) * (16.5 - level) / (level + 0.5)))), 0, 0, 4, 32),
        )
        for level in range(17)
        for _ in range(40)
    ]
    return Confident(Rules(keep, DecideConfig(), SAMPLING), SAMPLING, learn_rates(observed))


def test_the_second_pass_does_not_ask_for_what_the_first_leaves_in_no_doubt() -> None:
    rule, none = second_pass(), Counts(0, 0, 0, 0, 32)
    assert rule.needed(none, ((16, 16), "s")) == rule.needed(none, ((15, 16), "s")) == 0
    decision, detail = rule.decide(none, ((16, 16), "s"))
    assert decision == Reason.TOO_EASY
    assert detail.startswith("not asked: a pass rate of 0.9")
    assert rule.needed(none, ((0, 16), "s")) > 0, "one in three of them is solved now and then by a better grader"
    assert rule.decide(none, ((8, 16), "s"))[0] == Reason.UNDETERMINED
    assert rule.decide(none, ("s",)) == (Reason.UNDETERMINED, "no samples")


@pytest.mark.parametrize("level", range(17))
def test_nothing_is_kept_without_a_sample_unless_the_config_says_so(level: int) -> None:
    none = Counts(0, 0, 0, 0, 32)
    assert second_pass().choose(none, ((level, 16), "s")) != KEEP
    assert second_pass(KeepConfig(min=0)).choose(none, ((level, 16), "s")) != KEEP


def test_the_config_can_have_problems_kept_by_their_forecast() -> None:
    none, level = Counts(0, 0, 0, 0, 32), ((5, 16), "s")
    rule = second_pass(KeepConfig(forecast=True))
    assert rule.needed(none, level) == 0
    decision, detail = rule.decide(none, level)
    assert decision == KEEP
    assert detail.startswith("not asked: ")
    assert second_pass().needed(none, level) > 0
    assert rule.choose(none, ("s",)) != KEEP, "of a first pass nothing is known"


def test_some_problems_are_asked_whatever_the_first_pass_said() -> None:
    ids = [f"{number:016x}" for number in range(5_000)]
    asked = [count_first(id_, ((16, 16), "s"), SAMPLING) for id_ in ids]
    assert set(asked) == {0, SAMPLING.floor, SAMPLING.ceiling}
    assert 0.05 < asked.count(SAMPLING.floor) / len(ids) < 0.07
    assert {id_ for id_, n in zip(ids, asked, strict=True) if n == SAMPLING.ceiling} == {
        id_ for id_ in ids if is_audited(id_, SAMPLING)
    }
    assert {count_first(id_, ("s",), SAMPLING) for id_ in ids} == {SAMPLING.floor, SAMPLING.ceiling}
