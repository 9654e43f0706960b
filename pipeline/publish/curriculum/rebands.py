"""Move problems between bands by what a trainer's own rollouts say of them, and say when to grade again.

A problem moves when the interval of its newest pass rate holds none of the rates of its band: one lucky group moves
nothing, and the same logs read twice move nothing twice.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from pipeline.decide.decide import rate_interval
from pipeline.progress import track
from pipeline.publish.curriculum.plan import PLAN_DTYPES, find_bounds, name_band
from pipeline.publish.curriculum.recognise import Prompts
from pipeline.publish.curriculum.rollouts import Rollout, read_parquet_rows, read_rollouts
from pipeline.publish.curriculum.sorting import Row, SortedRows
from pipeline.publish.curriculum.table import FILE, NAME, RECENT_DTYPES, TABLE_DTYPES
from pipeline.publish.curriculum.write import (
    BEYOND,
    SOLVED,
    UNRATED,
    UNUSED,
    count_left_out,
    count_shards,
    describe_curriculum,
    open_rows,
    plan_table,
    write_sorted,
)
from pipeline.publish.export.formats import FORMATS
from pipeline.publish.export.run import NAME as DESCRIPTION
from pipeline.publish.export.run import TRAIN
from pipeline.publish.export.write import Files
from pipeline.publish.manifest import describe_bytes
from pipeline.run.replacement import finish_replacement, open_pending, replace_files
from pipeline.run.storage import RunFolder
from schemas.config import Config, CurriculumConfig
from schemas.config.curriculum import RETIRED
from schemas.errors import InputError
from schemas.load import build_config

STEPS = 10
"""The newest steps whose groups say how much signal is left: as many as a stage of our own trainer looks at."""
_COUNTED = {"id": pl.String, "recent_n": pl.Int64, "recent_correct": pl.Int64, "last_step": pl.Int64}


@dataclass
class Rebanded:
    """What the rollouts said: how many were read, of how many problems; moves by band; and whether to grade again."""

    out: str
    read: int = 0
    unknown: int = 0
    unmatched: int = 0
    problems: int = 0
    last_step: int = 0
    moves: dict[str, int] = field(default_factory=dict)
    moved_share: float = 0.0
    signal: float | None = None
    grade_again: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)


@dataclass
class _Logged:
    """The rollouts of the logs by what they are told apart by: our id, or the prompt."""

    verdicts: dict[tuple[bool, str], list[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(list))
    read: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, rollouts: Iterable[Rollout]) -> "_Logged":
        logged = cls()
        for rollout in rollouts:
            logged.read += 1
            if rollout.right is None:
                logged.unknown += 1
                continue
            key = (True, rollout.problem) if rollout.problem is not None else (False, rollout.prompt)
            logged.verdicts[key].append((rollout.step, rollout.right))
        return logged


def reband(export: str, logs: str, overrides: Sequence[str] = (), reward: str | None = None) -> Rebanded:
    """Read the rollouts at `logs`, and write the curriculum in the folder `export` again with the bands and the order
    that they give. `overrides` set `curriculum` and `keep`; `reward` is TRL's column of the reward that counts.

    Raises InputError where `export` is no whole curriculum, and where no rollout is of one of its problems.
    """
    target = RunFolder(export)
    finish_replacement(target)
    there = target.read_json(DESCRIPTION) if target.exists(DESCRIPTION) else {}
    if there.get("format") != NAME:
        raise InputError(f"{export}: no curriculum is here; `goldilocks export {NAME} RUN {export}` makes one")
    config = _read_config(export, there, overrides)
    limits = config.curriculum
    with track("read rollouts", unit="", part=True):
        logged = _Logged.of(read_rollouts(logs, limits.correct_reward, reward))
    with track("recognise problems", unit="", part=True):
        verdicts = _match(target, logged)
    done = Rebanded(export, logged.read, logged.unknown, problems=len(verdicts))
    done.unmatched = logged.read - logged.unknown - sum(map(len, verdicts.values()))
    if not verdicts:
        raise InputError(
            f"{logs}: none of the {logged.read} rollouts is of a problem of {export}, with a verdict; are they of a "
            "run that trained on this curriculum?"
        )
    old = target.read_table(FILE, [name for name in TABLE_DTYPES if name not in ("statement", "prompt", "graders")])
    recent = measure_recent(verdicts, limits.recent)
    table = move_problems(old.drop(*RECENT_DTYPES).join(recent, on="id", how="left", maintain_order="left"), config)
    _count_moves(done, old, table, recent)
    done.last_step = max(recent["last_step"])
    done.signal = measure_signal(verdicts.values())
    done.grade_again = _find_reasons(done, limits)
    _write(target, there, config, table, done)
    return done


def measure_recent(verdicts: Mapping[str, Sequence[tuple[int, bool]]], newest: int) -> pl.DataFrame:
    """`id` and `RECENT_DTYPES` of each problem, from its `newest` verdicts (step, whether right)."""
    rows = []
    for id, each in verdicts.items():
        last = sorted(each, key=lambda verdict: verdict[0])[-newest:]
        rows.append((id, len(last), sum(right for _, right in last), last[-1][0]))
    table = pl.DataFrame(rows, schema=_COUNTED, orient="row")
    rate, low, high = rate_interval(pl.col("recent_correct"), pl.col("recent_n"))
    return table.with_columns(recent_rate=rate, recent_low=low, recent_high=high).select("id", *RECENT_DTYPES)


def move_problems(problems: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The table with the bands that its recent rates give, and a new plan: see the module."""
    limits = config.curriculum
    bounds = find_bounds(limits.bands) | {RETIRED: (config.keep.max / config.keep.of, 1.0)}
    low = pl.col("band").replace_strict({name: bound[0] for name, bound in bounds.items()}, return_dtype=pl.Float64)
    high = pl.col("band").replace_strict({name: bound[1] for name, bound in bounds.items()}, return_dtype=pl.Float64)
    solved = pl.col("recent_low") > config.keep.max / config.keep.of
    outside = (pl.col("recent_low") > high) | (pl.col("recent_high") <= low)
    enough = pl.col("recent_n") >= limits.min_recent
    band = (
        pl.when(enough & solved)
        .then(pl.lit(RETIRED))
        .when(enough & outside)
        .then(name_band(pl.col("recent_rate"), limits.bands))
        .otherwise("band")
    )
    moved = problems.with_columns(
        band=pl.when(enough & pl.col("band").is_null())
        .then(name_band(pl.col("recent_rate"), limits.bands))
        .otherwise(band),
        now=pl.when(enough).then("recent_rate").otherwise("rate"),
        # Why a problem had no place is asked again, unless it is held out or has no row in the trainer's form.
        left_out=pl.when(~pl.col("left_out").is_in([UNRATED, SOLVED, BEYOND])).then("left_out"),
    )
    plan = plan_table(moved.select("id", "domain", "left_out", "band", rate="now"), limits)
    kept = moved.drop(*PLAN_DTYPES, "left_out", "now")
    return kept.join(plan.drop("rate", "graded_band"), on="id", how="left", maintain_order="left")


def measure_signal(verdicts: Iterable[Sequence[tuple[int, bool]]]) -> float | None:
    """The share of groups (rollouts of a problem at a step, two at least) of the newest `STEPS` steps in which some are
    right and some are wrong; None without such a group.
    """
    groups: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for problem, each in enumerate(verdicts):
        for step, right in each:
            groups[step, problem].append(right)
    newest = sorted({step for step, _ in groups})[-STEPS:]
    mixed = [len(set(group)) > 1 for (step, _), group in groups.items() if step in newest and len(group) > 1]
    return sum(mixed) / len(mixed) if mixed else None


def _read_config(export: str, there: Mapping[str, Any], overrides: Sequence[str]) -> Config:
    allowed = ("curriculum.", "keep.")
    for override in overrides:
        if not override.startswith(allowed):
            raise InputError(f"--set {override}: rollouts move problems by `curriculum` and `keep` alone")
    data = {"run": export, "sources": [{"name": NAME, "files": "-"}]}
    data |= {name: there[name] for name in ("curriculum", "keep", "prompt")}
    return build_config(data, overrides, where=f"{export}/{DESCRIPTION}")


def _match(target: RunFolder, logged: _Logged) -> dict[str, list[tuple[int, bool]]]:
    """Problem -> its verdicts, in the order of the logs."""
    prompts = Prompts(text for by_id, text in logged.verdicts if not by_id)
    known = set()
    for row in read_parquet_rows(target, FILE, ["id", "statement", "prompt"]):
        known.add(row["id"])
        prompts.look_for(row["id"], {True: row["prompt"], False: row["statement"]})
    verdicts: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for (by_id, text), each in logged.verdicts.items():
        id = text if by_id else prompts.name(text)
        if id is not None and id in known:
            verdicts[id] += each
    return dict(verdicts)


def _count_moves(done: Rebanded, old: pl.DataFrame, table: pl.DataFrame, recent: pl.DataFrame) -> None:
    both = old.select("id", "band", "graded_band").join(table.select("id", now="band"), on="id")
    both = both.join(recent.select("id"), on="id", how="semi")
    moves = Counter(f"{was} -> {now}" for was, now in both.select("band", "now").iter_rows() if was != now)
    done.moves = dict(moves.most_common())
    left = both.filter(pl.col("graded_band") != pl.col("now")).height
    done.moved_share = left / both.height if both.height else 0.0


def _find_reasons(done: Rebanded, limits: CurriculumConfig) -> list[str]:
    """Why the problems should be graded again; none where they need not."""
    reasons = []
    if done.moved_share > limits.regrade_moved:
        reasons.append(
            f"{done.moved_share:.0%} of the problems in the logs have left the band that they were graded into "
            f"(curriculum.regrade_moved: {limits.regrade_moved:.0%})"
        )
    if done.signal is not None and done.signal < limits.regrade_signal:
        reasons.append(
            f"{done.signal:.0%} of the newest groups have both right and wrong rollouts "
            f"(curriculum.regrade_signal: {limits.regrade_signal:.0%})"
        )
    return reasons


def _write(target: RunFolder, there: Mapping[str, Any], config: Config, table: pl.DataFrame, done: Rebanded) -> None:
    """The curriculum again: the same rows under the new plan."""
    limits = config.curriculum
    format = FORMATS[limits.trainer] if limits.trainer else None
    positions = int(table["position"].count())
    data = [name for name in there["files"] if _is_sorted(name)]
    pending = open_pending(target)
    with ExitStack() as stack:
        files = [stack.enter_context(Files(pending, ".parquet", TABLE_DTYPES, config.publish.row_group_rows))]
        _rewrite_table(target, table, files[0])
        if format is not None:
            files.append(stack.enter_context(open_rows(pending, format, config)))
            rows = stack.enter_context(SortedRows())
            _sort_again(target, data, dict(table.select("id", "position").iter_rows()), rows, positions)
            write_sorted(files[1], rows, there.get("folder", ""), positions, count_shards(format, limits, positions))
    for each in files:
        done.files |= each.counts
    kept = {name: about for name, about in there["files"].items() if name not in data and name != FILE}
    written = {name: {"rows": rows, **describe_bytes(pending, name)} for name, rows in sorted(done.files.items())}
    described = {**there, "problems": positions, "left_out": count_left_out(table)}
    described |= describe_curriculum(config, table, written | kept)
    described["rollouts"] = {name: value for name, value in asdict(done).items() if name not in ("out", "files")}
    pending.write_json(DESCRIPTION, described)
    replace_files(target, pending, set(data) - written.keys())


def _sort_again(
    target: RunFolder, data: Sequence[str], places: Mapping[str, int | None], rows: SortedRows, positions: int
) -> None:
    """Add the trainer's rows at their new places. Raises InputError where some are missing, or there twice."""
    behind, seen = positions, set()
    for name in data:
        for row in _read_rows(target, name):
            id = (row.get("extra_info") or row)["id"]
            place = places.get(id)
            rows.add(behind if place is None else place, row)
            behind += place is None
            seen.add(id)
    whole = {id for id, place in places.items() if place is not None} <= seen
    if not whole or rows.count != len(seen):
        raise InputError(f"{target.root}: rows are missing or there twice; export the {NAME} again")


def _is_sorted(name: str) -> bool:
    """Whether a file of the export holds a trainer's rows in order, or those without a place in it."""
    stem = PurePosixPath(name).stem
    return PurePosixPath(name).suffix in (".parquet", ".jsonl") and (stem == UNUSED or stem.startswith(TRAIN))


def _rewrite_table(target: RunFolder, table: pl.DataFrame, files: Files) -> None:
    """curriculum.parquet with the columns of `table`, a batch at a time; what `table` does not have stays."""
    start = 0
    for batch in target.read_batches(FILE, 1000):
        old = pl.DataFrame(pl.from_arrow(batch))
        now = table[start : start + old.height]
        start += old.height
        merged = old.with_columns(now.get_column(name) for name in now.columns)
        files.write(NAME, merged.select(*TABLE_DTYPES).to_dicts())


def _read_rows(target: RunFolder, name: str) -> Iterator[Row]:
    if not name.endswith(".jsonl"):
        yield from read_parquet_rows(target, name)
        return
    with target.fs.open(target.at(name), "rb") as file:
        yield from map(json.loads, file)
