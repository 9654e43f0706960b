"""What statements say of how hard problems are."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import learn_rule
from pipeline.decide.likeness import FEWEST, FOLDS, LEVELS, RIDGE, UNREAD, Likeness
from pipeline.decide.rule import Counts, Rules
from schemas.config import DecideConfig, KeepConfig, SamplingConfig

WORDS = ["sum", "of", "angles", "prove", "integral", "apples", "buys", "modulo", "prime", "$x^2$", "三角形", "\\frac"]
STATEMENTS = st.lists(
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), min_size=2 * FEWEST, max_size=2 * FEWEST + 30
)


def problems_of(statements: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{at:04d}" for at in range(len(statements))], "statement": statements})


def draw_seen(problems: pl.DataFrame, seed: int) -> dict[str, tuple[int, int]]:
    draw = np.random.default_rng(seed)
    trials = draw.integers(0, 5, problems.height)
    return {id_: (int(draw.integers(0, n + 1)), int(n)) for id_, n in zip(problems["id"], trials, strict=True)}


@given(STATEMENTS, st.integers(0, 99), st.data())
@settings(max_examples=25)
def test_no_sample_of_a_problem_or_of_its_fold_says_anything_of_its_level(
    statements: list[str], seed: int, data: st.DataObject
) -> None:
    problems = problems_of(statements)
    likeness, seen = Likeness.read(problems), draw_seen(problems, seed)
    assume(any(trials for _, trials in seen.values()))
    own = list(problems["id"])[data.draw(st.integers(0, FOLDS - 1)) :: FOLDS]
    other = seen | {id_: (data.draw(st.integers(0, 4)), 4) for id_ in own}
    assume(any(trials for id_, (_, trials) in seen.items() if id_ not in own))
    levels, changed = likeness.find_levels(seen), likeness.find_levels(other)
    assert {id_: levels[id_] for id_ in own} == {id_: changed[id_] for id_ in own}


@given(st.integers(0, 99))
@settings(max_examples=10)
def test_words_that_say_nothing_tell_no_problems_apart(seed: int) -> None:
    problems = problems_of([f"problem {at}" for at in range(4 * FEWEST)])
    assert set(Likeness.read(problems).find_levels(draw_seen(problems, seed)).values()) == {0}


@given(STATEMENTS, st.integers(0, 99))
@settings(max_examples=10)
def test_what_is_said_is_that_of_a_regression_on_the_other_folds(statements: list[str], seed: int) -> None:
    block = Likeness.read(problems_of(statements)).blocks[0]
    rates = np.random.default_rng(seed).random(len(statements))
    kernel = np.linalg.inv(block.inverse) - RIDGE * np.eye(len(statements))
    for fold in range(FOLDS):
        out = np.arange(len(statements)) % FOLDS == fold
        mean = rates[~out].mean()
        weights = np.linalg.solve(kernel[np.ix_(~out, ~out)] + RIDGE * np.eye((~out).sum()), rates[~out] - mean)
        expected = mean + kernel[np.ix_(out, ~out)] @ weights
        assert block.forecast(rates, slice(fold, None, FOLDS)) == pytest.approx(expected, abs=1e-6)


@given(STATEMENTS, st.integers(0, 99))
@settings(max_examples=10)
def test_levels_do_not_depend_on_the_order_of_problems(statements: list[str], seed: int) -> None:
    problems = problems_of(statements)
    seen = draw_seen(problems, seed)
    levels = Likeness.read(problems).find_levels(seen)
    assert Likeness.read(problems.sample(fraction=1, shuffle=True, seed=seed)).find_levels(seen) == levels
    assert set(levels.values()) <= set(range(LEVELS))


def test_words_that_hard_problems_share_are_found() -> None:
    """Of 400 problems half speak of integrals; four samples each are right in one of ten, or in nine of ten."""
    draw = np.random.default_rng(0)
    hard = np.arange(400) % 2 == 0
    fill = [" ".join(draw.choice(["the", "value", "of", "find", "all", "real", "given"], 6)) for _ in range(400)]
    problems = problems_of(
        [f"{text} {'integral' if is_hard else 'apples'}" for text, is_hard in zip(fill, hard, strict=True)]
    )
    hits = draw.binomial(4, np.where(hard, 0.1, 0.9)).tolist()
    levels = Likeness.read(problems).find_levels({id_: (n, 4) for id_, n in zip(problems["id"], hits, strict=True)})
    found = np.array([levels[id_] for id_ in problems["id"]])
    assert max(levels.values()) == LEVELS - 1
    assert (found[hard] < LEVELS / 2).mean() > 0.95
    assert (found[~hard] >= LEVELS / 2).mean() > 0.95


def test_problems_without_statements_or_too_few_of_them_are_not_told_apart() -> None:
    few = problems_of(["one"] * (2 * FEWEST - 1))
    assert Likeness.read(few) == Likeness.read(few.drop("statement")) == UNREAD
    assert UNREAD.find_levels({"0000": (1, 4)}) == {}
    many = problems_of(["one"] * 2 * FEWEST)
    assert Likeness.read(many).find_levels({}) == {}, "no sample says anything"


def test_an_earlier_grader_says_more_than_a_statement() -> None:
    problems = problems_of([f"problem {at % 7}" for at in range(3 * FEWEST)])
    groups = {id_: (((8, 16), "s") if at % 2 else ("s",)) for at, id_ in enumerate(problems["id"])}
    counts = {id_: Counts(at % 4, 0, 0, 4, 16) for at, id_ in enumerate(problems["id"])}
    sampling = SamplingConfig(stop="confident")
    told = learn_rule(
        Rules(KeepConfig(), DecideConfig(), sampling), sampling, groups, counts, Likeness.read(problems)
    ).groups
    assert all(told[id_] == group for id_, group in groups.items() if len(group) == 2)
    assert {told[id_][:-1] for id_, group in groups.items() if len(group) == 1} == {("s",)}
