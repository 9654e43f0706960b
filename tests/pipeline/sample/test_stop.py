"""Stopping early never changes a decision, and never asks for a sample in vain."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.decide.rule import Doubt, decide_counts
from pipeline.sample.stop import samples_needed
from schemas.config import DecideConfig, KeepConfig

Outcomes = tuple[str, ...]


def counts_of(outcomes: Outcomes) -> tuple[int, list[int], int, int]:
    """(correct, votes of each wrong class, no answer, unknown) of outcomes `c`, `-`, `?` and letters for classes."""
    seen = Counter(outcomes)
    wrong = [votes for outcome, votes in seen.items() if outcome not in "c-?"]
    return seen["c"], wrong, seen["-"], seen["?"]


def decide(outcomes: Outcomes, planned: int, keep: KeepConfig, rules: DecideConfig, doubt: Doubt = "none") -> str:
    correct, wrong, _, unknown = counts_of(outcomes)
    return decide_counts(correct, max(wrong, default=0), unknown, len(outcomes), planned, keep, rules, doubt)[0]


def take(outcomes: Outcomes, keep: KeepConfig, rules: DecideConfig, doubt: Doubt = "none") -> Outcomes:
    """What a sampler takes of `outcomes` that asks for as many at once as are surely needed."""
    taken = 0
    while more := samples_needed(*counts_of(outcomes[:taken]), len(outcomes), keep, rules, doubt):
        taken += more
    return outcomes[:taken]


letters = st.one_of(
    st.sampled_from("cxyz-?"), st.sampled_from("cx"), st.sampled_from("ccccx?"), st.sampled_from("xxxxc-")
)
windows = st.tuples(st.integers(0, 16), st.integers(0, 16)).map(lambda w: KeepConfig(min=min(w), max=max(w)))
rules = st.builds(
    DecideConfig,
    contradiction_share=st.sampled_from([0.3, 0.5, 0.6, 0.9]),
    max_unknown=st.integers(0, 4),
    suspect_share=st.sampled_from([0.0, 0.15, 0.5]),
)
doubts: st.SearchStrategy[Doubt] = st.sampled_from(["none", "none", "suspect", "unreadable"])


@settings(max_examples=400, deadline=None)
@given(outcomes=st.lists(letters, min_size=16, max_size=16).map(tuple), keep=windows, rules=rules, doubt=doubts)
@example(outcomes=("c",) * 16, keep=KeepConfig(), rules=DecideConfig(), doubt="none")
@example(outcomes=("x",) * 16, keep=KeepConfig(), rules=DecideConfig(), doubt="suspect")
def test_sixteen_outcomes_stopped_early_are_decided_as_all_sixteen(
    outcomes: Outcomes, keep: KeepConfig, rules: DecideConfig, doubt: Doubt
) -> None:
    taken = take(outcomes, keep, rules, doubt)
    assert decide(taken, 16, keep, rules, doubt) == decide(outcomes, 16, keep, rules, doubt)


@pytest.mark.parametrize(
    ("keep", "rules"),
    [
        (KeepConfig(), DecideConfig(max_unknown=1)),
        (KeepConfig(min=1, max=2, of=4), DecideConfig(contradiction_share=0.6, max_unknown=0)),
    ],
)
@pytest.mark.parametrize("planned", [1, 3, 5])
def test_every_short_sequence_stops_where_nothing_can_change(
    planned: int, keep: KeepConfig, rules: DecideConfig
) -> None:
    """Zero is returned exactly where all endings agree, and more only where no shorter way settles anything."""
    settled: dict[Outcomes, bool] = {}
    for taken in range(planned, -1, -1):
        for start in product("cxy-?", repeat=taken):
            endings = {decide(start + rest, planned, keep, rules) for rest in product("cxy-?", repeat=planned - taken)}
            settled[start] = len(endings) == 1
    for start in settled:
        needed = samples_needed(*counts_of(start), planned, keep, rules)
        shortest = next(
            more
            for more in range(planned - len(start) + 1)
            if any(settled[start + rest] for rest in product("cxy-?", repeat=more))
        )
        assert needed == shortest


def test_what_it_saves_on_the_default_window() -> None:
    keep, rules = KeepConfig(), DecideConfig()
    assert len(take(("c",) * 16, keep, rules)) == 13
    assert len(take(("x",) * 16, keep, rules)) == 9
    assert len(take(tuple("cxcycxcyc-------"), keep, rules)) < 12
    assert len(take(tuple("pqrstuvwpqrstuvw"), keep, rules)) == 16, "one success anywhere would keep it"
