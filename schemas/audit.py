"""The audit of a problem's tests: which attacks they withstand."""

import json
from typing import Any

import polars as pl

TEST_AUDIT = pl.Struct(
    {
        "attacks": pl.Int32(),
        "attacks_killed": pl.Int32(),
        "strongest_attack": pl.String(),
        "strongest_share": pl.Float64(),
        "mutants": pl.Int32(),
        "mutants_killed": pl.Int32(),
        "wrong": pl.Int32(),
        "wrong_killed": pl.Int32(),
    }
)
"""What the tests of one code problem let pass. `attacks` are programs that do no work, `mutants` a trusted solution
with one operator or constant changed (some of them are right all the same), `wrong` the submissions that are known to
be wrong; each with how many of them at least one test catches. `strongest_attack` is the attack that passes the largest
share of the tests, `strongest_share` that share: 1 is a problem that rewards it.
"""
AUDIT = "audit"
"""Where the audit stands in `extra.code_tests`, until it is published as the column `test_audit`."""
AUDIT_PATH = f"$.code_tests.{AUDIT}"
"""The same as a JSON path into `extra`."""
AUDIT_COLUMN = "test_audit"


def read_audit() -> pl.Expr:
    """`TEST_AUDIT` of the column `extra`, null where a problem has no audit."""
    return pl.col("extra").str.json_path_match(AUDIT_PATH).str.json_decode(TEST_AUDIT).alias(AUDIT_COLUMN)


def read_test_audit(extra: str | None) -> dict[str, Any] | None:
    """`TEST_AUDIT` of one problem's `extra`; None where it has no audit, or one that lacks something."""
    try:
        audit = json.loads(extra or "{}")["code_tests"][AUDIT]
        return {field.name: audit[field.name] for field in TEST_AUDIT.fields}
    except (ValueError, TypeError, KeyError):
        return None
