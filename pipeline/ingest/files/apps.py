"""APPS as it is distributed: a folder for each problem, with question.txt, input_output.json, solutions.json,
metadata.json and starter_code.py. A row has the columns of the same set on the Hub, so that one preset reads both.

Seen in github.com/hendrycks/apps and in the card of codeparrot/apps.
"""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.ingest.files.find import Place
from pipeline.ingest.files.members import Members
from schemas.config import ReadingConfig
from schemas.conform import WHERE

PARTS = {
    "question.txt": "question",
    "input_output.json": "input_output",
    "solutions.json": "solutions",
    "starter_code.py": "starter_code",
}


def read_problem(place: Place, reading: ReadingConfig) -> dict[str, Any]:
    """The one problem of a folder, its JSON left as text. Raises LeadsOut for a link out of it, and ValueError for a
    problem past a limit of `reading`."""
    files = Members(place.tree, place.path, reading.row_mb << 20)
    row: dict[str, Any] = {column: files.read(name) for name, column in PARTS.items() if files.has(name)}
    split = place.below.rpartition("/")[0]
    row["problem_id"] = place.below or place.name
    if split:
        row["folder"] = split
    if files.has("metadata.json"):
        about = json.loads(files.read("metadata.json"))
        if isinstance(about, Mapping):
            row |= {key: value for key, value in about.items() if key not in row}
    return row | {WHERE: place.name}
