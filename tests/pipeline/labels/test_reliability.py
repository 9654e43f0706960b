"""Coins are learned from the votes alone, and posteriors are probabilities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.labels.reliability import ABILITY_PRIOR, SHARED, Coins, Votes, learn_coins, start_coins, weigh_votes


@st.composite
def draw_votes(draw: st.DrawFn) -> tuple[Votes, int]:
    """Votes of up to four witnesses, of which the first is a label, over up to six problems."""
    witnesses = draw(st.integers(1, 4))
    problem, candidate, witness = [], [], []
    for number in range(draw(st.integers(1, 6))):
        choices = draw(st.lists(st.integers(0, 3), min_size=witnesses, max_size=witnesses))
        places: dict[int, int] = {}
        for who, choice in enumerate(choices):
            if choice not in places:
                places[choice] = len(problem)
                problem.append(number)
            candidate.append(places[choice])
            witness.append(who)
    weight = draw(st.lists(st.floats(0, 4), min_size=len(witness), max_size=len(witness)))
    return Votes(np.array(problem), np.array(candidate), np.array(witness), np.array(weight)), witnesses


def describe(witnesses: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(witnesses) > 0, np.tile([18.0, 2.0], (witnesses, 1))


@given(draw_votes())
@settings(max_examples=60)
def test_posteriors_are_probabilities_and_the_order_of_votes_is_nothing(drawn: tuple[Votes, int]) -> None:
    votes, witnesses = drawn
    coins = learn_coins(votes, *describe(witnesses))
    answer = weigh_votes(votes, coins).answer
    assert ((answer >= 0) & (answer <= 1 + 1e-9)).all()
    assert (np.add.reduceat(answer, votes.starts) <= 1 + 1e-9).all()
    assert np.isclose(coins.levels.sum(), 1)
    turned = slice(None, None, -1)
    mixed = Votes(votes.problem, votes.candidate[turned], votes.witness[turned], votes.weight[turned])
    assert np.allclose(weigh_votes(mixed, coins).answer, answer)


@given(draw_votes())
@settings(max_examples=60)
def test_a_problem_is_weighed_as_it_would_be_alone(drawn: tuple[Votes, int]) -> None:
    votes, witnesses = drawn
    coins = start_coins(*describe(witnesses))
    together = weigh_votes(votes, coins).answer
    for number in np.unique(votes.problem):
        rows = np.flatnonzero(votes.problem == number)
        mine = np.isin(votes.candidate, rows)
        alone = Votes(votes.problem[rows], votes.candidate[mine] - rows[0], votes.witness[mine], votes.weight[mine])
        assert np.allclose(weigh_votes(alone, coins).answer, together[rows])


def make_run(seed: int, chances: list[float], problems: int = 3000) -> Votes:
    """Each witness is right by its chance, and else gives one of 20 wrong answers."""
    rng = np.random.default_rng(seed)
    problem, candidate, witness = [], [], []
    for number in range(problems):
        places: dict[int, int] = {}
        for who, chance in enumerate(chances):
            answer = 0 if rng.random() < chance else int(rng.integers(1, 20))
            if answer not in places:
                places[answer] = len(problem)
                problem.append(number)
            candidate.append(places[answer])
            witness.append(who)
    return Votes(np.array(problem), np.array(candidate), np.array(witness), np.ones(len(witness)))


def test_coins_come_out_as_they_were_tossed() -> None:
    chances = [0.9, 0.8, 0.6, 0.3]
    coins = learn_coins(make_run(0, chances), *describe(4))
    assert np.allclose(coins.overall(), chances, atol=0.06)


def test_a_grader_without_votes_keeps_its_prior() -> None:
    votes = make_run(1, [0.9, 0.7], problems=50)
    coins = learn_coins(votes, *describe(3))
    assert np.isclose(coins.ability[2], ABILITY_PRIOR[0])


def test_what_a_stronger_witness_says_weighs_more() -> None:
    votes = Votes(np.array([0, 0]), np.array([0, 1]), np.array([0, 1]), np.ones(2))
    graded, right = np.array([True, True]), np.array([0.5, 0.5])
    coins = Coins(graded, np.array([0.0, 2.0]), right, np.full(4, 0.25), np.full(2, SHARED))
    weaker, stronger = weigh_votes(votes, coins).answer
    assert stronger > weaker
