"""One source of the config as rows in the contract's names: preset, column mapping, defaults; checked up front."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pipeline.ingest.code_presets import choose_code_preset
from pipeline.ingest.code_source import GYM, read_code, read_gym_code
from pipeline.ingest.files import read_rows
from pipeline.ingest.gym import read_gym
from pipeline.ingest.held import take
from pipeline.ingest.hub import read_dataset
from pipeline.ingest.labels import extract_label
from pipeline.ingest.mapping import Column, list_columns, read_column, read_label, strip_affixes
from pipeline.ingest.presets import CONTRACT, Preset, choose_preset
from pipeline.ingest.recognize import Reading, find_nested, recognise, suggest_columns, unfold
from pipeline.ingest.recognize.values import reach
from schemas.config import ReadingConfig, SandboxConfig, Source
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError
from schemas.problem import PROBLEM_DTYPES

Row = dict[str, Any]

PLAIN, READING = SandboxConfig(), ReadingConfig()
SHOWN = 3
PEEK = 256
"""Rows looked at for a source's columns before anything runs: JSONL has no schema, and so many may be held."""


@dataclass(frozen=True)
class Opened:
    """A source that is open: its rows in the contract's names, and what was assumed about them."""

    rows: Iterator[Row]
    about: str | None = None
    """How its columns were recognised, with the share of its first rows that fits; None where config or preset say."""
    first: tuple[Row, ...] = ()
    """Three of its rows as they are read."""
    likely: str | None = None
    """A mapping to try where its rows turn out to be unreadable."""


def read_source(source: Source, sandbox: SandboxConfig = PLAIN, reading: ReadingConfig = READING) -> Iterator[Row]:
    """The rows of `open_source`."""
    return open_source(source, sandbox, reading).rows


def open_source(
    source: Source, sandbox: SandboxConfig = PLAIN, reading: ReadingConfig = READING, *, as_they_are: bool = False
) -> Opened:
    """Open `source` and check its columns now; then give its rows, at most `limit`, in the contract's names.

    Where neither config nor preset says what the columns are, and they are not the contract's, they are recognised by
    what stands in the first rows. With `as_they_are` rows that have the contract's names are not touched. `sandbox` is
    where programs run that a source brings along to make its tests, `reading` what a row may take.
    Columns that nothing names stay: under their own name, or inside `extra` where a contract name would misread
    them. Rows that the reader could not read come as `InvalidRow`. Raises InputError for a place, preset or
    mapped column that is not there.
    """
    code = choose_code_preset(source.preset, source.dataset) if source.reasoning_gym is None else None
    known = source.reasoning_gym is not None or code is not None
    preset = CONTRACT if known else choose_preset(source.preset, source.dataset)
    mapping: dict[str, Column] = {**preset.columns, **source.columns}
    unknown = sorted(set(mapping) - set(PROBLEM_DTYPES))
    if unknown:
        raise InputError(
            f"source {source.name!r}: columns: {unknown[0]!r} is no name of the contract"
            f"{_nearest(unknown[0], PROBLEM_DTYPES)}; the contract has: {', '.join(PROBLEM_DTYPES)}"
        )
    if code is not None:
        return Opened(read_code(source, code, reading))
    if source.reasoning_gym == GYM and source.domain == "code":
        return Opened(islice(read_gym_code(source.size, source.seed, source.params, sandbox), source.limit))
    rows = _open(source, preset, mapping, reading)
    rows = rows if source.limit is None else islice(rows, source.limit)
    first = take(rows, PEEK)
    columns = {column: None for row in first if not isinstance(row, InvalidRow) for column in row if column != WHERE}
    readable = [row for row in first if not isinstance(row, InvalidRow)]
    named = known or preset is not CONTRACT or _is_contract(mapping, readable)
    guessed = None if named else recognise(readable)
    if guessed is None and not named and (path := find_nested(readable)):
        rows = islice(unfold(chain(first, rows), path), source.limit)
        first = take(rows, PEEK)
        guessed = recognise([row for row in first if not isinstance(row, InvalidRow)])
    if guessed is not None:
        return _open_recognised(source, guessed, first, rows)
    if columns:
        _check_columns(source, mapping, list(columns), first)
    plain = as_they_are and preset is CONTRACT and not mapping and "domain" in columns and source.domain is None
    shape = (lambda row: row) if plain else _shape(source, preset, mapping, set(columns))
    shaped = (row if isinstance(row, InvalidRow) else shape(row) for row in chain(first, rows))
    return Opened(shaped, likely=suggest_columns(readable))


def _is_contract(mapping: Mapping[str, Column], rows: list[Row]) -> bool:
    """Whether rows are to be read by the contract's names: a config maps the statement, or they stand there."""
    if "statement" in mapping or not rows:
        return True
    columns = {column for row in rows for column in row}
    if "statement" not in columns:
        return False
    if "domain" in columns or mapping:
        return True
    texts = [row[name] for row in rows for name in ("tests", "solutions") if row.get(name) is not None]
    if any(not isinstance(value, list) for value in texts):
        return False
    tests = [test for row in rows for test in row.get("tests") or () if isinstance(row["tests"], list)]
    programs = [one for row in rows for one in row.get("solutions") or () if isinstance(row["solutions"], list)]
    if any(isinstance(test, Mapping) and "expected" not in test for test in tests) or any(
        isinstance(one, str) for one in programs
    ):
        return False
    return bool({"answer", "tests", "solutions"} & columns)


def _open_recognised(source: Source, guessed: Reading, first: list[Row], rows: Iterator[Row]) -> Opened:
    """Rows by what was recognised; what the config says of the source goes over it."""

    def shape(row: Row) -> Row:
        shaped = guessed.shape(row)
        if isinstance(shaped, InvalidRow):
            return shaped
        for name, column in source.columns.items():
            value = read_column(row, column)
            shaped[name] = read_label(value, "plain", row) if name == "answer" and source.label is None else value
        if source.label is not None:
            place = source.columns.get("answer") or (guessed.answer.column if guessed.answer else None)
            shaped["answer"] = read_label(read_column(row, place), source.label, row) if place else None
        shaped["statement"] = strip_affixes(shaped.get("statement"), source.strip_prefix, source.strip_suffix)
        if source.domain:
            shaped["domain"] = source.domain
        if source.language:
            shaped["language"] = source.language
        return shaped

    _check_columns(source, source.columns, list({column: None for row in first for column in row}), first, False)
    shown = [shape(row) for row in first[:SHOWN] if not isinstance(row, InvalidRow)]
    return Opened((shape(row) for row in chain(first, rows)), guessed.describe(), tuple(shown))


def _open(source: Source, preset: Preset, mapping: Mapping[str, Column], reading: ReadingConfig) -> Iterator[Row]:
    named = [path for column in mapping.values() for path in list_columns(column)]
    wanted = {path.partition(".")[0] for path in (*named, *preset.extra.values())}
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


def _check_columns(
    source: Source, mapping: Mapping[str, Column], columns: list[str], rows: list[Row], statement: bool = True
) -> None:
    asked = {"statement": mapping.get("statement", "statement")} if statement else {}
    asked |= {name: path for name, path in mapping.items() if name == "answer" or name in source.columns}
    for name, path in ((name, path) for name, column in asked.items() for path in list_columns(column)):
        head, _, below = path.partition(".")
        if head in columns and (not below or any(read_column(row, path) is not None for row in rows)):
            continue
        meant = f"column {path!r}" + (f" (for {name})" if path != name else "")
        seen = "there are" if len(rows) < PEEK else f"its first {PEEK} rows have"
        fix = f"map it with `columns: {{{name}: ...}}` or name a `preset`"
        likely = suggest_columns(rows) if name == "statement" and "statement" not in source.columns else None
        fix += f"; likely: `{likely}`" if likely else ""
        fix += (
            f"; without the preset {source.preset!r} they are read as {other}"
            if (other := _other(source, rows))
            else ""
        )
        raise InputError(
            f"source {source.name!r} has no {meant}{_nearest(path, columns)}{_inside(path, rows)}; "
            f"{seen}: {', '.join(columns)}; {fix}"
        )


def _other(source: Source, rows: list[Row]) -> str | None:
    """What the rows would be recognised as, where a preset that they do not fit stands in the way."""
    guessed = recognise(rows) if source.preset is not None else None
    return guessed.describe() if guessed else None


def _inside(path: str, rows: list[Row]) -> str:
    """What there is where a dotted path stops to lead on."""
    keys = path.split(".")
    for depth in range(len(keys) - 1, 0, -1):
        objects = [value for row in rows if isinstance(value := reach(row, keys[:depth]), Mapping)]
        if objects:
            there = list({key: None for value in objects for key in value})
            near = difflib.get_close_matches(keys[depth], there, n=1, cutoff=0.6)
            meant = f", did you mean {'.'.join([*keys[:depth], *near])!r}?" if near else ""
            return f"; {'.'.join(keys[:depth])!r} has: {', '.join(map(str, there))}{meant}"
    return ""


def _nearest(name: str, there: Any) -> str:
    near = difflib.get_close_matches(name, list(there), n=1, cutoff=0.6)
    return f", but {near[0]!r}" if near else ""


def _shape(source: Source, preset: Preset, mapping: Mapping[str, Column], columns: set[str]) -> Callable[[Row], Row]:
    plain = preset is CONTRACT
    own: dict[str, Column] = {name: name for name in (PROBLEM_DTYPES if plain else ("source_id",))}
    whole = own | dict(mapping)
    gone = {path for column in whole.values() for path in list_columns(column) if "." not in path}
    gone -= set(preset.extra.values())
    gone |= {*preset.without, *preset.extra.values(), WHERE}
    named = PROBLEM_DTYPES.keys()
    label = "given" if "answer" in source.columns else preset.label
    language = source.language or preset.language
    domain = source.domain or preset.domain
    domain_given = plain and "domain" in columns

    def shape(row: Row) -> Row:
        shaped: Row = {WHERE: row.get(WHERE)}
        for name, column in whole.items():
            value = row.get(column) if isinstance(column, str) and "." not in column else read_column(row, column)
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
        for prefix, suffix in ((preset.prefix, preset.suffix), (source.strip_prefix, source.strip_suffix)):
            if prefix or suffix:
                shaped["statement"] = strip_affixes(shaped.get("statement"), prefix, suffix)
        answer = shaped.get("answer")
        if source.label is not None and answer is not None:
            shaped["answer"] = read_label(answer, source.label, row)
        elif isinstance(answer, str) and shaped.get("domain") == "math" and source.reasoning_gym is None:
            stripped = extract_label(answer, label)
            shaped["answer"] = None if stripped in preset.missing else stripped
        return shaped

    return shape
