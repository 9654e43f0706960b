"""Columns without a name that says anything: a file without a header, a table in another language.

What they hold tells: one column of prose that asks, and after it one of labels, or a letter behind the options that it
is one of. Where two columns could be the labels none is taken, and the error asks for a mapping.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.ingest.recognize.answers import fits_label
from pipeline.ingest.recognize.statements import share_of_distinct
from pipeline.ingest.recognize.values import Field, is_prose, share
from pipeline.text.whole_number import read_whole

MOST_ROWS = 0.8
"""Of the rows, how many must have in a column what it is taken for."""
DISTINCT = 0.5
"""Labels of a set differ; what has few values (a level, a subject) is none. Among fewer rows than `FEW` none counts."""
FEW = 4
_ASKS = re.compile(r"[?？؟]")
_LETTER = re.compile(r"\s*[(\[（]?[A-JＡ-Ｊ][)\].）．、]?\s*")
_LETTERS = "ABCDEFGHIJ"


def name_by_content(fields: Sequence[Field]) -> list[Field]:
    """The fields, with what they are called by what stands in them; as they were where that does not tell."""
    columns = [field for field in fields if len(field.path) == 1]
    prose = [
        field
        for field in columns
        if share([is_prose(value) for value in field.values]) >= MOST_ROWS
        and share_of_distinct(field.values) > DISTINCT
    ]
    if not prose:
        return list(fields)
    statement = max(prose, key=lambda field: (_asks(field) > 0.5, -columns.index(field)))
    called = {statement.path: "problem"} | _name_labels(columns, columns.index(statement))
    if len(called) == 1:
        return list(fields)
    return [replace(field, called=called.get(field.path)) for field in fields]


def _asks(field: Field) -> float:
    return share([isinstance(value, str) and bool(_ASKS.search(value)) for value in field.values])


def _name_labels(columns: list[Field], at: int) -> dict[tuple[str, ...], str]:
    """Options and the letter of the right one behind the statement, or the only column of labels; none where unsure."""
    for end in range(at + 3, len(columns)):
        between = columns[at + 1 : end]
        whole = all(share([value is not None for value in field.values]) >= MOST_ROWS for field in between)
        if 2 <= len(between) <= len(_LETTERS) and whole and _are_letters(columns[end], len(between)):
            return {field.path: letter for field, letter in zip(between, _LETTERS, strict=False)} | {
                columns[end].path: "answer"
            }
    labels = [field for place, field in enumerate(columns) if place != at and _are_labels(field)]
    return {labels[0].path: "answer"} if len(labels) == 1 else {}


def _are_letters(field: Field, options: int) -> bool:
    letters = [value for value in field.values if isinstance(value, str) and _LETTER.fullmatch(value)]
    places = {_LETTERS.find(value.strip("([（)].）．、 \n")) for value in letters}
    return len(letters) >= MOST_ROWS * len(field.values) > 0 and max(places) < options


def _are_labels(field: Field) -> bool:
    there = [value for value in field.values if value is not None]
    if counts_rows(field) or not there or share([fits_label(value) for value in there]) < MOST_ROWS:
        return False
    named = share([isinstance(value, str) and bool(re.search(r"://|^[\w-]+\.\w{2,4}$", value)) for value in there])
    return named < 0.2 and (len(there) < FEW or share_of_distinct(there) >= DISTINCT)


def counts_rows(field: Field) -> bool:
    """Whether a column numbers the rows."""
    values = [read_whole(value.strip()) if isinstance(value, str) else value for value in field.values]
    numbers = [int(value) for value in values if isinstance(value, int)]
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    return len(numbers) == len(field.values) > 1 and steps == {1}
