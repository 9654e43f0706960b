"""A file of problems where a command takes a run config: what is assumed of it, and how its rows are read."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.stage_file import name_source
from pipeline.text.visible import print_visible
from schemas.errors import InputError
from schemas.load import build_config, load_config
from schemas.yaml_text import YamlError, read_yaml

if TYPE_CHECKING:
    from pipeline.ingest.source import Opened
    from schemas.config import Config, Source

YAML = (".yaml", ".yml")
EMBEDDED: dict[str, Any] = {
    "model": {"name": "embedded", "max_model_len": 2048},
    "prompt": {"template": "raw", "chat": False},
    "sampling": {"max_tokens": 64, "stop_strings": ["\n\n"]},
    "verify": {"extract": "last"},
}
"""The embedded model passes next to nothing behind a chat template; asked the raw question it ends in a line or two."""
SHOWN = 100
"""Characters of a statement or label that are shown."""


def is_config(place: str) -> bool:
    """Whether `place` is a run config: YAML with a `sources` or `run` key, or one that cannot be read. All else is
    data."""
    path = Path(place)
    if path.suffix.lower() not in YAML or not path.is_file():
        return path.suffix.lower() in YAML
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (YamlError, OSError, UnicodeDecodeError):
        return True
    return not isinstance(data, dict) or bool({"sources", "run"} & data.keys())


def build_settings(place: str, preset: str | None, columns: Sequence[str], overrides: Sequence[str]) -> "Config":
    """The config at `place`, or one for the data there, whose run's folder lies beside it. Raises InputError."""
    if is_config(place):
        if preset or columns:
            raise InputError(f"{place}: a run config has `preset` and `columns` at its sources; write them there")
        return load_config(place, overrides)
    source = {"name": name_source(place), "files": place, "preset": preset, "columns": read_columns(columns)}
    data = {"run": name_run(place), "sources": [source]}
    settings = build_config(data, overrides, where=place)
    if settings.model == type(settings.model)():
        settings = build_config({**EMBEDDED, **data}, overrides, where=place)
    return settings


def name_run(place: str) -> str:
    """The run's folder: beside a file of this machine, under `runs` for an address."""
    if "://" in place:
        return f"runs/{name_source(place)}"
    path = Path(place)
    return str((path if path.name else path.absolute()).parent / f"{name_source(place)}-run")


def read_columns(pairs: Sequence[str]) -> dict[str, str]:
    """`answer=final` pairs, several with commas between, or a YAML mapping. Raises InputError."""
    columns: dict[str, str] = {}
    for given in pairs:
        text = given.strip()
        if text.startswith("{"):
            try:
                read = read_yaml(text)
            except YamlError as error:
                raise InputError(f"--columns {given}: {error}") from None
            columns |= {str(name): str(column) for name, column in read.items()}
            continue
        for pair in text.split(","):
            name, equals, column = pair.partition("=")
            if not equals or not name.strip() or not column.strip():
                raise InputError(f"--columns {given}: write NAME=COLUMN, such as statement=question,answer=final")
            columns[name.strip()] = column.strip()
    return columns


def choose_source(place: str, settings: "Config", preset: str | None, columns: Sequence[str]) -> "Source":
    """The source of a command that takes a file: the config's own where it has one of that file, else a plain one."""
    named = next((source for source in settings.sources if source.files == place), None)
    first = settings.sources[0]
    if named is None and first.files == "-":
        named = first.model_copy(update={"name": name_source(place), "files": place})
    if named is None:
        named = type(first)(name=name_source(place), files=place)
    update = {"preset": preset or named.preset, "columns": {**named.columns, **read_columns(columns)}}
    return named.model_copy(update=update)


def show_sources(settings: "Config") -> None:
    """Print how the sources that neither preset nor columns describe are read. Raises InputError."""
    from pipeline.ingest.source import open_source

    for source in settings.sources:
        if source.files is not None and source.preset is None and "statement" not in source.columns:
            show_opened(open_source(source, settings.sandbox, settings.reading))


def show_opened(opened: "Opened") -> None:
    """Print what was recognised, and three rows as they are read."""
    if opened.about is None:
        return
    lines = [f"read as  {opened.about}"]
    for row in opened.first:
        lines.append(f"  {_shorten(row.get('statement'))}  =>  {_describe(row)}")
    lines.append("  (another reading: --columns answer=COLUMN, --preset NAME, or the keys of a config's source)")
    print_visible("\n".join(lines), sys.stderr)


def _describe(row: dict[str, Any]) -> str:
    if row.get("domain") != "code":
        return _shorten(row.get("answer"))
    name = f", {row['entry_point']}()" if row.get("entry_point") else ""
    return f"{len(row.get('tests') or ())} tests, {len(row.get('solutions') or ())} programs{name}"


def _shorten(value: Any) -> str:
    text = "no label" if value is None else " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]} ..."
