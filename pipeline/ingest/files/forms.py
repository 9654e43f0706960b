"""Which form a file has, by its name."""

import os
from typing import Literal

Form = Literal[
    "lines",
    "json",
    "csv",
    "tsv",
    "parquet",
    "arrow",
    "xml",
    "yaml",
    "excel",
    "zip",
    "tar",
    "apps",
    "package",
    "polygon",
]

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
FORMS: dict[str, Form] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".jsonlines": "lines",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xml": "xml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".zip": "zip",
    ".tar": "tar",
}
TARS = {".tgz": "gzip", ".tbz2": "bz2", ".tbz": "bz2", ".txz": "xz", ".tzst": "zstd"}
ALONE: frozenset[Form] = frozenset({"yaml"})
"""Read where they are named themselves: in a folder such a file says something about the others."""
ABOUT = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
"""Files that the `datasets` library lays beside the data."""
KNOWN = (
    "*.parquet, *.arrow, *.jsonl, *.json, *.csv, *.tsv, *.xml, *.yaml, *.xlsx (each also .gz, .zst, .bz2, .xz), "
    "*.zip and *.tar"
)


def name_form(path: str) -> tuple[Form, str | None] | None:
    """(form, compression) of a file, by its name; None where the name says nothing."""
    stem, end = os.path.splitext(path.lower())
    if end in TARS:
        return "tar", TARS[end]
    compression = COMPRESSIONS.get(end)
    if compression:
        end = os.path.splitext(stem)[1]
    form = FORMS.get(end)
    return None if form is None else (form, compression)


def is_data(path: str) -> bool:
    """Whether a file that a folder holds is read: hidden ones are not, nor what lies beside data to say what it is."""
    named = name_form(path)
    parts = path.split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return named is not None and not hidden and named[0] not in ALONE and parts[-1].lower() not in ABOUT


def sniff_form(head: bytes) -> tuple[Form, str | None] | None:
    """(form, compression) of a file that its name does not tell, by its first bytes."""
    for magic, compression in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ", "xz")):
        if head.startswith(magic):
            return "json", compression
    for magic, form in _MAGIC:
        if head.startswith(magic):
            return form, None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return "json", None
    return ("xml", None) if text[:5] == b"<?xml" else None


_MAGIC: tuple[tuple[bytes, Form], ...] = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"PK\x03\x04", "zip"))
