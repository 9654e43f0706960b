"""Rows of a YAML file: a list of objects, or an object that is a row or holds them, as in JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.ingest.files.layout import find_rows, read_layout
from pipeline.ingest.files.lines import make_row
from schemas.config import ReadingConfig
from schemas.errors import InputError
from schemas.yaml_text import MAX_BYTES, YamlError, read_yaml


def read_yaml_rows(pieces: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows of UTF-8 text. Raises InputError for what is not YAML, and past a limit of `reading`."""
    held = b""
    for piece in pieces:
        held += piece
        if len(held) > MAX_BYTES:
            raise InputError(f"{name}: over {MAX_BYTES >> 20} MiB of YAML; write one JSON object a line")
    try:
        value = read_yaml(held.decode("utf-8"), reading.yaml_values, "reading.yaml_values")
    except YamlError as error:
        raise InputError(f"{name}: {error}") from None
    if isinstance(value, dict):
        layout = find_rows(value)
        if layout.kind == "row":
            yield make_row(value, name, "write a list of objects")
            return
        value = [row for _, row in read_layout(value, layout)]
    if not isinstance(value, list):
        raise InputError(f"{name}: a YAML {type(value).__name__}, where a list of objects is needed")
    for number, row in enumerate(value):
        yield make_row(row, f"{name} row {number}", "write a list of objects")
