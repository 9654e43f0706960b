"""Rows that hold the problems in a list of theirs: a contest a row with its problems, a text with its questions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.ingest.recognize.statements import find_statement
from pipeline.ingest.recognize.turns import read_turns
from pipeline.ingest.recognize.values import Row, find_fields, parse_text, share
from schemas.conform import WHERE, InvalidRow

MOST_ROWS = 0.5
"""Of the rows, how many must hold a list of objects in the column, the others being empty."""
DEPTH = 2
"""Lists inside lists: a year's contests with their problems."""


def find_nested(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns to go down by, the outermost first, until there are statements; empty where none leads to any."""
    path: tuple[str, ...] = ()
    while len(path) < DEPTH:
        columns = [
            column for column in _list_columns(rows) if share([bool(_items(r, column)) for r in rows]) >= MOST_ROWS
        ]
        inner = {column: [one for row in rows for one in unfold_row(row, column)] for column in columns}
        holding = [column for column in columns if find_statement(find_fields(inner[column])) is not None]
        if holding:
            return (*path, holding[0])
        if len(columns) != 1:
            return ()
        path, rows = (*path, columns[0]), inner[columns[0]]
    return ()


def unfold(rows: Iterator[Any], path: Sequence[str]) -> Iterator[Any]:
    """The rows inside `rows`, each with what stands around it."""
    for column in path:
        rows = _unfold_column(rows, column)
    return rows


def _unfold_column(rows: Iterator[Any], column: str) -> Iterator[Any]:
    for row in rows:
        if isinstance(row, InvalidRow):
            yield row
        else:
            yield from unfold_row(row, column)


def unfold_row(row: Row, column: str) -> list[dict[str, Any]]:
    """The objects in the list under `column`. What they and the row around them both have is their own."""
    around = {name: value for name, value in row.items() if name not in (column, WHERE) and not _is_list(value)}
    where = row.get(WHERE)
    return [
        around | dict(item) | ({WHERE: f"{where}, {column} {at}"} if where else {})
        for at, item in enumerate(_items(row, column))
    ]


def _list_columns(rows: Sequence[Row]) -> list[str]:
    return list({column: None for row in rows for column in row if _items(row, column)})


def _items(row: Row, column: str) -> list[Mapping[str, Any]]:
    value = parse_text(row.get(column))
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
        return []
    return [] if read_turns(value) else list(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
