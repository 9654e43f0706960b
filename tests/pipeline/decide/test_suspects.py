"""Suspects: what their samples must say for them to be kept, and what their samples may say against a problem."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decide.decide import decide_samples
from pipeline.decide.rule import CONFIRMED, Counts, Rules, decide_counts, decide_window
from pipeline.decide.suspects import FEWEST, Doubt
from schemas.config import DecideConfig, KeepConfig
from schemas.decision import DECISION
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import KEEP as KEPT
from schemas.reasons import Reason
from schemas.suspects import mark_suspects
from tests.pipeline.decide.test_decide import DECIDE, KEEP, LOST, RIGHT, RULES, Outcome, make_samples, make_table, wrong


def decide_suspect(outcomes: list[Outcome], *suspicions: tuple[Reason, str], **more: Any) -> dict[str, Any]:
    problem = pl.DataFrame(
        {"id": ["a"], "answer": ["42"], "history": [[]]}, schema_overrides={"history": PROBLEM_DTYPES["history"]}
    )
    problems = mark_suspects(problem, "screen", [suspicions])
    decided = decide_samples(make_table(make_samples("a", outcomes, **more)), problems, 16, RULES)
    DECISION.validate(decided)
    return decided.to_dicts()[0]


CUT = (Reason.INCOMPLETE, "ends in 'is'")


@pytest.mark.parametrize(("right", "decision"), [(0, "incomplete"), (2, "incomplete"), (3, KEPT), (13, "too_easy")])
def test_a_suspect_is_kept_when_its_label_is_reached_more_often_than_by_guessing(right: int, decision: str) -> None:
    outcomes = [RIGHT] * right + [wrong(str(number // 3)) for number in range(16 - right)]
    row = decide_suspect(outcomes, CUT)
    assert (row["decision"], row["suspicion"]) == (decision, "incomplete")
    assert row["detail"].endswith("; suspected of incomplete: ends in 'is'")
    without = decide_suspect(outcomes)
    assert without["suspicion"] is None
    assert without["decision"] == {0: "never_solved", 2: KEPT}.get(right, decision)


def test_the_first_suspicion_gives_the_reason() -> None:
    figure = (Reason.FIGURE_DEPENDENT, "'as shown'")
    assert decide_suspect([wrong("7")] * 16, figure, CUT)["decision"] == "figure_dependent"


def test_samples_that_are_missing_can_still_clear_a_suspect() -> None:
    row = decide_suspect([wrong("7"), wrong("8")] * 5, CUT)
    assert row["decision"] == "undetermined"
    assert row["detail"].startswith("0 of 10 correct; 6 more samples could change this")


def test_unknown_samples_leave_a_suspect_open_unless_its_label_is_what_cannot_be_read() -> None:
    lost = [LOST] * 16
    assert decide_suspect(lost, CUT)["decision"] == "undetermined"
    unreadable = (Reason.UNVERIFIABLE_ANSWER, "cannot read 'th'")
    assert decide_suspect(lost, unreadable)["decision"] == "unverifiable_answer"
    assert decide_suspect(lost, CUT, unreadable)["decision"] == "incomplete"


def test_a_premise_is_missing_where_samples_say_so_and_the_label_is_not_reached() -> None:
    silent: list[Outcome] = [("wrong", None)]
    told = decide_suspect(silent * 3 + [wrong("7")] * 6 + [wrong("8")] * 7, says_missing=True)
    assert (told["decision"], told["suspicion"]) == ("missing_premise", "missing_premise")
    assert told["detail"].endswith("suspected of missing_premise: 16 of 16 say that something is missing")
    reached = decide_suspect([RIGHT] * 4 + [wrong("7"), wrong("8")] * 6, says_missing=True)
    assert (reached["decision"], reached["suspicion"]) == (KEPT, "missing_premise")
    assert decide_suspect([wrong("7")] * 6 + [wrong("8")] * 10, says_missing=False)["suspicion"] is None


def test_a_premise_is_missing_where_no_two_answers_agree() -> None:
    apart = decide_suspect([wrong(str(number)) for number in range(16)])
    assert apart["decision"] == "missing_premise"
    assert apart["detail"].endswith("suspected of missing_premise: no two answers agree")
    assert decide_suspect([wrong(str(number)) for number in range(15)] + [wrong("3")])["decision"] == "never_solved"
    few: list[Outcome] = [wrong(str(number)) for number in range(7)]
    assert decide_suspect([*few, *[("wrong", None)] * 9])["decision"] == "never_solved"


def test_samples_from_before_the_column_say_nothing_of_premises() -> None:
    samples = make_table(make_samples("a", [wrong("7")] * 6 + [wrong("8")] * 10)).drop("says_missing")
    decided = decide_samples(samples, pl.DataFrame({"id": ["a"]}), 16, RULES)
    assert decided["decision"].to_list() == ["label_contradicted"]


@given(st.lists(st.tuples(st.sampled_from("123456789"), st.booleans()), min_size=1, max_size=20))
def test_samples_doubt_a_premise_by_their_counts(drawn: list[tuple[str, bool]]) -> None:
    """The scalar rule over what is counted of tables, against the definition over the samples themselves."""
    says = [said for _, said in drawn]
    table = pl.concat(
        make_table(make_samples("a", [wrong(answer)], says_missing=said)).with_columns(index=pl.lit(at, pl.Int32))
        for at, (answer, said) in enumerate(drawn)
    )
    decided = decide_samples(table, pl.DataFrame({"id": ["a"]}), len(drawn), RULES).to_dicts()[0]
    apart = len(drawn) >= FEWEST and len({answer for answer, _ in drawn}) == len(drawn)
    assert (decided["suspicion"] is not None) == (sum(says) / len(says) > DECIDE.missing_share or apart)


@given(
    st.integers(0, 16),
    st.integers(0, 16),
    st.sampled_from([KEEP, KeepConfig(min=3, max=8), KeepConfig(min=0, max=2)]),
    st.sampled_from([DECIDE, DecideConfig(suspect_share=0), DecideConfig(suspect_share=0.5)]),
)
def test_suspicion_only_ever_adds_a_rejection(right: int, votes: int, keep: KeepConfig, decide: DecideConfig) -> None:
    votes = min(votes, 16 - right)
    plain = decide_window(Counts(right, votes, 0, 16, 16), 16, Rules(keep, decide))
    doubted = decide_window(Counts(right, votes, 0, 16, 16, "suspect"), 16, Rules(keep, decide))
    assert doubted == plain or (doubted == CONFIRMED and right <= decide.suspect_share * 16)


@pytest.mark.parametrize("doubt", ["none", "suspect", "unreadable"])
def test_more_correct_samples_never_confirm_a_suspicion(doubt: Doubt) -> None:
    said = [decide_counts(Counts(right, 0, 0, 16, 16, doubt), RULES)[0] for right in range(17)]
    confirmed = [decision == CONFIRMED for decision in said]
    assert confirmed == sorted(confirmed, reverse=True)
    assert any(confirmed) == (doubt != "none")
