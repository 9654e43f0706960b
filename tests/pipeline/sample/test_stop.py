"""Stopping early never changes a decision, and never asks for a sample in vain."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.decide.rule import Counts, Rules, decide_counts
from pipeline.decide.suspects import Doubt
from pipeline.sample.stop import samples_needed
from schemas.config import DecideConfig, KeepConfig

Outcomes = tuple[str, ...]


def count(outcomes: Outcomes, planned: int, doubt: Doubt = "none") -> Counts:
    """The counts of outcomes `c`, `-` (no answer), `?` and others for classes of wrong answers; a `!` behind one says
    that something is missing.
    """
    seen = Counter(outcome[0] for outcome in outcomes)
    votes = max((times for outcome, times in seen.items() if outcome not in "c-?"), default=0)
    answers = len(outcomes) - seen["-"] - seen["?"]
    lacking = 0 if doubt == "unread" else sum(outcome.endswith("!") for outcome in outcomes)
    return Counts(seen["c"], votes, seen["?"], len(outcomes), planned, doubt, answers, lacking)


def take(outcomes: Outcomes, rules: Rules, doubt: Doubt = "none") -> Outcomes:
    """What a sampler takes of `outcomes` that asks for as many at once as are surely needed."""
    taken = 0
    while more := samples_needed(count(outcomes[:taken], len(outcomes), doubt), rules):
        taken += more
    return outcomes[:taken]


APART = "0123456789abdefg"
letters = st.one_of(
    st.sampled_from("cxyz-?"), st.sampled_from("cx"), st.sampled_from("ccccx?"), st.sampled_from("xxxxc-")
)
plain = st.lists(letters, min_size=16, max_size=16)
apart = st.lists(st.sampled_from([*APART, "c", "-", "?"]), min_size=16, max_size=16)
doubted = st.tuples(st.one_of(plain, apart), st.lists(st.sampled_from(["", "", "", "!"]), min_size=16, max_size=16))
sequences = st.one_of(
    plain,
    apart,
    st.permutations([*APART[:11], "c", "-", "-", "?", "?"]),
    doubted.map(lambda drawn: [outcome + said for outcome, said in zip(*drawn, strict=True)]),
).map(tuple)
windows = st.tuples(st.integers(0, 16), st.integers(0, 16)).map(lambda w: KeepConfig(min=min(w), max=max(w)))
decides = st.builds(
    DecideConfig,
    contradiction_share=st.sampled_from([0.3, 0.5, 0.6, 0.9]),
    max_unknown=st.integers(0, 4),
    suspect_share=st.sampled_from([0.0, 0.15, 0.5]),
    missing_share=st.sampled_from([0.15, 0.15, 0.4, 1.0]),
)
all_rules = st.builds(Rules, windows, decides)
doubts: st.SearchStrategy[Doubt] = st.sampled_from(["none", "open", "open", "unread", "suspect", "unreadable"])


@settings(max_examples=400, deadline=None)
@given(outcomes=sequences, rules=all_rules, doubt=doubts)
@example(outcomes=("c",) * 16, rules=Rules(KeepConfig(), DecideConfig()), doubt="none")
@example(outcomes=("x",) * 16, rules=Rules(KeepConfig(), DecideConfig()), doubt="suspect")
@example(outcomes=("c", *"xyxyxyxy", *["x!"] * 3, *"yyyy"), rules=Rules(KeepConfig(), DecideConfig()), doubt="open")
@example(outcomes=(*"xxxxxxxxx", *["y!"] * 3, *"yyyy"), rules=Rules(KeepConfig(), DecideConfig()), doubt="open")
def test_sixteen_outcomes_stopped_early_are_decided_as_all_sixteen(
    outcomes: Outcomes, rules: Rules, doubt: Doubt
) -> None:
    taken = count(take(outcomes, rules, doubt), 16, doubt)
    assert decide_counts(taken, rules)[0] == decide_counts(count(outcomes, 16, doubt), rules)[0]


@pytest.mark.parametrize(
    "rules",
    [
        Rules(KeepConfig(), DecideConfig(max_unknown=1)),
        Rules(KeepConfig(min=1, max=2, of=4), DecideConfig(contradiction_share=0.6, max_unknown=0)),
    ],
)
@pytest.mark.parametrize("planned", [1, 3, 5])
def test_every_short_sequence_stops_where_nothing_can_change(planned: int, rules: Rules) -> None:
    """Zero is returned exactly where all endings agree, and more only where no shorter way settles anything."""
    settled: dict[Outcomes, bool] = {}
    for taken in range(planned, -1, -1):
        for start in product("cxy-?", repeat=taken):
            rests = product("cxy-?", repeat=planned - taken)
            endings = {decide_counts(count(start + rest, planned), rules)[0] for rest in rests}
            settled[start] = len(endings) == 1
    for start in settled:
        needed = samples_needed(count(start, planned), rules)
        shortest = next(
            more
            for more in range(planned - len(start) + 1)
            if any(settled[start + rest] for rest in product("cxy-?", repeat=more))
        )
        assert needed == shortest


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_every_short_sequence_stops_where_nothing_can_doubt_it(share: float) -> None:
    """As above, where a sample may say that something is missing."""
    planned, letters = 4, ("c", "c!", "x", "x!", "-", "?!")
    rules = Rules(KeepConfig(min=1, max=3, of=4), DecideConfig(missing_share=share, suspect_share=0.25, max_unknown=0))
    settled: dict[Outcomes, bool] = {}
    for taken in range(planned, -1, -1):
        for start in product(letters, repeat=taken):
            rests = product(letters, repeat=planned - taken)
            endings = {decide_counts(count(start + rest, planned, "open"), rules)[0] for rest in rests}
            settled[start] = len(endings) == 1
    for start in settled:
        needed = samples_needed(count(start, planned, "open"), rules)
        shortest = next(
            more
            for more in range(planned - len(start) + 1)
            if any(settled[start + rest] for rest in product(letters, repeat=more))
        )
        assert needed == shortest


def test_what_it_saves_on_the_default_window() -> None:
    rules = Rules(KeepConfig(), DecideConfig())
    assert len(take(("c",) * 16, rules)) == 13
    assert len(take(("x",) * 16, rules)) == 9
    assert len(take(tuple("cxcycxcyc-------"), rules)) < 12
    assert len(take(tuple("pqrstuvwpqrstuvw"), rules)) == 16, "one success anywhere would keep it"
