"""The words of a source's mapping: columns that are joined, paths into objects, lists and turns, how a label stands,
and instructions that are taken off.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.ingest.labels import How, extract_label
from pipeline.ingest.recognize.answers import unwrap
from pipeline.ingest.recognize.options import read_options
from pipeline.ingest.recognize.statements import join_story
from pipeline.ingest.recognize.turns import ANSWERING, ASKING, read_turns
from pipeline.ingest.recognize.values import parse_text, reach, read_index
from pipeline.text.whole_number import read_whole

Column = str | tuple[str, ...]
Row = Mapping[str, Any]

OPTIONS = ("options", "choices", "endings", "answer_choices")
"""Columns in which a label's index is looked up."""


def list_columns(column: Column) -> tuple[str, ...]:
    """The paths of a mapping's one value."""
    return (column,) if isinstance(column, str) else column


def read_column(row: Row, column: Column) -> Any:
    """What the row has there; several columns are joined as a story and its question, and what is missing left out."""
    paths = list_columns(column)
    if len(paths) == 1:
        return _read_path(row, paths[0].split("."))
    texts = [str(value) for path in paths if (value := _read_path(row, path.split("."))) not in (None, "")]
    if not texts:
        return None
    joined = texts[0]
    for text in texts[1:]:
        joined = join_story(joined, text)
    return joined


def _read_path(value: Any, path: list[str]) -> Any:
    for key in path:
        turns = read_turns(value) if read_index(key) is None else None
        value = _find_role(turns, key) if turns else reach(value, [key])
    return value


def _find_role(turns: Any, key: str) -> str | None:
    """The last message of a role, under whatever name the set has for it."""
    wanted = "user" if key.lower() in ASKING else "assistant" if key.lower() in ANSWERING else key.lower()
    return next((turn.text for turn in reversed(turns) if turn.role == wanted and turn.text), None)


def read_label(value: Any, label: str, row: Row) -> str | None:
    """A label that the config says to be `plain`, `boxed`, after `hashes`, `json`, or an option's `index`."""
    if label in ("index", "index_from_1"):
        options = next((given for name in OPTIONS if name in row and (given := read_options(row, ((name,),)))), None)
        text = unwrap(value)
        number = read_whole(text or "")
        at = -1 if number is None else number - (label == "index_from_1")
        return options[at] if options and 0 <= at < len(options) else text
    text = unwrap(parse_text(value)) if label == "json" else unwrap(value) if not isinstance(value, str) else value
    how: How = "boxed" if label == "boxed" else "hashes" if label == "hashes" else "given"
    return extract_label(text, how)


def strip_affixes(statement: Any, prefix: str, suffix: str) -> Any:
    """The statement without an instruction before or after it; anything but a text stays."""
    if not isinstance(statement, str) or not (prefix or suffix):
        return statement
    return statement.strip().removeprefix(prefix.strip()).removesuffix(suffix.strip()).strip()
