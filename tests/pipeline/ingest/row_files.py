"""Rows as a file that a source reads."""

import json
from pathlib import Path
from typing import Any


def write_rows(folder: Path, *rows: Any) -> str:
    """Write `rows`, an object a line and a text as it is, and return the file's path."""
    file = folder / "rows.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(file)
