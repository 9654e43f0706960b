"""A problem: the row that every stage takes and gives. The names are the contract that users and files rely on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from schemas.table import Column, TableContract, texts
from schemas.time_limit import MOST

DOMAINS = ("math", "code")
ORIGINS = ("source", "generated", "repaired")
CODE_LANGUAGES = ("python", "cpp")
PROTOCOLS = ("kattis", "testlib")
"""How a checker's program is called and what its exit status means (`pipeline.sandbox.program.PROTOCOLS`)."""
COMPARISON = ("float_tolerance", "ignore_case", "strict_whitespace")
"""The fields of a checker that every id was made with (`problem_id`), null or not."""
ORDERS = ("outer", "inner", "all")
"""Whose order does not matter (`checker.ignore_order`): that of lines, or of a value's elements; that of the words in a
line, or of the elements of these elements; either."""
DUPLICATE, CLASH = "duplicate", "clash"
CANDIDATE_ORIGINS = (DUPLICATE, CLASH)
"""Where a label candidate is from: a duplicate that dedup dropped, or a copy under another label that it kept, which is
sampled by itself.
"""


def _is_complete(history: pl.Expr) -> pl.Expr:
    """Every entry of a history names its stage and its action."""
    entry = pl.element().struct
    return ~history.list.eval(entry.field("stage").is_null() | entry.field("action").is_null()).list.any()


def _structs(**fields: pl.DataType) -> pl.DataType:
    return pl.List(pl.Struct(fields))


def _can_run(checker: pl.Expr) -> pl.Expr:
    """A checker with code says in which language it is, and how it is called; and whose order it ignores is known."""
    field = checker.struct.field
    named = field("language").is_in(CODE_LANGUAGES) & field("protocol").is_in(PROTOCOLS)
    order = field("ignore_order").is_null() | field("ignore_order").is_in(ORDERS)
    return (field("code").is_null() | named.fill_null(False)) & order


_TEXT = pl.String()
_ID = r"^[0-9a-f]{16}$"
_LANGUAGE = r"^[a-z]{2}$"
PROBLEM = TableContract(
    "problem",
    {
        "id": Column(_TEXT, False, lambda c: c.str.contains(_ID), f"text of the form {_ID}"),
        "source": Column(_TEXT, False),
        "source_id": Column(_TEXT),
        "domain": Column(_TEXT, False, texts(*DOMAINS), "math or code"),
        "language": Column(_TEXT, False, lambda c: c.str.contains(_LANGUAGE), f"text of the form {_LANGUAGE}"),
        "statement": Column(_TEXT),
        "answer": Column(_TEXT),
        "solutions": Column(_structs(id=_TEXT, language=_TEXT, code=_TEXT), False),
        "tests": Column(_structs(id=_TEXT, input=_TEXT, expected=_TEXT, origin=_TEXT, previous=_TEXT), False),
        "entry_point": Column(_TEXT),
        "checker": Column(
            pl.Struct(
                {
                    "float_tolerance": pl.Float64(),
                    "ignore_case": pl.Boolean(),
                    "strict_whitespace": pl.Boolean(),
                    "ignore_order": pl.String(),
                    **dict.fromkeys(("language", "code", "protocol", "flags"), pl.String()),
                }
            ),
            True,
            _can_run,
            f"a checker with code has a language ({' or '.join(CODE_LANGUAGES)}) and a protocol "
            f"({' or '.join(PROTOCOLS)}), and an ignore_order is {', '.join(ORDERS)} or null",
        ),
        "time_limit": Column(pl.Float64(), True, lambda c: (c > 0) & (c <= MOST), f"seconds, at most {MOST:g}"),
        "code_language": Column(_TEXT, True, texts(*CODE_LANGUAGES), "python, cpp or null"),
        "parent_id": Column(_TEXT),
        "label_candidates": Column(
            _structs(answer=_TEXT, origin=_TEXT, problem_id=_TEXT, source=_TEXT, source_id=_TEXT, detail=_TEXT),
            True,
            lambda c: c.list.eval(pl.element().struct.field("origin").is_in(CANDIDATE_ORIGINS)).list.all(),
            f"each of origin {' or '.join(CANDIDATE_ORIGINS)}",
        ),
        "history": Column(_structs(stage=_TEXT, action=_TEXT, detail=_TEXT), False, _is_complete),
        "extra": Column(_TEXT),
    },
)
"""One problem a row. Only `domain` and `statement` are needed on input; `conform` fills the rest or leaves it null.

`checker` says how outputs are compared, or it is a program that judges them: `code` in `language`, called by `protocol`
with `flags` as further arguments. `time_limit` is what the source allows a program, in seconds on its own judge.
`label_candidates` are the labels of its duplicates: what each says (`answer`), whose
row that was (`problem_id`, `source`, `source_id`) and how the two are alike (`detail`). Labels that agree stand there
too: each is a witness. Tables of runs that were made before a column or field came lack it (`complete_columns`).
"""

PROBLEM_DTYPES: dict[str, pl.DataType] = PROBLEM.dtypes
"""Column names and Polars types of the contract, in order. `extra` is a JSON object: what else the source had."""

REJECT_DTYPES: dict[str, pl.DataType] = {"stage": pl.String(), "reason": pl.String(), "detail": pl.String()}
"""What a rejected row carries beside the problem's own columns."""

UNNAMED_SOURCE = "unnamed source"
"""The source of a problem that names none; ingest gives every problem one."""

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
    do not count either, so a column that the contract gains later changes no id, nor does a field of `checker`.
    """
    content = {name: row[name] for name in IDENTITY if row.get(name) not in (None, [], "")}
    if isinstance(content.get("checker"), Mapping):
        stated = content["checker"].items()
        content["checker"] = {name: value for name, value in stated if value is not None or name in COMPARISON}
    return hashlib.sha256(_write(content).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def complete_columns(problems: pl.DataFrame) -> pl.DataFrame:
    """The problems of a run of any version with every column of the contract and all fields of its `checker`, null
    where its tables have none.

    What the contract wants of every problem is filled where a table that was not ingested here says nothing: the source
    is `UNNAMED_SOURCE`, the language English, lists are empty.
    """
    missing = [
        pl.lit(None, dtype).alias(name) for name, dtype in PROBLEM_DTYPES.items() if name not in problems.columns
    ]
    empty = [
        pl.col(name).fill_null(pl.lit([], dtype=PROBLEM_DTYPES[name])) for name in ("solutions", "tests", "history")
    ]
    return problems.with_columns(missing).with_columns(
        pl.col("checker").cast(PROBLEM_DTYPES["checker"]),
        pl.col("source").fill_null(UNNAMED_SOURCE),
        pl.col("language").fill_null("en"),
        *empty,
    )


def add_history(problems: pl.DataFrame, stage: str, notes: Sequence[tuple[str, str | None] | None]) -> pl.DataFrame:
    """The problems with one more entry at the end of `history` for each that has a note (action, detail)."""
    actions = pl.Series("action", [note and note[0] for note in notes], dtype=pl.String)
    details = pl.Series("detail", [note and note[1] for note in notes], dtype=pl.String)
    empty = pl.lit([], dtype=PROBLEM_DTYPES["history"])
    # Built of columns: polars takes 0.1 ms for each list of objects that it is given.
    more = pl.concat_list(pl.struct(stage=pl.lit(stage), action=actions, detail=details))
    return problems.with_columns(
        pl.col("history").fill_null(empty).list.concat(pl.when(actions.is_null()).then(empty).otherwise(more))
    )
