"""What a dataset card says of where a set is from and how far it can be trusted, counted from the run's files.

Per source and stage how many came and went, overlaps with benchmarks and with other public sets, licences, how true the
posteriors of labels are, and the limits that follow from what the run did and did not do.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.decontaminate.decontaminate import STAGE as DECONTAMINATE
from pipeline.decontaminate.decontaminate import decontaminate, open_index
from pipeline.decontaminate.presets import choose_benchmark
from pipeline.ingest.hub import read_license
from pipeline.labels.calibration import Calibration
from pipeline.labels.run import read_witnesses
from pipeline.publish.report.flow import count_flow, count_rejects
from pipeline.run.layout import CURATED, REJECTED, split_name
from pipeline.run.storage import RunFolder
from schemas.config import Benchmark, Config, DecontaminateConfig
from schemas.label import LabelOutcome

OTHER = "other"
"""The Hub's word for a licence that is none of its list, and for several."""
NOT_STATED = "not stated"
_MATCH = re.compile(r"(\w+) of (\S+) ")
"""How a match with a benchmark begins (`pipeline.decontaminate.match.Match.detail`)."""


@dataclass(frozen=True)
class SourceRow:
    """One source: its problems as they came, what each stage left out, copies and translations that were added, and
    what is in the set. `licenses`: licence -> problems."""

    name: str
    came: int
    out: dict[str, int]
    added: int
    kept: int
    licenses: dict[str, int]


@dataclass(frozen=True)
class Overlap:
    """What a set shares with another: problems by how they match, those that were left out and those that stayed."""

    name: str
    rejected: dict[str, int]
    kept: dict[str, int]


@dataclass(frozen=True)
class Provenance:
    """All of it."""

    stages: tuple[str, ...]
    sources: tuple[SourceRow, ...]
    benchmarks: tuple[Overlap, ...]
    compared: tuple[Overlap, ...]
    calibration: Calibration | None
    license: str | None
    limits: tuple[str, ...]


def gather_provenance(folder: RunFolder, config: Config, manifest: Mapping[str, Any]) -> Provenance:
    """Read a decided run. Memory is bounded by a shard, and by the sets that `publish.compare` names."""
    stages, _ = count_flow(folder)
    kept = _Curated.of(folder, config)
    sources = _count_sources(folder, [stage.name for stage in stages], kept)
    calibration = None if (witnesses := read_witnesses(folder)) is None else witnesses.calibration
    benchmarks = _count_contamination(folder, config, kept)
    return Provenance(
        tuple(stage.name for stage in stages),
        sources,
        benchmarks,
        kept.compared,
        calibration if calibration and calibration.bins else None,
        choose_license(config, sources),
        tuple(_list_limits(config, manifest, kept, benchmarks)),
    )


def choose_license(config: Config, sources: Iterable[SourceRow]) -> str | None:
    """The licence of the whole set: what the config says, or the one of all its problems; `other` where they have
    several, None where some have none that anybody stated."""
    if config.publish.license:
        return config.publish.license
    stated = {license for source in sources for license in source.licenses}
    if not stated or NOT_STATED in stated:
        return None
    return stated.pop() if len(stated) == 1 else OTHER


@dataclass
class _Curated:
    """What the curated shards say, read once."""

    sources: Counter[str]
    licenses: dict[str, Counter[str]]
    marked: dict[str, Counter[str]]
    compared: tuple[Overlap, ...]
    stated: dict[str, str]
    """Source -> its licence by the config, else by the card of its set."""
    unwitnessed: int = 0
    math: int = 0
    no_kill_rate: int = 0
    code: int = 0

    @classmethod
    def of(cls, folder: RunFolder, config: Config) -> "_Curated":
        cards = {source.name: license for source in config.sources if (license := read_license(source))}
        read = cls(Counter(), {}, {}, (), cards | config.publish.licenses)
        wanted = DecontaminateConfig(benchmarks=config.publish.compare, same=config.decontaminate.same)
        index = open_index(wanted) if config.publish.compare else None
        overlaps: dict[str, Counter[str]] = {}
        for _, table in folder.read_tables(CURATED):
            read._add(table, config)
            if index is not None:
                _, shared = decontaminate(table.drop("history"), wanted, index)
                _count_matches(shared["detail"], _name_benchmarks(config.publish.compare), overlaps)
        names = _name_benchmarks(config.publish.compare)
        read.compared = tuple(
            Overlap(name, {}, dict(overlaps.get(name, {}))) for name in dict.fromkeys([*names, *overlaps])
        )
        return read

    def _add(self, table: pl.DataFrame, config: Config) -> None:
        self.sources.update(table["source"].to_list())
        for source, extra in table.select("source", "extra").iter_rows():
            stated = _read_license(extra) or self.stated.get(source) or NOT_STATED
            self.licenses.setdefault(source, Counter())[stated] += 1
        entries = table.select(pl.col("history").explode()).unnest("history") if table.height else pl.DataFrame()
        if entries.height:
            noted = entries.filter(pl.col("stage") == DECONTAMINATE, pl.col("detail").is_not_null())
            _count_matches(noted["detail"], _name_benchmarks(config.decontaminate.benchmarks), self.marked)
        math = table.filter(pl.col("domain") == "math")
        self.math += math.height
        self.code += table.height - math.height
        if "witnesses" in table.columns:
            self.unwitnessed += math.filter(pl.col("witnesses").list.len().fill_null(0) < 2).height
        rated = pl.col("history").list.eval(pl.element().struct.field("action") == "kill_rate").list.any()
        self.no_kill_rate += table.filter((pl.col("domain") == "code") & ~rated.fill_null(False)).height


def _read_license(extra: str | None) -> str | None:
    """The licence that a row names itself."""
    if not extra or '"license"' not in extra:
        return None
    try:
        columns = json.loads(extra)
    except ValueError:
        return None
    license = columns.get("license") if isinstance(columns, dict) else None
    return license if isinstance(license, str) and license.strip() else None


def _count_sources(folder: RunFolder, stages: list[str], kept: _Curated) -> tuple[SourceRow, ...]:
    turned = count_rejects(folder)
    _, counted = count_flow(folder)
    rows = []
    for source in counted:
        own = [(stage, rows) for (stage, _, name), rows in turned.items() if name == source.name]
        out = {stage: sum(rows for at, rows in own if at == stage) for stage in stages}
        added = max(0, source.kept + sum(out.values()) - source.came)
        licenses = dict(kept.licenses.get(source.name, Counter()).most_common())
        rows.append(SourceRow(source.name, source.came, out, added, source.kept, licenses))
    return tuple(rows)


def _name_benchmarks(benchmarks: Iterable[str | Benchmark]) -> list[str]:
    return [choose_benchmark(one).name for one in benchmarks]


def _count_contamination(folder: RunFolder, config: Config, kept: _Curated) -> tuple[Overlap, ...]:
    names = _name_benchmarks(config.decontaminate.benchmarks)
    rejected: dict[str, Counter[str]] = {}
    for name in folder.list(REJECTED):
        if split_name(name).stage == DECONTAMINATE:
            _count_matches(folder.read_table(name, ["detail"])["detail"], names, rejected)
    every = dict.fromkeys([*names, *rejected, *kept.marked])
    return tuple(
        Overlap(name, dict(rejected.get(name, Counter()).most_common()), dict(kept.marked.get(name, Counter())))
        for name in every
    )


def _count_matches(details: Iterable[str | None], names: list[str], counts: dict[str, Counter[str]]) -> None:
    """Add matches to `counts`: benchmark -> how -> problems. A name may have spaces, so known ones come first."""
    for detail in details:
        match = _MATCH.match(detail or "")
        if match is None:
            continue
        how, rest = match[1], (detail or "")[len(match[1]) + len(" of ") :]
        name = next((name for name in sorted(names, key=len, reverse=True) if rest.startswith(f"{name} ")), match[2])
        counts.setdefault(name, Counter())[how] += 1


def _list_limits(
    config: Config, manifest: Mapping[str, Any], kept: _Curated, benchmarks: tuple[Overlap, ...]
) -> Iterable[str]:
    """What this run cannot say, in a sentence each."""
    n = config.sampling.n
    half = 1.645 * (0.25 / n) ** 0.5
    yield (
        f"A pass rate is that of {manifest['model']['name']} under one prompt, known to about {100 * half:.0f} points "
        f"from {n} samples at a rate of one half; for another model the same problem is easier or harder."
    )
    if not benchmarks:
        yield "It was compared with no benchmark: what it shares with one is not known (decontaminate.benchmarks)."
    else:
        yield "It was compared with the benchmarks of the table below, and with no other."
    if kept.unwitnessed:
        yield (
            f"{kept.unwitnessed} of {kept.math} math labels stand on their source's word alone: nobody else answered "
            "the problem."
        )
    outcomes = (manifest.get("labels") or {}).get("outcomes") or {}
    if repaired := outcomes.get(LabelOutcome.REPAIRED.value):
        yield f"Labels that were repaired by their witnesses, not by a person: {repaired}."
    if kept.no_kill_rate:
        yield (
            f"Of {kept.no_kill_rate} of {kept.code} code problems it is not known how many wrong programs their tests "
            "let through: no program of theirs was wrong."
        )
    if manifest.get("translation"):
        yield "Translations were checked by rules (numbers, formulas, language), not read by a person."
    if manifest["samples"]["unknown"]:
        yield f"{manifest['samples']['unknown']} samples have no verdict and count neither way."
