"""Gather what the page says from a run's folder, shard by shard: memory is bounded by one shard."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.publish.manifest import read_translation
from pipeline.publish.report.flow import SourceCount, Stage, count_flow
from pipeline.publish.report.labels import LabelSummary, gather_labels
from pipeline.publish.report.passes import Passes, gather_passes
from pipeline.publish.report.reward_audit import AuditSummary, gather_audit
from pipeline.publish.report.suspects import SuspectSummary, gather_suspects
from pipeline.publish.report.training import Evaluation, gather_training
from pipeline.run.evidence import find_decisions, find_samples, last_pass, read_evidence
from pipeline.run.layout import CURATED, REJECTED, decisions_name, shard_of, split_name
from pipeline.run.storage import RunFolder
from pipeline.translate.counts import Counts
from schemas.config import Config
from schemas.reasons import KEEP, Reason, Verdict
from schemas.sample import SAMPLE_ROWS

Chosen = dict[str, list[tuple[str, str, dict[str, Any]]]]
"""Outcome -> (id, shard, row) of the examples."""
AUDITED = 20
"""Contradicted labels listed: enough to judge the threshold by eye."""
COUNTED = ("tokens", "finish_reason", "verdict")
"""Columns of a sample that the page counts."""
SHOWN = ("completion", "tokens", "finish_reason", "answer", "verdict", "verdict_detail")
"""Columns of a sample, beside its key, that the page tells of."""
STEPS = 2
"""Bins per doubling of a length."""
BINS = 44
"""Up to 4 million tokens or characters."""


@dataclass(frozen=True)
class Example:
    """One problem with what the run knows of it."""

    problem: dict[str, Any]
    outcome: str
    """`keep` or the reason."""
    shard: str
    decision: dict[str, Any] | None = None
    samples: tuple[dict[str, Any], ...] = ()


@dataclass
class Lengths:
    """A histogram over lengths in half doublings, so that it is of one size for any set."""

    bins: Counter[int] = field(default_factory=Counter)
    total: int = 0

    def add(self, lengths: pl.Series) -> None:
        lengths = lengths.drop_nulls()
        self.total += int(lengths.sum() or 0)
        placed = (lengths.clip(1).cast(pl.Float64).log(2) * STEPS).floor().clip(0, BINS).cast(pl.Int32)
        self.bins.update(dict(placed.value_counts().iter_rows()))

    @property
    def count(self) -> int:
        return self.bins.total()

    @property
    def median(self) -> float | None:
        """Read off the bin that holds it, as if the lengths were spread evenly in it."""
        seen = 0
        for bin_ in sorted(self.bins):
            inside = self.bins[bin_]
            if 2 * (seen + inside) >= self.count:
                return edge(bin_ + (self.count / 2 - seen) / inside)
            seen += inside
        return None


@dataclass(frozen=True)
class Rates:
    """How many decided problems have which pass rate: (bin, decision) -> problems, bins 0..`of` of `of` correct."""

    of: int
    counts: Counter[tuple[int, str]]
    decided: int
    unrated: int
    early: int
    """Decided with fewer samples than `of`."""


@dataclass(frozen=True)
class SampleCounts:
    """The samples that count, and (by shard and problem) those of the examples."""

    verdicts: dict[str, int]
    tokens: dict[str, Lengths]
    """Completion lengths in tokens by verdict."""
    uncounted: int
    """Samples without a token count."""
    cut: int
    """Samples that ended at the token limit."""
    examples: dict[tuple[str, str], tuple[dict[str, Any], ...]]

    @property
    def taken(self) -> int:
        return sum(self.verdicts.values())


@dataclass(frozen=True)
class Gathered:
    """All that the page says."""

    stages: tuple[Stage, ...]
    sources: tuple[SourceCount, ...]
    rates: Rates
    audit: tuple[dict[str, Any], ...]
    examples: dict[str, tuple[Example, ...]]
    samples: SampleCounts
    statements: dict[str, Lengths]
    """Statement lengths in characters, `kept` and `rejected`."""
    unused: int
    """Rows of samples brought along that could not be used."""
    passes: Passes | None = None
    """The second grading pass against the first, where there was one."""
    training: tuple[Evaluation, ...] = ()
    """Held-out problems before, during and after training, where there was any."""
    translation: Counts | None = None
    """What came of translating, where it was tried."""
    suspects: SuspectSummary | None = None
    """Suspects and how they were settled; None of a run that was decided before there were any."""
    labels: LabelSummary | None = None
    """What the witnesses made of labels; None of a run that was decided before they were heard."""
    reward_audit: AuditSummary | None = None
    """What the tests of code problems let pass."""

    @property
    def came(self) -> int:
        return self.stages[0].came if self.stages else 0

    @property
    def whole(self) -> int:
        """All problems that have an outcome: those that came, and the copies that were made of some on the way."""
        return self.came + sum(stage.added for stage in self.stages)

    @property
    def kept(self) -> int:
        return self.stages[-1].kept if self.stages else 0

    @property
    def waiting(self) -> int:
        return sum(stage.waiting for stage in self.stages)

    @property
    def reasons(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for stage in self.stages:
            total.update(stage.rejected)
        return dict(total.most_common())


def gather(folder: RunFolder, config: Config) -> Gathered:
    """Read the run once; examples are those with the smallest ids, so that a second report shows the same."""
    grading_pass = last_pass(folder)
    stages, sources = count_flow(folder)
    statements = {"kept": Lengths(), "rejected": Lengths()}
    chosen: Chosen = {}
    for name, table in folder.read_tables(CURATED):
        statements["kept"].add(table["statement"].str.len_chars())
        _choose(chosen, KEEP, shard_of(name), table, config.publish.examples)
    audit: list[dict[str, Any]] = []
    unused = 0
    for name, table in folder.read_tables(REJECTED):
        shard = shard_of(name)
        if split_name(name).stage == SAMPLE_ROWS:
            unused += table.height
            continue
        statements["rejected"].add(table["statement"].str.len_chars())
        for (reason,), rows in table.group_by("reason"):
            _choose(chosen, str(reason), shard, rows, config.publish.examples)
        audit = _audit(audit, folder, table, decisions_name(shard, grading_pass))
    decisions = _find_decisions(folder, chosen, grading_pass)
    samples = _read_samples(folder, chosen, grading_pass)
    examples = {
        outcome: tuple(
            Example(row, outcome, shard, decisions.get((shard, id_)), samples.examples.get((shard, id_), ()))
            for id_, shard, row in picks
        )
        for outcome, picks in chosen.items()
    }
    return Gathered(
        stages=stages,
        sources=sources,
        rates=_rate(folder, grading_pass, config.sampling.n),
        audit=tuple(audit),
        examples=examples,
        samples=samples,
        statements=statements,
        unused=unused,
        training=gather_training(folder),
        translation=read_translation(folder),
        suspects=gather_suspects(folder, grading_pass),
        labels=gather_labels(folder),
        reward_audit=gather_audit(folder),
        passes=gather_passes(folder, config.publish.examples) if grading_pass > 1 else None,
    )


def _choose(chosen: Chosen, outcome: str, shard: str, rows: pl.DataFrame, limit: int) -> None:
    best = chosen.setdefault(outcome, [])
    best += [(row["id"] or "", shard, row) for row in rows.sort("id").head(limit).iter_rows(named=True)]
    best.sort(key=lambda pick: pick[:2])
    del best[limit:]


def _audit(
    audit: list[dict[str, Any]], folder: RunFolder, rejected: pl.DataFrame, decisions: str
) -> list[dict[str, Any]]:
    """The contradicted labels with the strongest majorities so far."""
    rows = rejected.filter(pl.col("reason") == Reason.LABEL_CONTRADICTED)
    if rows.is_empty() or not folder.exists(decisions):
        return audit
    columns = ["problem_id", "n", "correct", "majority_answer", "majority_share"]
    votes = folder.read_table(decisions, columns)
    joined = rows.select("id", "source", "source_id", "statement", "answer").join(
        votes, left_on="id", right_on="problem_id", how="left"
    )
    both = audit + joined.to_dicts()
    both.sort(key=lambda row: (-(row["majority_share"] or 0.0), row["id"]))
    return both[:AUDITED]


def _rate(folder: RunFolder, grading_pass: int, n: int) -> Rates:
    of = n if n <= 32 else 16
    counts: Counter[tuple[int, str]] = Counter()
    decided = unrated = early = 0
    for name in find_decisions(folder, grading_pass).values():
        table = folder.read_table(name, ["n", "pass_rate", "decision"])
        decided += table.height
        early += int((table["n"] < n).sum())
        rated = table.drop_nulls("pass_rate")
        unrated += table.height - rated.height
        binned = rated.group_by((pl.col("pass_rate") * of).round().cast(pl.Int32).alias("bin"), "decision").len()
        counts.update({(bin_, decision): rows for bin_, decision, rows in binned.iter_rows()})
    return Rates(of, counts, decided, unrated, early)


def _wanted(chosen: Chosen) -> dict[str, list[str]]:
    """Shard -> ids of the examples in it."""
    wanted: dict[str, list[str]] = {}
    for picks in chosen.values():
        for id_, shard, _ in picks:
            wanted.setdefault(shard, []).append(id_)
    return wanted


def _find_decisions(folder: RunFolder, chosen: Chosen, grading_pass: int) -> dict[tuple[str, str], dict[str, Any]]:
    decisions: dict[tuple[str, str], dict[str, Any]] = {}
    for shard, ids in _wanted(chosen).items():
        name = decisions_name(shard, grading_pass)
        if folder.exists(name):
            rows = folder.read_table(name).filter(pl.col("problem_id").is_in(ids))
            decisions.update({(shard, row["problem_id"]): row for row in rows.iter_rows(named=True)})
    return decisions


def _read_samples(folder: RunFolder, chosen: Chosen, grading_pass: int) -> SampleCounts:
    """Count the samples that the decisions rest on, and pick out those of the examples."""
    wanted = _wanted(chosen)
    verdicts: Counter[str] = Counter()
    tokens = {verdict.value: Lengths() for verdict in Verdict}
    examples: dict[tuple[str, str], tuple[dict[str, Any], ...]] = {}
    uncounted = cut = 0
    for shard, files in find_samples(folder).items():
        # Completions are nearly all that there is to read: only those of shards with an example are.
        columns = SHOWN if shard in wanted else COUNTED
        table = read_evidence(folder, shard, files, columns, grading_pass)
        verdicts.update(dict(table["verdict"].value_counts().iter_rows()))
        uncounted += table["tokens"].null_count()
        cut += int((table["finish_reason"] == "length").sum() or 0)
        for verdict, lengths in tokens.items():
            lengths.add(table.filter(pl.col("verdict") == verdict)["tokens"])
        if shard not in wanted:
            continue
        ours = table.filter(pl.col("problem_id").is_in(wanted[shard])).sort("problem_id", "model", "index")
        for (id_,), rows in ours.group_by("problem_id", maintain_order=True):
            examples[shard, str(id_)] = tuple(rows.to_dicts())
    by_verdict = {verdict.value: verdicts[verdict.value] for verdict in Verdict}
    return SampleCounts(by_verdict, tokens, uncounted, cut, examples)


def edge(bin_: float) -> float:
    """Where bin `bin_` of a `Lengths` begins."""
    return float(math.pow(2, bin_ / STEPS))
