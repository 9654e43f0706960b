"""Values of rows that nobody described: parsed where they are JSON or a Python literal in text, reached by a path."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.text.whole_number import read_whole
from schemas.conform import WHERE, InvalidRow

Row = Mapping[str, Any]
Path = tuple[str, ...]

DEPTH = 3
"""Objects inside objects that are looked through; no set keeps its statement or label deeper."""
LITERAL_LENGTH = 1 << 16
"""A longer text is no Python literal of a spreadsheet, and `ast` takes many times its memory."""
_OPENS = ("[", "{")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ENDINGS = ("zh", "en", "cn", "de", "fr", "es", "it", "ru", "ja", "ko")
"""Languages that a name may end in: `question_zh`."""
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Field:
    """One place in the rows: `path`, its `name` without case and separators, and what each row has there (or None).
    `called` is the name that what stands there gives it, where its own says nothing."""

    path: Path
    values: tuple[Any, ...]
    called: str | None = None

    @property
    def name(self) -> str:
        name = plain_name(self.called or self.path[-1])
        return next((name.removesuffix(end) for end in _ENDINGS if self.path[-1].lower().endswith(f"_{end}")), name)

    @property
    def shown(self) -> str:
        return ".".join(self.path)


def plain_name(name: str) -> str:
    """`finalAnswer`, `final_answer` and `Final Answer` as one: lowercase letters and digits."""
    return "".join(c for c in name.lower() if c.isalnum())


def parse_text(value: Any) -> Any:
    """`value`, or the list or object that it is the text of: JSON, and else a Python literal (a DataFrame's CSV)."""
    if not isinstance(value, str):
        return value.tolist() if hasattr(value, "tolist") else value
    text = value.strip()
    if not text.startswith(_OPENS) or text[-1:] not in "]}":
        return value
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        if len(text) > LITERAL_LENGTH:
            return value
        try:
            parsed = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return value
    return parsed if isinstance(parsed, dict | list | tuple) else value


def read_index(key: str) -> int | None:
    """The place in a list that a part of a path names, counted from its end where it is negative; None of a name."""
    number = read_whole(key.removeprefix("-"))
    return -number if number is not None and key.startswith("-") else number


def reach(value: Any, path: Sequence[str]) -> Any:
    """What stands at `path` in a row, through objects and their texts; None where nothing does."""
    for key in path:
        value = parse_text(value)
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and (at := read_index(key)) is not None and -len(value) <= at < len(value):
            value = value[at]
        else:
            return None
    return value


def find_fields(rows: Sequence[Row]) -> list[Field]:
    """Every place of the rows, columns first, then what their objects hold. Rows that were not read are left out."""
    readable = [row for row in rows if not isinstance(row, InvalidRow)]
    paths: dict[Path, None] = {}
    for row in readable:
        for path in _paths(row, ()):
            paths.setdefault(path)
    ordered = sorted(paths, key=len)
    return [Field(path, tuple(reach(row, path) for row in readable)) for path in ordered]


def _paths(value: Any, above: Path) -> Iterator[Path]:
    value = parse_text(value) if above else value
    if isinstance(value, Mapping) and len(above) < DEPTH:
        for key, inner in value.items():
            if isinstance(key, str) and key != WHERE:
                yield (*above, key)
                yield from _paths(inner, (*above, key))


def is_prose(value: Any) -> bool:
    """Whether a text may be a problem's statement: words or a formula, and no address, number, list or file name."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    if _CJK.search(text):
        return len(text) >= 4
    if len(text) < 8 or re.fullmatch(r"\S+://\S+|[\w./\\-]+", text) or parse_text(text) is not text:
        return False
    return bool(_WORD.search(text)) and " " in text


def share(flags: Sequence[bool]) -> float:
    """Of the flags, how many are set; 0 of none."""
    return sum(flags) / len(flags) if flags else 0.0
