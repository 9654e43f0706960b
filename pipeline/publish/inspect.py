"""Look at a run, a folder of tables or a file in the terminal; or at one problem, with all that the run knows of it."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.ingest.files import FolderTree, Place, find_files, read_files, read_rows
from pipeline.labels.flags import Flags, read_flags
from pipeline.publish.report.formatting import count, meaning, plain, plural, share
from pipeline.run.evidence import find_samples, read_evidence
from pipeline.run.layout import (
    CURATED,
    DECISIONS,
    MANIFEST,
    PROBLEMS,
    REJECTED,
    SAMPLES,
    STAGES,
    TABLE_FOLDERS,
    shard_of,
    split_name,
)
from pipeline.run.ranged import list_protocols, open_ranged, read_columns, read_first_rows, read_schema
from pipeline.run.storage import RunFolder
from pipeline.text.visible import make_visible
from schemas.errors import InputError
from schemas.reasons import SECOND_OPINION
from schemas.sample import SAMPLE_ROWS

COUNTED = ("stage", "reason", "decision", "verdict", "source", "domain", "language", "model")
"""Columns with few values, counted wherever they stand."""
SHORT = 160
"""Characters of a text in a table, unless in full."""
LISTED = 12
"""Values of a column that are counted by name; the rest is summed up."""
NAMED = 5000
"""Names that an unknown id is compared with."""


def inspect_path(path: str, *, problem: str | None = None, rows: int = 5, full: bool = False, console: Console) -> None:
    """Print schema, counts and `rows` rows of `path`, or one problem: by id, by the beginning of it, or by source_id.

    `path` is a run's folder, a folder of tables, or a Parquet or JSONL file (any fsspec URL). Texts are shortened
    unless `full`. Raises InputError where nothing is there, and where `problem` names no problem or several.
    """
    folder = RunFolder(path)
    is_run = any(folder.exists(name) for name in (*TABLE_FOLDERS, MANIFEST))
    if is_run and problem is not None:
        _show_problem(folder, _find_problem(folder, problem), full, console)
    elif is_run:
        _show_run(folder, rows, full, console)
    elif problem is not None:
        _show_row(path, problem, full, console)
    else:
        _show_files(path, rows, full, console)


def _show_run(folder: RunFolder, rows: int, full: bool, console: Console) -> None:
    from pipeline.publish.report.flow import count_flow

    stages, sources = count_flow(folder)
    came, kept = (stages[0].came, stages[-1].kept) if stages else (0, 0)
    console.print(Text(f"{folder.root}: {plural(came, 'problem')} in, {count(kept)} kept", style="bold"))
    steps = _table("stage", "in>", "kept>", "left out>", "waiting>")
    for stage in stages:
        out = sum(stage.rejected.values())
        steps.add_row(plain(stage.name), *(count(n) for n in (stage.came, stage.kept, out, stage.waiting)))
    reasons = _table("left out because", "problems>", "share>", "meaning")
    for stage in stages:
        for reason, problems in stage.rejected.items():
            reasons.add_row(clean(reason), count(problems), share(problems, came), meaning(reason))
    origins = _table("source", "in>", "kept>", "share>")
    for source in sources[:LISTED]:
        origins.add_row(clean(source.name), count(source.came), count(source.kept), share(source.kept, source.came))
    for table in (steps, reasons, origins):
        if table.row_count:
            console.print(table)
    if len(sources) > LISTED:
        console.print(f"and {plural(len(sources) - LISTED, 'smaller source')}")
    _show_flags(read_flags(folder), console)
    samples = sum(folder.count_rows(name) for name in folder.list(SAMPLES))
    console.print(f"{plural(samples, 'sample row')} in {plural(len(folder.list(SAMPLES)), 'file')}")
    shown = next((tables for tables in (CURATED, PROBLEMS, REJECTED) if folder.list(tables)), None)
    if shown:
        console.print()
        _show_files(f"{folder.root.rstrip('/')}/{shown}", rows, full, console)


def _show_flags(flags: Flags, console: Console) -> None:
    """The newest labels that wait for a review; `goldilocks view` has them all."""
    if flags.open:
        table = _table("flagged for review", "note", "label", "when")
        for flag in flags.open[: -LISTED - 1 : -1]:
            label = flag.seen.get("answer")
            answer = clean(_shorten(label, False)) if label is not None else Text("none", style="dim")
            table.add_row(clean(flag.problem_id), clean(_shorten(flag.note, False)), answer, clean(flag.made[:10]))
        console.print(table)
    if len(flags.open) > LISTED:
        console.print(f"and {plural(len(flags.open) - LISTED, 'older flag')}")
    for name, why in flags.unreadable.items():
        console.print(Text(make_visible(f"{name} cannot be read as a flag: {why}"), style="red"))


def _show_files(path: str, rows: int, full: bool, console: Console) -> None:
    """Schema, counts and a few rows of all tables below `path` taken together."""
    schema: dict[str, str] = {}
    counts: dict[str, Counter[str]] = {}
    first: list[dict[str, Any]] = []
    total = 0
    files = find_files(path)
    tables = [file for file in files if file.form == "parquet" and file.compression is None]
    for file in tables:
        assert isinstance(file.tree, FolderTree), "only an archive's members are no files of a filesystem"
        try:
            types, height, counted, head = _look_at_table(file.tree.fs, file.path, rows - len(first))
        except InputError:
            raise
        except (OSError, ValueError, pl.exceptions.ComputeError) as error:
            raise InputError(f"{file.name}: not a Parquet file ({error}); write it again") from None
        total += height
        schema |= {column: str(dtype) for column, dtype in types.items() if column not in schema}
        for column in counted.columns:
            _add(counts, column, counted[column].to_list())
        first += head
    for row in _read_others([file for file in files if file not in tables]):
        total += 1
        schema |= {key: type(value).__name__ for key, value in row.items() if key not in schema and value is not None}
        for column in COUNTED:
            if isinstance(row.get(column), str):
                _add(counts, column, [row[column]])
        if len(first) < rows:
            first.append(row)
    console.print(Text(f"{path}: {plural(total, 'row')} in {plural(len(files), 'file')}", style="bold"))
    columns = _table("column", "type")
    for column, dtype in schema.items():
        columns.add_row(clean(column), Text(make_visible(dtype), style="dim"))
    console.print(columns)
    for column, values in counts.items():
        console.print(_count_values(column, values, total))
    for at, row in enumerate(first):
        console.print(_show_fields(row, full, f"row {at}"))


def _look_at_table(fs: Any, place: str, rows: int) -> tuple[pl.Schema, int, pl.DataFrame, list[dict[str, Any]]]:
    """(schema, rows in all, the columns that are counted, the first `rows` rows) of a Parquet file, of which nothing
    else is read."""
    if "file" in list_protocols(fs):
        table = pl.scan_parquet(place, glob=False)
        types, height = table.collect_schema(), table.select(pl.len()).collect().item()
        few = _choose_counted(types)
        counted = table.select(few).collect() if few else pl.DataFrame()
        return types, height, counted, table.head(rows).collect().to_dicts() if rows else []
    with open_ranged(fs, place) as file:
        types, height = read_schema(file)
        few = _choose_counted(types)
        counted = read_columns(file, few) if few else pl.DataFrame()
        return types, height, counted, read_first_rows(file, rows).to_dicts() if rows else []


def _choose_counted(types: pl.Schema) -> list[str]:
    return [column for column in COUNTED if types.get(column) == pl.String]


def _read_others(places: list[Place]) -> Iterator[dict[str, Any]]:
    for row in read_files(places):
        yield {key: value for key, value in row.items() if key != "_where"}


def _add(counts: dict[str, Counter[str]], column: str, values: Iterable[str | None]) -> None:
    counts.setdefault(column, Counter()).update("(null)" if value is None else value for value in values)


def _count_values(column: str, values: Counter[str], total: int) -> Table:
    table = _table(column, "rows>", "share>")
    for value, rows in values.most_common(LISTED):
        table.add_row(clean(value), count(rows), share(rows, total))
    rest = values.total() - sum(rows for _, rows in values.most_common(LISTED))
    if rest:
        table.add_row(Text(f"{len(values) - LISTED} more", style="dim"), count(rest), share(rest, total))
    return table


def _show_fields(row: dict[str, Any], full: bool, title: str) -> Panel:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in row.items():
        if value not in (None, [], ""):
            grid.add_row(clean(name), clean(_shorten(_say(value), full)))
    return Panel(grid, title=title, title_align="left", box=box.ROUNDED, border_style="dim")


def _say(value: Any) -> str:
    """A value as people read it: rates with three digits, steps and other records without their nulls."""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_say(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, list):
        return "; ".join(_say(inner) for inner in value)
    return str(value)


def _find_problem(folder: RunFolder, asked: str) -> str:
    """The id that `asked` means; raises InputError naming what is near, or all that it could mean."""
    exact: dict[str, str] = {}
    begun: dict[str, str] = {}
    names: dict[str, None] = {}
    for tables in (PROBLEMS, REJECTED, CURATED):
        for name in folder.list(tables):
            if split_name(name).stage == SAMPLE_ROWS:
                continue
            table = folder.read_table(name, ["id", "source", "source_id"])
            for id_, source, source_id in table.iter_rows():
                line = f"{id_} ({source}{f', {source_id}' if source_id else ''})"
                if asked in (id_, source_id):
                    exact[id_] = line
                elif id_ and id_.startswith(asked):
                    begun[id_] = line
                if len(names) < NAMED:
                    names |= {id_: None, source_id: None}
    return _choose_one(asked, exact or begun, [name for name in names if name], folder.root)


def _choose_one(asked: str, meant: dict[str, str], names: list[str], where: str) -> str:
    if len(meant) == 1:
        return next(iter(meant))
    if meant:
        some = "; ".join(list(meant.values())[:5])
        raise InputError(f"{where}: {asked!r} means {len(meant)} problems: {some}; give more of the id")
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(near)}?" if near else f"ids here are such as {', '.join(names[:3]) or 'none'}"
    raise InputError(f"{where}: no problem has the id or source_id {asked!r}; {hint}")


def _show_problem(folder: RunFolder, id_: str, full: bool, console: Console) -> None:
    rows = {
        name: table.row(0, named=True)
        for tables in (PROBLEMS, STAGES, REJECTED, CURATED)
        for name in folder.list(tables)
        if split_name(name).stage != SAMPLE_ROWS and not (table := _pick(folder, name, "id", id_)).is_empty()
    }
    name, row = list(rows.items())[-1]
    console.print(Text(f"problem {id_}", style="bold"), Text(f"in {name}", style="dim"))
    shown = {key: value for key, value in row.items() if key not in ("history", "id", "statement", "answer")}
    console.print(Panel(clean(row["statement"] or "(no statement)"), title="statement", title_align="left"))
    console.print(Text.assemble(("answer  ", "dim"), clean(row["answer"] if row["answer"] is not None else "(none)")))
    _show_outcome(rows, console)
    flags = read_flags(folder)
    for flag in flags.of(id_):
        console.print(Text.assemble(("flagged  ", "bold red"), clean(flag.note), (f"  {flag.made}", "dim")))
    history = _table("step>", "stage", "action", "detail")
    for at, step in enumerate(row["history"] or [], 1):
        history.add_row(str(at), *(clean(step[key] or "") for key in ("stage", "action", "detail")))
    if history.row_count:
        console.print(history)
    for decided in folder.list(DECISIONS):
        for decision in _pick(folder, decided, "problem_id", id_).iter_rows(named=True):
            console.print(_show_fields(decision, full, f"decision, pass {decision['grading_pass']}"))
    _show_samples(folder, id_, {shard_of(name) for name in rows}, full, console)
    console.print(_show_fields(shown, full, "further fields"))


def _show_outcome(rows: dict[str, dict[str, Any]], console: Console) -> None:
    """Which folder the problem is in now, and why; the same text may have come twice, and been rejected once."""
    ends = [(name, row) for name, row in rows.items() if split_name(name).folder in (REJECTED, CURATED)]
    for name, row in ends:
        if split_name(name).folder == CURATED:
            console.print(Text.assemble(("kept ", "bold yellow"), (f"in {name}", "dim")))
            continue
        because = Text.assemble(
            ("left out ", "bold red"), f"by {row['stage']}: {row['reason']} ({meaning(row['reason'])})"
        )
        console.print(because, Text(f"in {name}", style="dim"))
        if row["detail"]:
            console.print(Text.assemble(("detail  ", "dim"), clean(row["detail"])))
    if not ends:
        console.print(Text.assemble(("waiting ", "bold"), (f"in {list(rows)[-1]}; not decided yet", "dim")))


def _show_samples(folder: RunFolder, id_: str, shards: set[str], full: bool, console: Console) -> None:
    columns = ("tokens", "answer", "verdict", "verdict_detail", "finish_reason", "completion")
    tables = [
        read_evidence(folder, shard, files, columns).filter(pl.col("problem_id") == id_)
        for shard, files in find_samples(folder).items()
        if shard in shards
    ]
    samples = pl.concat(tables).sort("model", "index") if tables else pl.DataFrame()
    if samples.is_empty():
        console.print(Text("no samples", style="dim"))
        return
    table = _table("sample>", "verdict", "answer", "tokens>", "completion")
    for sample in samples.iter_rows(named=True):
        verdict = Text(sample["verdict"], style={"correct": "green", "wrong": ""}.get(sample["verdict"], "magenta"))
        if (sample["verdict_detail"] or "").startswith(SECOND_OPINION):
            verdict.append(f" ({SECOND_OPINION})", style="dim")
        answer = clean(_shorten(sample["answer"], full)) if sample["answer"] is not None else Text("none", style="dim")
        tokens = "" if sample["tokens"] is None else count(sample["tokens"])
        table.add_row(str(sample["index"]), verdict, answer, tokens, clean(_shorten(sample["completion"], full)))
    console.print(table)


def _show_row(path: str, asked: str, full: bool, console: Console) -> None:
    """One row of plain tables, by its id, source_id or problem_id."""
    keys = ("id", "source_id", "problem_id")
    names: dict[str, None] = {}
    exact: list[dict[str, Any]] = []
    begun: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(path):
        values = [str(row[key]) for key in keys if row.get(key) is not None]
        if asked in values:
            exact.append(row)
        elif values and values[0].startswith(asked):
            begun.setdefault(values[0], []).append(row)
        if len(names) < NAMED:
            names |= dict.fromkeys(values)
    if not exact:
        exact = begun[_choose_one(asked, {name: name for name in begun}, list(names), path)]
    for row in exact:
        console.print(_show_fields(row, full, str(row.pop("_where", path))))


def _pick(folder: RunFolder, name: str, key: str, id_: str) -> pl.DataFrame:
    """The rows of one problem; the whole table is read only where it has them."""
    ids = folder.read_table(name, [key])[key]
    return folder.read_table(name).filter(pl.col(key) == id_) if (ids == id_).any() else pl.DataFrame()


def _table(*heads: str) -> Table:
    """A plain table; a head that ends in > is one of numbers."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for head in heads:
        wide = head in ("completion", "detail", "meaning")
        table.add_column(
            head.rstrip(">"),
            justify="right" if head.endswith(">") else "left",
            overflow="fold",
            ratio=1 if wide else None,
        )
    return table


def _shorten(text: str, full: bool) -> str:
    """The beginning and the end on one line: an answer stands at the end."""
    if full or len(text) <= SHORT:
        return text if full else " ".join(text.split())
    flat = " ".join(text.split())
    half = SHORT // 2
    return flat if len(flat) <= SHORT else f"{flat[:half]} … {flat[-half:]}"


def clean(text: str) -> Text:
    """Text from data as it is: no markup of rich's, and no control codes that a terminal would obey."""
    return Text(make_visible(text))
