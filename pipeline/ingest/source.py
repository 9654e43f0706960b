"""One source of the config as rows in the contract's names: preset, column mapping, defaults; checked up front."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from pipeline.ingest.code_presets import choose_code_preset
from pipeline.ingest.code_source import GYM, read_code, read_gym_code
from pipeline.ingest.files import read_rows
from pipeline.ingest.gym import read_gym
from pipeline.ingest.held import take
from pipeline.ingest.hub import read_dataset
from pipeline.ingest.labels import extract_label
from pipeline.ingest.presets import CONTRACT, Preset, choose_preset
from schemas.config import ReadingConfig, SandboxConfig, Source
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError
from schemas.problem import PROBLEM_DTYPES

Row = dict[str, Any]

PLAIN, READING = SandboxConfig(), ReadingConfig()
PEEK = 256
"""Rows looked at for a source's columns before anything runs: JSONL has no schema, and so many may be held."""


def read_source(source: Source, sandbox: SandboxConfig = PLAIN, reading: ReadingConfig = READING) -> Iterator[Row]:
    """Open `source` and check its columns now; then give its rows, at most `limit`, in the contract's names.

    `sandbox` is where programs run that a source brings along to make its tests, `reading` what a row may take.
    Columns that nothing names stay: under their own name, or inside `extra` where a contract name would misread
    them. Rows that the reader could not read come as `InvalidRow`. Raises InputError for a place, preset or
    mapped column that is not there.
    """
    code = choose_code_preset(source.preset, source.dataset) if source.reasoning_gym is None else None
    known = source.reasoning_gym is not None or code is not None
    preset = CONTRACT if known else choose_preset(source.preset, source.dataset)
    mapping = preset.columns | source.columns
    unknown = sorted(set(mapping) - set(PROBLEM_DTYPES))
    if unknown:
        raise InputError(
            f"source {source.name!r}: columns: {unknown[0]!r} is no name of the contract"
            f"{_nearest(unknown[0], PROBLEM_DTYPES)}; the contract has: {', '.join(PROBLEM_DTYPES)}"
        )
    if code is not None:
        return read_code(source, code, reading)
    if source.reasoning_gym == GYM and source.domain == "code":
        return islice(read_gym_code(source.size, source.seed, source.params, sandbox), source.limit)
    rows = _open(source, preset, mapping, reading)
    rows = rows if source.limit is None else islice(rows, source.limit)
    first = take(rows, PEEK)
    columns = {column: None for row in first if not isinstance(row, InvalidRow) for column in row if column != WHERE}
    if columns:
        _check_columns(source, mapping, list(columns), first)
    shape = _shape(source, preset, mapping, set(columns))
    return (row if isinstance(row, InvalidRow) else shape(row) for row in chain(first, rows))


def _open(source: Source, preset: Preset, mapping: Mapping[str, str], reading: ReadingConfig) -> Iterator[Row]:
    wanted = {path.partition(".")[0] for path in (*mapping.values(), *preset.extra.values())}
    without = frozenset(preset.without) - wanted
    if source.files is not None:
        return read_rows(source.files, without, reading)
    if source.dataset is not None:
        split = source.split or preset.split
        return read_dataset(
            source.dataset,
            source.subset,
            split,
            source.revision,
            source.streaming,
            without,
            preset.subset,
        )
    assert source.reasoning_gym is not None
    return read_gym(source.reasoning_gym, source.size, source.seed, source.params)


def _check_columns(source: Source, mapping: Mapping[str, str], columns: list[str], rows: list[Row]) -> None:
    asked = {"statement": mapping.get("statement", "statement")}
    asked |= {name: path for name, path in mapping.items() if name == "answer" or name in source.columns}
    for name, path in asked.items():
        head, _, below = path.partition(".")
        if head in columns and (not below or any(_reach(row, path.split(".")) is not None for row in rows)):
            continue
        meant = f"column {path!r}" + (f" (for {name})" if path != name else "")
        seen = "there are" if len(rows) < PEEK else f"its first {PEEK} rows have"
        fix = f"map it with `columns: {{{name}: ...}}` or name a `preset`"
        raise InputError(
            f"source {source.name!r} has no {meant}{_nearest(path, columns)}; {seen}: {', '.join(columns)}; {fix}"
        )


def _nearest(name: str, there: Any) -> str:
    near = difflib.get_close_matches(name, list(there), n=1, cutoff=0.6)
    return f", but {near[0]!r}" if near else ""


def _shape(source: Source, preset: Preset, mapping: Mapping[str, str], columns: set[str]) -> Callable[[Row], Row]:
    plain = preset is CONTRACT
    whole = {name: name for name in (PROBLEM_DTYPES if plain else ("source_id",))} | dict(mapping)
    paths = {name: path.split(".") for name, path in whole.items()}
    gone = {path for path in whole.values() if "." not in path} - set(preset.extra.values())
    gone |= {*preset.without, *preset.extra.values(), WHERE}
    named = PROBLEM_DTYPES.keys()
    label = "given" if "answer" in source.columns else preset.label
    language = source.language or preset.language
    domain = source.domain or preset.domain
    domain_given = plain and "domain" in columns

    def shape(row: Row) -> Row:
        shaped: Row = {WHERE: row.get(WHERE)}
        for name, path in paths.items():
            value = row.get(path[0]) if len(path) == 1 else _reach(row, path)
            if value is not None:
                shaped[name] = value
        more = {name: row[column] for name, column in preset.extra.items() if row.get(column) is not None}
        for column, value in row.items():
            if column not in gone and value is not None:
                (more if column in named else shaped)[column] = value
        if more:
            shaped["extra"] = more if "extra" not in shaped else {"extra": shaped["extra"], **more}
        if source.domain or not domain_given:
            shaped["domain"] = domain if source.domain else shaped.get("domain", domain)
        if source.language or "language" not in shaped:
            shaped["language"] = language
        if preset.prefix or preset.suffix:
            shaped["statement"] = _unwrap(shaped.get("statement"), preset)
        answer = shaped.get("answer")
        if isinstance(answer, str) and shaped.get("domain") == "math" and source.reasoning_gym is None:
            stripped = extract_label(answer, label)
            shaped["answer"] = None if stripped in preset.missing else stripped
        return shaped

    return shape


def _unwrap(statement: Any, preset: Preset) -> Any:
    if not isinstance(statement, str):
        return statement
    return statement.strip().removeprefix(preset.prefix).removesuffix(preset.suffix).strip()


def _reach(value: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
