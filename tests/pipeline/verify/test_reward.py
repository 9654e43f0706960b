"""The paper's reward, part by part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.reward import RewardParts, check_format, penalize_length, reward
from schemas.reasons import Verdict

GOOD = r"<think>let me see</think> It is \boxed{5}."


@pytest.mark.parametrize(
    "completion",
    [
        "",
        r"\boxed{5}",
        r" <think>a</think>\boxed{5}",
        r"<think>a</think>5",
        r"<think>a</think>\boxed{}",
        r"<think>a</think>\boxed{5",
        r"<think>\boxed{5}</think>5",
        r"<think>\boxed{5}",
        r"<think><think>a</think>\boxed{5}",
        r"<think>a</think></think>\boxed{5}",
        r"<think>a</think>\boxed{5}<think>b</think>",
        r"</think><think>a\boxed{5}",
    ],
)
def test_a_broken_format_is_named_and_worth_nothing(completion: str) -> None:
    checked = check_format(completion, "think")
    assert isinstance(checked, tuple)
    assert checked[1]
    assert check_format(completion, "none") is True
    for verdict in Verdict:
        parts = reward(verdict, format_ok=False, tokens=99, l_max=10, l_cache=5, language_ok=True)
        assert parts == RewardParts(0, 0, 0, 0)
        assert parts.total == 0


def test_the_format_that_the_paper_asks_for() -> None:
    assert check_format(GOOD, "think") is True


def test_parts() -> None:
    right = reward(Verdict.CORRECT, format_ok=True)
    wrong = reward(Verdict.WRONG, format_ok=True)
    assert right is not None
    assert wrong is not None
    assert (right.total, wrong.total) == (1.0, 0.1)
    best = reward(Verdict.CORRECT, format_ok=True, language_ok=True)
    assert best is not None
    assert best.total == pytest.approx(1.1)


def test_the_unknown_teaches_nothing() -> None:
    assert reward(Verdict.UNKNOWN, format_ok=True) is None


@pytest.mark.parametrize(
    ("tokens", "penalty"), [(0, 0), (800, 0), (801, -0.0005), (900, -0.05), (1000, -0.1), (10**9, -0.1)]
)
def test_length_penalty(tokens: int, penalty: float) -> None:
    assert penalize_length(tokens, l_max=1000, l_cache=200) == pytest.approx(penalty)


@given(st.integers(0, 40_000), st.integers(0, 40_000), st.integers(1, 32_000), st.integers(0, 32_000))
def test_longer_never_pays(a: int, b: int, l_max: int, l_cache: int) -> None:
    l_cache = min(l_cache, l_max)
    low, high = sorted((a, b))
    first, second = penalize_length(low, l_max, l_cache), penalize_length(high, l_max, l_cache)
    assert -0.1 <= second <= first <= 0
    assert penalize_length(l_max - l_cache, l_max, l_cache) == 0
    assert penalize_length(l_max + 1, l_max, l_cache) == -0.1


@given(st.sampled_from([Verdict.CORRECT, Verdict.WRONG]), st.integers(0, 2000), st.booleans(), st.booleans())
def test_a_right_answer_always_pays_more_than_a_wrong_one(
    verdict: Verdict, tokens: int, language: bool, limited: bool
) -> None:
    parts = reward(verdict, True, tokens, 1000 if limited else None, 100, language)
    assert parts is not None
    assert -1e-9 <= parts.total <= 1.1 + 1e-9
    assert (parts.total > 0.8 - 1e-9) == (verdict is Verdict.CORRECT)


@pytest.mark.parametrize(("tokens", "l_max", "l_cache"), [(1, 10, 11), (1, 10, -1), (-1, 10, 1)])
def test_impossible_lengths_are_refused(tokens: int, l_max: int, l_cache: int) -> None:
    with pytest.raises(ValueError, match="l_cache"):
        penalize_length(tokens, l_max, l_cache)
