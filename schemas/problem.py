"""A problem: the row that every stage takes and gives. The names are the contract that users and files rely on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import polars as pl

DOMAINS = ("math", "code")
ORIGINS = ("source", "generated", "repaired")
CODE_LANGUAGES = ("python", "cpp")


class Problem(dy.Schema):
    """One problem. Only `domain` and `statement` are needed on input; `conform` fills the rest or leaves it null."""

    id = dy.String(nullable=False, regex=r"^[0-9a-f]{16}$")
    source = dy.String(nullable=False)
    source_id = dy.String(nullable=True)
    domain = dy.String(nullable=False, check=lambda c: c.is_in(DOMAINS))
    language = dy.String(nullable=False, regex=r"^[a-z]{2}$")
    statement = dy.String(nullable=True)
    answer = dy.String(nullable=True)
    solutions = dy.List(
        dy.Struct(
            {"id": dy.String(nullable=True), "language": dy.String(nullable=True), "code": dy.String(nullable=True)}
        ),
        nullable=False,
    )
    tests = dy.List(
        dy.Struct(
            {
                "id": dy.String(nullable=True),
                "input": dy.String(nullable=True),
                "expected": dy.String(nullable=True),
                "origin": dy.String(nullable=True),
                "previous": dy.String(nullable=True),
            }
        ),
        nullable=False,
    )
    entry_point = dy.String(nullable=True)
    checker = dy.Struct(
        {
            "float_tolerance": dy.Float64(nullable=True),
            "ignore_case": dy.Bool(nullable=True),
            "strict_whitespace": dy.Bool(nullable=True),
        },
        nullable=True,
    )
    code_language = dy.String(nullable=True, check=lambda c: c.is_in(CODE_LANGUAGES))
    parent_id = dy.String(nullable=True)
    history = dy.List(
        dy.Struct(
            {
                "stage": dy.String(nullable=False),
                "action": dy.String(nullable=False),
                "detail": dy.String(nullable=True),
            }
        ),
        nullable=False,
    )
    extra = dy.String(nullable=True)


PROBLEM_DTYPES: dict[str, pl.DataType] = dict(Problem.create_empty().schema)
"""Column names and Polars types of the contract, in order. `extra` is a JSON object: what else the source had."""

REJECT_DTYPES: dict[str, pl.DataType] = {"stage": pl.String(), "reason": pl.String(), "detail": pl.String()}
"""What a rejected row carries beside the problem's own columns."""

IDENTITY = (
    "domain",
    "language",
    "statement",
    "answer",
    "entry_point",
    "code_language",
    "checker",
    "tests",
    "solutions",
)


_write = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode


def problem_id(row: Mapping[str, Any]) -> str:
    """Hash what a problem says into its id: 16 hex digits, the same on every run and machine.

    Source, history and `extra` do not count: the same problem from two sources has one id. Nulls and empty lists
    do not count either, so a column that the contract gains later changes no id.
    """
    said = {name: row[name] for name in IDENTITY if row.get(name) not in (None, [], "")}
    return hashlib.sha256(_write(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def add_history(problems: pl.DataFrame, stage: str, notes: Sequence[tuple[str, str | None] | None]) -> pl.DataFrame:
    """The problems with one more entry at the end of `history` for each that has a note (action, detail)."""
    entries = [[] if note is None else [{"stage": stage, "action": note[0], "detail": note[1]}] for note in notes]
    more = pl.Series("history", entries, dtype=PROBLEM_DTYPES["history"])
    empty = pl.lit([], dtype=PROBLEM_DTYPES["history"])
    return problems.with_columns(pl.col("history").fill_null(empty).list.concat(more))
