"""Export the curriculum of a run: its table, and the rows of one trainer in its order."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.progress import advance, track
from pipeline.publish.curriculum.options import choose_options
from pipeline.publish.curriculum.plan import PLAN_DTYPES, find_bounds, name_band, plan_curriculum
from pipeline.publish.curriculum.sorting import Row, SortedRows
from pipeline.publish.curriculum.table import FROM_CURATED, NAME, RECENT_DTYPES, TABLE_DTYPES
from pipeline.publish.export.formats import FORMATS, Format
from pipeline.publish.export.item import Item, read_item
from pipeline.publish.export.rows import Unsayable
from pipeline.publish.export.run import NAME as DESCRIPTION
from pipeline.publish.export.run import TEST, TRAIN, Exported, check_target, describe_export, read_run_config
from pipeline.publish.export.sidecars import BESIDE, name_data_folder
from pipeline.publish.export.write import Files
from pipeline.publish.held_out import find_families, is_held_out
from pipeline.publish.manifest import describe_bytes
from pipeline.publish.shards import CURATED_DTYPES
from pipeline.run.evidence import find_graded
from pipeline.run.layout import CURATED, shard_of
from pipeline.run.replacement import finish_replacement
from pipeline.run.storage import RunFolder
from schemas.config import Config, CurriculumConfig
from schemas.config.curriculum import RETIRED
from schemas.errors import InputError

UNUSED = "unused"
"""The file of a trainer's rows without a place in the order: retired, or beyond a quota."""
HELD_OUT = "is held out of training"
UNRATED = "has no pass rate"
SOLVED = "is solved nearly always by the rollouts"
BEYOND = "is beyond the quota of its domain"


@dataclass(frozen=True)
class _Problem:
    """One curated problem: its row, what the model sees, its split, and the trainer's row or why there is none."""

    row: Mapping[str, Any]
    item: Item
    split: str
    written: Row | None
    unsayable: str | None


def export_curriculum(run: str, out: str, overrides: Sequence[str] = ()) -> Exported:
    """Write the curriculum of `run` to `out`: curriculum.parquet, the rows of `curriculum.trainer` in order, and
    export.json with the options under which the trainer keeps that order.

    Held-out problems (`train.evaluation.share`) stand in the table without a position, and in the trainer's `test`.
    Replaces a curriculum that is there. Raises InputError.
    """
    folder, config = read_run_config(run, overrides)
    target = RunFolder(out)
    finish_replacement(target)
    before = check_target(target, NAME)
    format = FORMATS[config.curriculum.trainer] if config.curriculum.trainer else None
    with track("plan", sum(map(folder.count_rows, folder.list(CURATED)))):
        rated = [
            _describe_rate(problem, config.curriculum)
            for shard in _read_shards(folder, config, format)
            for problem in shard
        ]
    schema = {"id": pl.String, "domain": pl.String, "rate": pl.Float64, "left_out": pl.String}
    table = plan_table(pl.DataFrame(rated, schema=schema, orient="row"), config.curriculum)
    exported = Exported(NAME, out, problems=table["position"].count())
    exported.left_out.update(count_left_out(table))
    if not exported.problems:
        why = "; ".join(f"{count} {reason}" for reason, count in exported.left_out.items())
        raise InputError(f"{run}: nothing to export as {NAME}: {why or 'no curated problem'}")
    with ExitStack() as stack:
        files = [stack.enter_context(Files(target, ".parquet", TABLE_DTYPES, config.publish.row_group_rows))]
        if format:
            files.append(stack.enter_context(open_rows(target, format, config)))
        stack.enter_context(track("export", table.height))
        _write(folder, config, format, table, files)
    for each in files:
        exported.rows |= each.counts
    written = {file: {"rows": rows, **describe_bytes(target, file)} for file, rows in sorted(exported.rows.items())}
    trainer = config.curriculum.trainer
    for file, text in (BESIDE[trainer](config, exported.rows) if trainer in BESIDE else {}).items():
        target.write_bytes(file, text.encode())
        written[file] = describe_bytes(target, file)
    description = describe_export(folder, config, exported) | {"folder": name_prefix(config)}
    target.write_json(DESCRIPTION, description | describe_curriculum(config, table, written))
    for file in before - written.keys():
        target.remove(file)
    return exported


def plan_table(problems: pl.DataFrame, config: CurriculumConfig) -> pl.DataFrame:
    """`id`, `rate`, `graded_band`, `PLAN_DTYPES` and `left_out` of each problem (`id`, `domain`, `rate`, `left_out`,
    and `band` where rollouts have changed it); `left_out` says of every one without a position why that is so.
    """
    plan = plan_curriculum(problems.filter(pl.col("left_out").is_null()).drop("left_out"), config)
    joined = problems.select("id", "rate", "left_out").join(plan, on="id", how="left", maintain_order="left")
    why = (
        pl.when(pl.col("rate").is_null())
        .then(pl.lit(UNRATED))
        .when(pl.col("band") == RETIRED)
        .then(pl.lit(SOLVED))
        .otherwise(pl.lit(BEYOND))
    )
    graded = name_band(pl.col("rate"), config.bands)
    return joined.with_columns(
        pl.col("weight").fill_null(0.0),
        band=pl.coalesce("band", graded),
        graded_band=graded,
        left_out=pl.coalesce("left_out", pl.when(pl.col("position").is_null()).then(why)),
    )


def count_left_out(table: pl.DataFrame) -> dict[str, int]:
    """Reason -> problems without a position, most first; those that are held out are no loss and not among them."""
    reasons = Counter(table["left_out"].drop_nulls().to_list())
    return {reason: count for reason, count in reasons.most_common() if reason != HELD_OUT}


def open_rows(target: RunFolder, format: Format, config: Config) -> Files:
    """The files of a trainer's rows."""
    chat = config.prompt.chat or format.chat_only
    return Files(target, format.suffix, format.schema(chat), config.publish.row_group_rows)


def write_sorted(files: Files, rows: SortedRows, prefix: str, positions: int, shards: int) -> None:
    """Write a trainer's rows in order: `positions` of them into `shards` files of a Parquet trainer or one of another,
    what has a place behind those into `unused`.
    """

    def name(place: int) -> str:
        if place >= positions:
            return f"{prefix}{UNUSED}"
        return f"{prefix}{TRAIN}-{place * shards // positions:05d}" if shards > 1 else f"{prefix}{TRAIN}"

    for bucket in rows.drain():
        by_file: dict[str, list[Row]] = {}
        for place, row in bucket:
            by_file.setdefault(name(place), []).append(row)
        for file, some in by_file.items():
            files.write(file, some)


def count_shards(format: Format, config: CurriculumConfig, positions: int) -> int:
    """How many files the order is cut into: one where the trainer's loader takes one."""
    return min(config.shards, positions) if format.suffix == ".parquet" else 1


def name_prefix(config: Config) -> str:
    """The folder of a trainer's data files in the export."""
    return name_data_folder(config.curriculum.trainer or "", config.run)


def describe_curriculum(config: Config, table: pl.DataFrame, files: Mapping[str, Any]) -> dict[str, Any]:
    """What export.json says of the bands, of the trainer's options, and of the `files`."""
    trainer = config.curriculum.trainer
    train = [file for file in files if file.rpartition("/")[2].startswith(TRAIN)]
    bands = Counter(table.filter(pl.col("position").is_not_null())["band"].to_list())
    return {
        "curriculum": config.curriculum.model_dump(mode="json"),
        "keep": config.keep.model_dump(mode="json"),
        "bands": [
            {"band": band, "above": low, "up_to": high, "problems": bands[band]}
            for band, (low, high) in find_bounds(config.curriculum.bands).items()
        ],
        "trainer": choose_options(trainer, train, config).describe() if trainer else None,
        "files": files,
    }


def _read_shards(folder: RunFolder, config: Config, format: Format | None) -> Iterator[list[_Problem]]:
    """The curated problems, a shard at a time, with the columns of today."""
    graded = find_graded(folder)
    number: Counter[str] = Counter()
    for name in folder.list(CURATED):
        shard = folder.read_table(name)
        families = find_families(folder.read_table(graded.get(shard_of(name), name), ["id", "parent_id"]))
        problems = []
        for row in _complete(shard).iter_rows(named=True):
            held = is_held_out(families.get(row["id"], row["id"]), config.train.evaluation.share)
            split = TEST if held else TRAIN
            item = read_item(row, config)
            written, why = None, None
            if format is not None and format.write is not None:
                try:
                    written = format.write(item, number[split], split)
                    number[split] += 1
                except Unsayable as reason:
                    why = str(reason)
            problems.append(_Problem(row, item, split, written, why))
        yield problems
        advance(len(problems))


def _complete(shard: pl.DataFrame) -> pl.DataFrame:
    """A curated table of any version with all columns of `FROM_CURATED`: null where that version kept none."""
    missing = [pl.lit(None, CURATED_DTYPES[name]).alias(name) for name in FROM_CURATED if name not in shard.columns]
    return shard.with_columns(missing)


def _describe_rate(problem: _Problem, config: CurriculumConfig) -> tuple[str, str, float | None, str | None]:
    """Id, domain, the pass rate that sets the band, and why the problem is not trained on."""
    row = problem.row
    rate = row["pass_rate"]
    if config.grader is not None:
        rates = [one["pass_rate"] for one in row["graders"] or () if one["model"] == config.grader]
        rate = next((one for one in reversed(rates) if one is not None), None)
    left_out = HELD_OUT if problem.split == TEST else problem.unsayable
    return row["id"], row["domain"], rate, left_out


def _write(
    folder: RunFolder, config: Config, format: Format | None, table: pl.DataFrame, files: Sequence[Files]
) -> None:
    plan = {row["id"]: row for row in table.iter_rows(named=True)}
    positions = table["position"].count()
    prefix = name_prefix(config)
    behind = positions
    nothing_recent = dict.fromkeys(RECENT_DTYPES)
    columns = ("rate", "graded_band", *PLAN_DTYPES, "left_out")
    with SortedRows() as rows:
        for shard in _read_shards(folder, config, format):
            lines = []
            for problem in shard:
                place = plan[problem.item.id]
                lines.append(
                    {name: problem.row[name] for name in FROM_CURATED}
                    | {"split": problem.split, **{name: place[name] for name in columns}, **nothing_recent}
                    | {"statement": problem.item.statement, "prompt": problem.item.user}
                )
                if problem.written is None:
                    continue
                if problem.split == TEST:
                    files[1].write(f"{prefix}{TEST}", [problem.written])
                elif place["position"] is not None:
                    rows.add(place["position"], problem.written)
                else:
                    rows.add(behind, problem.written)
                    behind += 1
            files[0].write(NAME, lines)
        if format is not None:
            write_sorted(files[1], rows, prefix, positions, count_shards(format, config.curriculum, positions))
