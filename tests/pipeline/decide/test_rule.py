"""The decision over one problem's counts: every rule by example, and every enumeration against brute force."""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.decide.rule import Counts, Rules, decide_counts, possible, settle
from schemas.config import DecideConfig, KeepConfig

KEEP = KeepConfig()
RULES = Rules(KEEP, DecideConfig(contradiction_share=0.5, max_unknown=2))


@pytest.mark.parametrize(
    ("correct", "votes", "unknown", "expected"),
    [
        (0, 0, 0, "never_solved"),
        (0, 8, 0, "never_solved"),
        (0, 9, 0, "label_contradicted"),
        (7, 9, 0, "label_contradicted"),
        (1, 8, 0, "keep"),
        (1, 1, 0, "keep"),
        (12, 4, 0, "keep"),
        (13, 3, 0, "too_easy"),
        (16, 0, 0, "too_easy"),
        # Unknown samples leave the window's n: 12 of 15 is above three in four, 10 of 14 is below.
        (12, 0, 1, "too_easy"),
        (10, 0, 2, "keep"),
        (0, 0, 2, "never_solved"),
        # More than two are open: 13 correct of 16 are too easy whatever the other three are, 10 and 0 are not decided.
        (13, 0, 3, "too_easy"),
        (10, 0, 3, "undetermined"),
        (9, 1, 3, "keep"),
        (0, 1, 3, "undetermined"),
        (0, 13, 3, "label_contradicted"),
        (0, 0, 16, "undetermined"),
    ],
)
def test_sixteen_samples_with_the_default_window(correct: int, votes: int, unknown: int, expected: str) -> None:
    assert decide_counts(Counts(correct, votes, unknown, 16, 16), RULES)[0] == expected


@pytest.mark.parametrize(("n", "kept"), [(16, range(1, 13)), (8, range(1, 7)), (4, range(1, 4)), (32, range(2, 25))])
def test_the_window_scales_with_the_samples(n: int, kept: range) -> None:
    found = [c for c in range(n + 1) if decide_counts(Counts(c, 0, 0, n, n), RULES)[0] == "keep"]
    assert found == list(kept)


def test_a_higher_window_says_which_end_was_missed() -> None:
    higher = Rules(KeepConfig(min=4, max=8), RULES.decide)
    assert decide_counts(Counts(3, 0, 0, 16, 16), higher) == ("never_solved", "3 of 16 correct, fewer than 4 in 16")
    assert decide_counts(Counts(9, 0, 0, 16, 16), higher) == ("too_easy", "9 of 16 correct, more than 8 in 16")


def test_evidence_that_stopped_early_decides_only_what_is_settled() -> None:
    assert decide_counts(Counts(5, 1, 0, 9, 16), RULES) == (
        "keep",
        "5 of 9 correct; the other 7 of 16 cannot change it",
    )
    narrower = Rules(KeepConfig(max=10), RULES.decide)
    assert decide_counts(Counts(5, 1, 0, 9, 16), narrower) == (
        "undetermined",
        "5 of 9 correct; 7 more samples could change this",
    )
    assert decide_counts(Counts(0, 0, 0, 0, 16), RULES) == ("undetermined", "no samples")


def test_the_share_is_compared_exactly() -> None:
    """0.55 * 20 is 11.000000000000002 in floats; 12 of 20 are more than 55%, 11 are not."""
    rules = Rules(KEEP, DecideConfig(contradiction_share=0.55))
    assert decide_counts(Counts(1, 11, 0, 20, 20), rules)[0] == "never_solved"
    assert decide_counts(Counts(2, 11, 0, 20, 20), rules)[0] == "keep"
    assert decide_counts(Counts(2, 12, 0, 20, 20), rules)[0] == "label_contradicted"
    seven_tenths = Rules(KEEP, DecideConfig(contradiction_share=0.7))
    assert decide_counts(Counts(2, 7, 0, 10, 10), seven_tenths)[0] == "keep"


def plain_decision(outcomes: tuple[str, ...], keep: KeepConfig, decide: DecideConfig) -> str:
    """The decision of a full set, the long way: outcomes are `c`, `-` (no answer), `?` or a class of wrong answers."""
    wrong = [o for o in outcomes if o not in "c-?"]
    correct, votes, unknown = outcomes.count("c"), max(map(wrong.count, wrong), default=0), outcomes.count("?")
    n = len(outcomes)
    if unknown > decide.max_unknown or unknown == n:
        at = outcomes.index("?")
        rest = DecideConfig(**dict(decide) | {"max_unknown": 0})
        found = {plain_decision((*outcomes[:at], o, *outcomes[at + 1 :]), keep, rest) for o in ("c", "-", "x", "y")}
        return found.pop() if len(found) == 1 else "undetermined"
    rate = correct / (n - unknown)
    if rate > keep.max / keep.of:
        return "too_easy"
    if votes / n > decide.contradiction_share and votes > correct:
        return "label_contradicted"
    return "never_solved" if rate < keep.min / keep.of else "keep"


CONFIGS = [
    (KeepConfig(), DecideConfig(max_unknown=1)),
    (KeepConfig(min=2, max=2, of=4), DecideConfig(contradiction_share=0.25, max_unknown=0)),
    (KeepConfig(min=0, max=4, of=4), DecideConfig(contradiction_share=0.75)),
]


@pytest.mark.parametrize(("keep", "decide"), CONFIGS)
@pytest.mark.parametrize("planned", [1, 2, 3, 4])
def test_possible_decisions_are_those_of_every_ending(planned: int, keep: KeepConfig, decide: DecideConfig) -> None:
    """Every state of up to four samples against every sequence of outcomes that completes it."""
    for taken in range(planned + 1):
        for start in product("cxy-?", repeat=taken):
            endings = {plain_decision(start + rest, keep, decide) for rest in product("cxy-?", repeat=planned - taken)}
            votes = max(start.count("x"), start.count("y"))
            counts = Counts(start.count("c"), votes, start.count("?"), taken, planned)
            assert possible(counts, Rules(keep, decide)) == endings
            assert settle(counts, Rules(keep, decide)) == (endings.pop() if len(endings) == 1 else None)


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.integers(1, 20).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n), st.integers(0, n))
    ),
    low=st.integers(0, 16),
    width=st.integers(0, 16),
    share=st.sampled_from([0.3, 0.5, 0.6, 0.9]),
    extra=st.integers(0, 6),
)
def test_any_counts_are_decided_as_one_of_the_possible(
    drawn: tuple[int, int, int, int], low: int, width: int, share: float, extra: int
) -> None:
    n, correct, votes, unknown = drawn
    assume(correct + votes + unknown <= n)
    keep = KeepConfig(min=low, max=min(16, low + width))
    counts, rules = Counts(correct, votes, unknown, n, n + extra), Rules(keep, DecideConfig(contradiction_share=share))
    decision, detail = decide_counts(counts, rules)
    found = possible(counts, rules)
    assert decision == (next(iter(found)) if len(found) == 1 else "undetermined")
    told = (
        f"{votes} of {n} agree on another answer"
        if decision == "label_contradicted"
        else f"{correct} of {n - unknown} correct"
    )
    assert detail.startswith(told)
