"""The vocabularies are closed, and each word of them is explained."""

from schemas.decision import DECISION, DECISION_DTYPES
from schemas.reasons import KEEP, MEANINGS, Reason, Verdict
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY


def test_every_reason_has_a_meaning_in_one_line() -> None:
    assert set(MEANINGS) == set(Reason)
    for reason in Reason:
        assert reason.meaning
        assert "\n" not in reason.meaning


def test_a_decision_is_keep_or_a_reason() -> None:
    words = [KEEP, *Reason]
    base = dict.fromkeys(DECISION_DTYPES) | {
        "problem_id": "p",
        "grading_pass": 1,
        "n": 1,
        "correct": 1,
        "wrong": 0,
        "unknown": 0,
    }
    import polars as pl

    table = pl.DataFrame([base | {"decision": str(word)} for word in [*words, "maybe"]], schema=DECISION_DTYPES)
    broken = DECISION.find_broken(table)
    assert table.filter(~broken["decision"])["decision"].to_list() == [str(word) for word in words]


def test_unknown_is_a_verdict_of_its_own() -> None:
    assert {str(verdict) for verdict in Verdict} == {"correct", "wrong", "unknown"}


def test_the_key_of_a_sample_is_made_of_its_columns() -> None:
    assert set(SAMPLE_KEY) <= set(SAMPLE_DTYPES)
