"""Where the rows stand in one JSON value: it is the row, or it holds them in a list, by key, or by column.

Decided from the values themselves and, where these leave it open, from the names that people give. What is decided from
the beginning of a long text holds for its end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

Kind = Literal["row", "lists", "keyed", "columns", "split"]
DEPTH = 3
"""Objects around a list of rows: `{"data": {"set": {"rows": [...]}}}`."""
SPLIT_NAMES = frozenset({"train", "test", "dev", "val", "valid", "validation", "eval"})
"""What people call the parts of a set."""
LIST_NAMES = frozenset(
    {
        "data",
        "dataset",
        "rows",
        "row",
        "examples",
        "instances",
        "problems",
        "questions",
        "items",
        "records",
        "entries",
        "samples",
        "results",
        "tasks",
        "training",
        "testing",
    }
    | SPLIT_NAMES
)
"""What people call the list of rows in a file."""
PART_NAMES = frozenset(
    {
        "tests",
        "test_cases",
        "testcases",
        "public_tests",
        "private_tests",
        "public_test_cases",
        "private_test_cases",
        "generated_tests",
        "official_tests",
        "hidden_tests",
        "input_output",
        "solutions",
        "submissions",
        "messages",
        "conversations",
        "conversation",
        "turns",
        "history",
        "options",
        "choices",
        "label_candidates",
        "solution_steps",
        "steps",
        "hints",
        "metadata",
        "tags",
        "responses_create_params",
    }
)
"""Lists that belong to one problem."""
STATEMENT_NAMES = frozenset(
    {
        "problem",
        "question",
        "query",
        "statement",
        "problem_statement",
        "problem_description",
        "question_content",
        "question_text",
        "messages",
        "conversations",
    }
)
"""A text (or chat) under such a name is one problem's."""
INSTRUCTION_NAMES = frozenset(["prompt", "instruction", "input", "body", "text"])
"""Also one problem's, where no list of problems stands beside it."""
TEST_KEYS = frozenset(
    {"input", "output", "expected", "expected_output", "explanation", "testtype", "type", "id", "call"}
)


@dataclass(frozen=True)
class Layout:
    kind: Kind
    path: tuple[str, ...] = ()
    """Keys down to the object that holds the rows."""
    names: tuple[str, ...] = ()
    """Of kind `lists`: its members that are lists of rows."""


def find_rows(value: Mapping[str, Any], cut: bool = False, depth: int = 0) -> Layout:
    """How an object holds its rows. One that is `cut` off has of its last member only the beginning."""
    if _is_split(value):
        return Layout("split")
    if _is_columns(value, cut):
        return Layout("columns")
    if _is_statement(value, STATEMENT_NAMES):
        return Layout("row")
    lists = _find_lists(value)
    if lists and (lists[0].lower() in LIST_NAMES or not _is_statement(value, INSTRUCTION_NAMES)):
        return Layout("lists", names=lists)
    if _is_statement(value, INSTRUCTION_NAMES):
        return Layout("row")
    if _is_keyed(value):
        return Layout("keyed")
    inner = [key for key, item in value.items() if isinstance(item, Mapping) and item]
    named = [key for key in inner if key.lower() in LIST_NAMES] or inner
    if len(named) == 1 and depth < DEPTH:
        below = find_rows(value[named[0]], cut, depth + 1)
        known = below.kind in ("lists", "split") or (below.kind != "row" and named[0].lower() in LIST_NAMES)
        if known:
            return Layout(below.kind, (named[0], *below.path), below.names)
    return Layout("row")


def read_layout(value: Mapping[str, Any], layout: Layout) -> Iterator[tuple[str | None, Any]]:
    """(key or name of the list where that says something, row) of every row in `value`."""
    for key in layout.path:
        value = value[key]
    if layout.kind == "row":
        yield None, dict(value)
    elif layout.kind == "keyed":
        yield from ((key, row) for key, row in value.items())
    elif layout.kind == "split":
        yield from ((None, dict(zip_longest(value["columns"], row))) for row in value["data"])
    elif layout.kind == "columns":
        yield from ((None, row) for row in _transpose(value))
    else:
        for name in layout.names:
            yield from ((name if len(layout.names) > 1 else None, unwrap(row)) for row in value[name])


def unwrap(row: Any) -> Any:
    """A row of the Hub's viewer, `{"row_idx": 0, "row": {...}, "truncated_cells": []}`, is what stands in `row`."""
    if isinstance(row, dict) and "row_idx" in row and isinstance(row.get("row"), dict):
        inner: dict[str, Any] = row["row"]
        return inner
    return row


def _is_split(value: Mapping[str, Any]) -> bool:
    """As pandas writes `orient="split"`."""
    columns, data = value.get("columns"), value.get("data")
    return (
        isinstance(columns, list)
        and isinstance(data, list)
        and all(isinstance(name, str) for name in columns)
        and all(isinstance(row, list) and len(row) == len(columns) for row in data[:8])
        and bool(data)
    )


def _is_columns(value: Mapping[str, Any], cut: bool) -> bool:
    columns = list(value.values())
    whole = columns[:-1] if cut and len(columns) > 1 else columns
    if len(columns) > (0 if cut else 1) and all(isinstance(column, list) and column for column in columns):
        same = len({len(column) for column in whole}) == 1
        rows = [column for column in columns if all(isinstance(item, dict) for item in column)]
        return same and len(rows) < len(columns)
    if columns and all(isinstance(column, Mapping) and column for column in columns):
        indices = [set(column) for column in columns]
        same = all(index == indices[0] for index in indices[: len(whole)])
        return same and all(key.isdigit() for key in indices[0]) and not all(key.isdigit() for key in value)
    return False


def _is_statement(value: Mapping[str, Any], names: frozenset[str]) -> bool:
    for key, item in value.items():
        if key.lower() in names and (isinstance(item, str) or (isinstance(item, list) and _is_chat(item))):
            return True
    return False


def _is_chat(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) and ("role" in item or "from" in item) for item in items)


def _find_lists(value: Mapping[str, Any]) -> tuple[str, ...]:
    lists = [key for key, item in value.items() if isinstance(item, list) and _are_rows(key, item)]
    return tuple([key for key in lists if key.lower() in LIST_NAMES] or lists)


def _are_rows(name: str, items: list[Any]) -> bool:
    if not items or name.lower() in PART_NAMES:
        return False
    if all(isinstance(item, list) and _is_chat(item) for item in items):
        return True
    if not all(isinstance(item, Mapping) and item for item in items):
        return False
    return not (name.lower() == "examples" and all(set(item) <= TEST_KEYS for item in items))


def _is_keyed(value: Mapping[str, Any]) -> bool:
    """Whether every member is a row: objects that share their keys."""
    rows = list(value.values())
    if not rows or not all(isinstance(row, Mapping) and row for row in rows):
        return False
    if len(rows) == 1:
        return next(iter(value)).isdigit() or _is_statement(rows[0], STATEMENT_NAMES | INSTRUCTION_NAMES)
    every = set().union(*rows)
    shared = set(rows[0]).intersection(*rows)
    return 2 * len(shared) >= len(every)


def _transpose(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    columns = list(value.values())
    if isinstance(columns[0], list):
        yield from (dict(zip(value, row, strict=True)) for row in zip_longest(*columns))
    else:
        for index in columns[0]:
            yield {name: column.get(index) for name, column in value.items()}
