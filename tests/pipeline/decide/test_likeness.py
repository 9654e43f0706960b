"""What statements say of how hard problems are."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import learn_rule
from pipeline.decide.likeness import FEWEST, LEVELS, RIDGE, UNREAD, Likeness
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
def test_a_problem_s_own_samples_say_nothing_of_its_level(
    statements: list[str], seed: int, data: st.DataObject
) -> None:
    problems = problems_of(statements)
    block = Likeness.read(problems).blocks[0]
    rates = np.random.default_rng(seed).random(problems.height)
    at = data.draw(st.integers(0, problems.height - 1))
    changed = rates.copy()
    changed[at] = 1 - rates[at]
    assert block.forecast(changed)[at] == pytest.approx(block.forecast(rates)[at], abs=1e-9)


@given(STATEMENTS, st.integers(0, 99))
@settings(max_examples=10)
def test_what_is_said_is_that_of_a_regression_on_all_others(statements: list[str], seed: int) -> None:
    block = Likeness.read(problems_of(statements)).blocks[0]
    rates = np.random.default_rng(seed).random(len(statements))
    kernel = np.linalg.inv(block.inverse) - RIDGE * np.eye(len(statements))
    said = block.forecast(rates)
    for at in (0, len(statements) // 2, len(statements) - 1):
        rest = np.arange(len(statements)) != at
        # Ridge with a free mean: the kernel's system, bordered.
        system = np.zeros((rest.sum() + 1, rest.sum() + 1))
        system[:-1, :-1] = kernel[np.ix_(rest, rest)] + RIDGE * np.eye(rest.sum())
        system[-1, :-1] = system[:-1, -1] = 1
        *weights, mean = np.linalg.solve(system, [*rates[rest], 0.0])
        assert said[at] == pytest.approx(mean + kernel[at, rest] @ np.array(weights), abs=1e-6)


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
