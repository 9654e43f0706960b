"""What the audit of a problem's tests decides, whatever its samples say."""

import json

import polars as pl

from pipeline.decide.vacuous import reject_vacuous


def decide(*extras: str | None) -> pl.DataFrame:
    ids = [f"p{number}" for number in range(len(extras))]
    decisions = pl.DataFrame({"problem_id": ids, "decision": ["keep"] * len(ids), "detail": ["8 of 16"] * len(ids)})
    return reject_vacuous(decisions, pl.DataFrame({"id": ids, "extra": extras}, schema_overrides={"extra": pl.String}))


def audit(share: float) -> str:
    return json.dumps({"code_tests": {"audit": {"strongest_attack": "prints 'NO'", "strongest_share": share}}})


def test_an_attack_that_passes_every_test_rejects() -> None:
    decided = decide(audit(1.0), audit(0.95), None, '{"code_tests": {"kill_rate": 1.0}}', '{"other": 1}')
    assert decided["decision"].to_list() == ["vacuous_tests", "keep", "keep", "keep", "keep"]
    assert decided["detail"][0] == "a program that prints 'NO' passes every test"
    assert decided["detail"][1] == "8 of 16"


def test_runs_without_an_audit_are_decided_as_before() -> None:
    assert decide(None, "{}")["decision"].to_list() == ["keep", "keep"]
