"""Where the problems of a run are, by stage and by source, counted from its files.

The files are the truth, not the manifest: a run that was killed half way has no manifest, and is counted as it stands.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pipeline.publish.shards import count_added
from pipeline.run.layout import CURATED, PROBLEMS, REJECTED, STAGES, split_name, stage_folder
from pipeline.run.storage import RunFolder
from pipeline.stages import order_stages
from schemas.problem import UNNAMED_SOURCE
from schemas.sample import SAMPLE_ROWS

Turned = Counter[tuple[str, str, str]]
"""(stage, reason, source) -> problems left out."""


@dataclass(frozen=True)
class Stage:
    """One step of the funnel: came + added = kept + rejected + waiting."""

    name: str
    came: int
    kept: int
    rejected: dict[str, int]
    waiting: int
    added: int = 0


@dataclass(frozen=True)
class SourceCount:
    name: str
    came: int
    kept: int
    rejected: dict[str, int]

    @property
    def waiting(self) -> int:
        return max(0, self.came - self.kept - sum(self.rejected.values()))


def count_flow(folder: RunFolder) -> tuple[tuple[Stage, ...], tuple[SourceCount, ...]]:
    """The funnel (none for an empty folder) and the sources, largest first. Memory is bounded by a shard."""
    came: Counter[str] = Counter()
    for _, table in folder.read_tables(PROBLEMS, ["source"]):
        came.update(_count_sources(table))
    kept: Counter[str] = Counter()
    for _, table in folder.read_tables(CURATED, ["source"]):
        kept.update(_count_sources(table))
    turned = count_rejects(folder)
    return _stages(folder, came, turned, kept), _sources(came, turned, kept)


def _count_sources(table: pl.DataFrame) -> dict[str, int]:
    return dict(table["source"].fill_null(UNNAMED_SOURCE).value_counts().iter_rows())


def count_rejects(folder: RunFolder) -> Turned:
    """What every stage left out, by reason and source."""
    turned: Turned = Counter()
    for name, table in folder.read_tables(REJECTED, ["stage", "reason", "source"]):
        if split_name(name).stage != SAMPLE_ROWS:
            table = table.with_columns(pl.col("source").fill_null(UNNAMED_SOURCE))
            turned.update({row[:3]: row[3] for row in table.group_by("stage", "reason", "source").len().iter_rows()})
    return turned


def _stages(folder: RunFolder, came: Counter[str], turned: Turned, kept: Counter[str]) -> tuple[Stage, ...]:
    rejected: dict[str, Counter[str]] = {}
    for (stage, reason, _), rows in turned.items():
        rejected.setdefault(stage, Counter())[reason] += rows
    written = sorted({split_name(name).stage for name in folder.list(STAGES)})
    names = _in_order({*written, *rejected, "ingest", "decide"})
    later = sum(sum(reasons.values()) for stage, reasons in rejected.items() if stage != "ingest")
    entered = came.total() or kept.total() + later
    flow = entered + sum(rejected.get("ingest", Counter()).values())
    if not flow:
        return ()
    stages = []
    for name in names:
        out = dict(rejected.get(name, Counter()).most_common())
        if name == "ingest":
            left = entered
        elif name == names[-1]:
            left = kept.total()
        elif name in written:
            left = sum(folder.count_rows(file) for file in folder.list(stage_folder(name)))
        else:
            left = flow - sum(out.values())
        added = sum(count_added(folder, name).values()) if name in written else 0
        stages.append(Stage(name, flow, left, out, max(0, flow + added - left - sum(out.values())), added))
        flow = left
    return tuple(stages)


def _in_order(names: Iterable[str]) -> list[str]:
    """The order in which the data walks; a stage that is not known stands before `decide`."""
    names = set(names)
    order = ["ingest", *order_stages(names)]
    unknown = sorted(names - {*order, "decide"})
    return [name for name in (*order, *unknown, "decide") if name in names]


def _sources(came: Counter[str], turned: Turned, kept: Counter[str]) -> tuple[SourceCount, ...]:
    reasons: dict[str, Counter[str]] = {}
    at_door: Counter[str] = Counter()
    for (stage, reason, source), rows in turned.items():
        reasons.setdefault(source, Counter())[reason] += rows
        at_door[source] += rows if stage == "ingest" else 0
    counts = []
    for name in {*came, *kept, *reasons}:
        out = reasons.get(name, Counter())
        whole = came[name] + at_door[name] if came[name] else kept[name] + out.total()
        counts.append(SourceCount(name, whole, kept[name], dict(out.most_common())))
    return tuple(sorted(counts, key=lambda source: (-source.came, source.name)))
