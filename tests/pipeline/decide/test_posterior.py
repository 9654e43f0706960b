"""What samples say of a rate is Bayes' rule, and when to stop is the best that there is: compared with brute force."""

from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.posterior import GRID, SPREAD, Answers, Prior, Question, answer, forecast_rate, learn_prior

weights = st.lists(st.floats(0.001, 1), min_size=len(GRID), max_size=len(GRID)).map(lambda w: Prior.of(np.array(w)))
questions = st.builds(
    Question,
    low=st.sampled_from([-1.0, 0.03, 0.3]),
    high=st.sampled_from([0.5, 0.78, 1.0]),
    ceiling=st.integers(0, 7),
    price=st.sampled_from([0.0005, 0.005, 0.03]),
    missed=st.sampled_from([1.0, 1.5, 3.0]),
    blind=st.booleans(),
)


def reach(n: int, hits: int) -> np.ndarray:
    """The probability of so many hits in one order, at every rate."""
    return GRID**hits * (1 - GRID) ** (n - hits)


def ask(prior: Prior, question: Question, n: int, hits: int) -> float:
    """The probability that the rate lies inside, by Bayes' rule as it is written."""
    joint = prior.weights * reach(n, hits)
    return float(joint[(question.low < GRID) & (question.high >= GRID)].sum() / joint.sum())


def say(inside: float, question: Question, n: int, hits: int) -> bool:
    allowed = (hits > 0 or question.low < 0) if n else question.blind
    return question.missed * inside >= 1 - inside and allowed


def cost(inside: float, question: Question, n: int, hits: int) -> float:
    """What the better answer costs here."""
    return 1 - inside if say(inside, question, n, hits) else question.missed * inside


def cheapest(prior: Prior, question: Question, n: int, hits: int) -> float:
    """The least price to be expected from here on, over all ways to go on."""
    inside = ask(prior, question, n, hits)
    stop = cost(inside, question, n, hits)
    if n == question.ceiling:
        return stop
    here = (prior.weights * reach(n, hits)).sum()
    hit = float((prior.weights * reach(n + 1, hits + 1)).sum() / here)
    ways = cheapest(prior, question, n + 1, hits + 1), cheapest(prior, question, n + 1, hits)
    return min(stop, question.price + hit * ways[0] + (1 - hit) * ways[1])


def states(question: Question) -> list[tuple[int, int]]:
    return [(n, hits) for n in range(question.ceiling + 1) for hits in range(n + 1)]


@given(weights, questions)
@settings(max_examples=30, deadline=None)
def test_answers_are_those_of_brute_force(prior: Prior, question: Question) -> None:
    told = answer(prior, question)
    for n, hits in states(question):
        inside = ask(prior, question, n, hits)
        assert told.yes[n, hits] == pytest.approx(inside, abs=1e-9)
        saved = cost(inside, question, n, hits) - cheapest(prior, question, n, hits)
        assert max(told.gain[n, hits], 0) == pytest.approx(saved, abs=1e-9)


@given(weights, questions)
@settings(max_examples=30, deadline=None)
def test_no_fewer_samples_than_needed_can_be_enough(prior: Prior, question: Question) -> None:
    told = answer(prior, question)

    def enough(n: int, hits: int) -> bool:
        return bool(n == question.ceiling or told.gain[n, hits] <= 0)

    for n, hits in states(question):
        more = int(told.needed[n, hits])
        assert any(enough(n + more, hits + up) for up in range(more + 1))
        assert not any(enough(n + fewer, hits + up) for fewer in range(more) for up in range(fewer + 1))


@given(weights, questions)
@settings(max_examples=30, deadline=None)
def test_what_all_samples_would_say_is_their_mean(prior: Prior, question: Question) -> None:
    told: Answers = answer(prior, question)
    top = question.ceiling
    for n, hits in states(question):
        joint = prior.weights * reach(n, hits)
        later = [
            comb(top - n, up) * float((joint * reach(top - n, up)).sum() / joint.sum()) for up in range(top - n + 1)
        ]
        yes = sum(
            share for up, share in enumerate(later) if say(float(told.yes[top, hits + up]), question, top, hits + up)
        )
        assert told.full[n, hits] == pytest.approx(yes, abs=1e-9)


def test_the_rates_of_many_problems_are_learned_from_a_few_samples_each() -> None:
    """A third never solved, a third at one in two, a third always: four samples each say so."""
    draw = np.random.default_rng(0)
    rates = draw.choice([0.0, 0.5, 1.0], 6000)
    counts = Counter((int(hits), 4) for hits in draw.binomial(4, rates))
    learned = learn_prior(counts).weights
    assert learned[GRID < 0.03].sum() == pytest.approx(1 / 3, abs=0.04)
    assert learned[(GRID > 0.3) & (GRID < 0.7)].sum() == pytest.approx(1 / 3, abs=0.05)
    assert learned[GRID > 0.97].sum() == pytest.approx(1 / 3, abs=0.04)


def test_which_samples_were_taken_in_view_of_those_before_does_not_bias_what_is_learned() -> None:
    """Problems that stop at their first hit have few samples each, and the same rates."""
    draw = np.random.default_rng(1)
    rates = draw.choice([0.0, 0.3], 6000)
    first = np.minimum(draw.geometric(np.where(rates > 0, 0.3, 1e-9)), 33)
    counts = Counter((int(n < 33), int(min(n, 32))) for n in first)
    learned = learn_prior(counts).weights
    assert learned[GRID < 0.05].sum() == pytest.approx(0.5, abs=0.04)
    assert (learned * GRID).sum() == pytest.approx(0.15, abs=0.02)


def test_few_problems_leave_what_was_believed_before() -> None:
    assert learn_prior({}) == SPREAD
    assert learn_prior({(0, 0): 50}) == SPREAD
    one = learn_prior({(0, 4): 1}).weights
    assert abs(one - SPREAD.weights).sum() < 0.1


@given(weights, st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_a_forecast_is_the_mean_of_the_posterior_with_nine_tenths_of_it_in_its_interval(
    prior: Prior, hits: int, misses: int
) -> None:
    joint = prior.weights * reach(hits + misses, hits)
    posterior = joint / joint.sum()
    rate, low, high = forecast_rate(prior, hits, hits + misses)
    assert rate == pytest.approx((posterior * GRID).sum(), abs=1e-9)
    assert low <= rate <= high
    assert posterior[(low <= GRID) & (high >= GRID)].sum() >= 0.9 - 1e-9
    assert posterior[low > GRID].sum() <= 0.05 + 1e-9
    assert posterior[high < GRID].sum() <= 0.05 + 1e-9
