"""The curated set as Parquet shards, the rejected problems beside them, and the proof that no row is lost between."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline.progress import track
from pipeline.publish.curriculum.plan import name_band
from pipeline.publish.curriculum.topics import tag_topics
from pipeline.publish.label_evidence import EVIDENCE_DTYPES, add_evidence, read_labels, read_rates
from pipeline.publish.label_evidence import STAGE as LABELS_STAGE
from pipeline.run.evidence import find_decisions, find_graded, find_samples, find_stages, read_evidence
from pipeline.run.layout import (
    CURATED,
    PROBLEMS,
    REJECTED,
    curated_name,
    decisions_name,
    rejected_name,
    shard_of,
    split_name,
    stage_folder,
)
from pipeline.run.storage import RunFolder
from pipeline.stages import look_up_stage
from schemas.audit import AUDIT_COLUMN, TEST_AUDIT, read_audit
from schemas.config import Config
from schemas.decision import DECISION_DTYPES
from schemas.problem import PROBLEM_DTYPES, complete_columns
from schemas.reasons import KEEP

STAGE = "decide"
GRADING = ("n", "correct", "pass_rate", "pass_rate_low", "pass_rate_high")
"""What a curated problem carries beside the contract's columns."""
CURRICULUM_DTYPES: dict[str, pl.DataType] = {"topic": pl.String(), "band": pl.String()}
"""The source's own tag, and the band of `pass_rate`."""
CURATED_DTYPES: dict[str, pl.DataType] = (
    PROBLEM_DTYPES
    | {name: DECISION_DTYPES[name] for name in GRADING}
    | EVIDENCE_DTYPES
    | CURRICULUM_DTYPES
    | {AUDIT_COLUMN: TEST_AUDIT}
)


class CountError(RuntimeError):
    """Rows were lost or doubled; the message says at which stage, in which shard, and how many."""


@dataclass(frozen=True)
class StageCount:
    """One stage of a run, in problems: came + added = kept + rejected + waiting (shards that it has not been through).

    `added` are the copies of code problems that ask for a second language, and translations.
    """

    stage: str
    came: int
    kept: int
    rejected: int
    waiting: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    added: int = 0


def publish_curated(folder: RunFolder, config: Config, grading_pass: int = 1) -> dict[str, int]:
    """Write curated/SHARD.parquet and rejected/decide-SHARD.parquet of decided shards; returns {"kept", "rejected"}.

    A curated row is the problem with `GRADING`, its history closed by what was decided. Shards without decisions are
    left out, and what an earlier run published of them is removed. Memory is bounded by one shard.
    """
    stages, samples = find_stages(folder), find_samples(folder)
    total = {"kept": 0, "rejected": 0}
    shards = find_graded(folder)
    with track("publish", len(shards), "shards") as work:
        for shard, graded in shards.items():
            counts = publish_shard(folder, config, shard, graded, samples.get(shard, ()), stages, grading_pass)
            total = {what: total[what] + counts.get(what, 0) for what in total}
            work.advance()
    forget_unpublished(folder, grading_pass)
    return total


def publish_shard(
    folder: RunFolder,
    config: Config,
    shard: str,
    graded: str,
    samples: Iterable[str],
    stages: Sequence[str],
    grading_pass: int = 1,
) -> dict[str, int]:
    """`publish_curated` of one shard, of whose problems `graded` is the table; empty where it is not decided."""
    if not folder.exists(decisions_name(shard, grading_pass)):
        return {}
    decisions = folder.read_table(decisions_name(shard, grading_pass))
    models = name_models(read_evidence(folder, shard, samples, (), grading_pass))
    labels = read_labels(folder, shard)
    problems = add_evidence(complete_columns(folder.read_table(graded)), labels, read_rates(folder, shard))
    kept, rejected = split_decided(problems, decisions, models, stages, graded)
    kept = tag_curated(kept, config)
    folder.write_table(curated_name(shard), kept, config.publish.row_group_rows)
    folder.write_table(rejected_name(STAGE, shard), rejected, config.publish.row_group_rows)
    return {"kept": kept.height, "rejected": rejected.height}


def forget_unpublished(folder: RunFolder, grading_pass: int = 1) -> None:
    """Remove what an earlier run published of shards that are graded or decided no more."""
    published = find_graded(folder).keys() & find_decisions(folder, grading_pass).keys()
    for name in (*folder.list(CURATED), *folder.list(REJECTED)):
        parts = split_name(name)
        if parts.stage in ("", STAGE) and parts.shard not in published:
            folder.remove(name)


def name_models(samples: pl.DataFrame) -> pl.DataFrame:
    """`problem_id`, `by`: the model that graded each problem, or how many did."""
    models = pl.col("model").unique()
    several = pl.format("{} models", models.len())
    return samples.group_by("problem_id").agg(
        pl.when(models.len() == 1).then(models.first()).otherwise(several).first().alias("by")
    )


def split_decided(
    problems: pl.DataFrame, decisions: pl.DataFrame, models: pl.DataFrame, stages: Iterable[str], where: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(curated, rejected) of one shard's graded problems. Raises CountError where one has no decision."""
    columns = ["problem_id", *GRADING, "decision", pl.col("detail").alias("decided")]
    joined = problems.join(
        decisions.select(columns), left_on="id", right_on="problem_id", how="left", maintain_order="left"
    ).join(models, left_on="id", right_on="problem_id", how="left", maintain_order="left")
    undecided = joined["decision"].null_count()
    if undecided or joined.height != problems.height:
        raise CountError(
            f"{where}: {undecided} of {problems.height} problems have no decision (or several); decide the run again"
        )
    history = pl.col("history")
    for stage in stages:
        is_noted = history.list.eval(pl.element().struct.field("stage") == stage).list.any()
        history = pl.when(is_noted).then(history).otherwise(history.list.concat(_entry(stage, pl.lit(None, pl.String))))
    repaired = history.list.concat(_entry(LABELS_STAGE, pl.col("repair"), "repaired"))
    history = pl.when(pl.col("repair").is_not_null()).then(repaired).otherwise(history)
    # What was kept by a forecast has no model, and its detail says so.
    detail = pl.coalesce(pl.format("{} by {}", "decided", "by"), "decided")
    keep = pl.col("decision") == KEEP
    closed = history.list.concat(_entry(STAGE, detail)).alias("history")
    curated = joined.filter(keep).with_columns(closed, read_audit())
    rejected = joined.filter(~keep).select(
        *PROBLEM_DTYPES,
        pl.lit(STAGE).alias("stage"),
        pl.col("decision").alias("reason"),
        pl.col("decided").alias("detail"),
    )
    return curated, rejected


def tag_curated(curated: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The curated problems with their topic and band, in the columns of `CURATED_DTYPES`."""
    tagged = curated.with_columns(
        tag_topics(curated["extra"]), band=name_band(pl.col("pass_rate"), config.curriculum.bands)
    )
    return tagged.select(pl.col(name).cast(dtype) for name, dtype in CURATED_DTYPES.items())


def _entry(stage: str, detail: pl.Expr, action: str = "kept") -> pl.Expr:
    """A history of one entry, for each row."""
    return pl.concat_list(
        pl.struct(pl.lit(stage).alias("stage"), pl.lit(action).alias("action"), detail.alias("detail"))
    )


def count_stages(folder: RunFolder) -> list[StageCount]:
    """The funnel of a run in problems, from the files alone. Raises CountError unless it adds up in every shard."""
    rejected: dict[tuple[str, str], Counter[str]] = {}
    for name in folder.list(REJECTED):
        parts = split_name(name)
        rejected[parts.stage, parts.shard] = Counter(folder.read_table(name, ["reason"])["reason"].to_list())
    before = _count_rows(folder, PROBLEMS)
    unread = sum((reasons for (stage, _), reasons in rejected.items() if stage == "ingest"), Counter[str]())
    came = sum(before.values())
    counted = [StageCount("ingest", came + unread.total(), came, unread.total(), 0, dict(unread))]
    for stage in (*find_stages(folder), STAGE):
        after = _count_rows(folder, CURATED if stage == STAGE else stage_folder(stage))
        copies = count_added(folder, stage)
        reasons: Counter[str] = Counter()
        for shard in after:
            out = rejected.get((stage, shard), Counter())
            _check(stage, shard, before.get(shard, 0) + copies.get(shard, 0), after[shard], out.total())
            reasons += out
        kept, waiting = sum(after.values()), sum(rows for shard, rows in before.items() if shard not in after)
        came = sum(before.values())
        counted.append(StageCount(stage, came, kept, reasons.total(), waiting, dict(reasons), sum(copies.values())))
        before = after
    return counted


def count_added(folder: RunFolder, stage: str) -> dict[str, int]:
    """Shard -> how many rows a stage added: copies of code problems, translations."""
    known = look_up_stage(stage)
    if known is None or known.counter is None:
        return {}
    names = folder.list(stage_folder(stage))
    columns = ["history", "parent_id", "code_language"]
    return {shard_of(name): known.count_added(folder.read_table(name, columns)) for name in names}


def check_counts(folder: RunFolder) -> None:
    """Raise CountError, with the numbers, unless in + added = kept + rejected in every shard that a stage went
    through.
    """
    count_stages(folder)


def _check(stage: str, shard: str, came: int, kept: int, rejected: int) -> None:
    if came != kept + rejected:
        raise CountError(
            f"{stage}, shard {shard}: {came} problems came, but {kept} were kept and {rejected} rejected "
            f"({kept + rejected - came:+d}); run that stage again"
        )


def _count_rows(folder: RunFolder, tables: str) -> dict[str, int]:
    """Shard -> rows of its table in the folder `tables`."""
    return {shard_of(name): folder.count_rows(name) for name in folder.list(tables)}
