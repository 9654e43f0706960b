"""The audit of a run: its kept problems with planted defects, put through its own stages and its stored evidence.

No model takes part. The rules of the stages run as in the run itself; a changed label or test is judged by the samples
that are stored for the sound problem, since its statement is the same. Samples of a statement that was changed are not
there: what the rules let pass of such needs a model, and is told apart from what is missed.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from pipeline.audit.plant import CONTROL, PLANTS, Planted
from pipeline.decide.decide import rate_interval
from pipeline.decide.labels import decide_with_labels
from pipeline.decide.vacuous import reject_vacuous
from pipeline.labels.gather import gather_votes
from pipeline.labels.judge import Witnesses, judge_labels
from pipeline.labels.run import name_origin, read_witnesses
from pipeline.progress import track
from pipeline.publish.card import write_card
from pipeline.run.evidence import (
    choose_evidence,
    find_decisions,
    find_graded,
    find_samples,
    find_stages,
    last_pass,
    read_samples,
)
from pipeline.run.layout import AUDIT, MANIFEST, PROBLEMS, shard_of
from pipeline.run.storage import RunFolder
from pipeline.sample.offline import verify_samples
from pipeline.stages import STAGES, Stage
from pipeline.translate.check import LANGUAGES, check_translation
from pipeline.verify.problem import ProblemVerifier, read_label
from schemas.config import Config
from schemas.errors import InputError
from schemas.label import LabelOutcome
from schemas.load import build_config
from schemas.problem import PROBLEM_DTYPES, complete_columns
from schemas.reasons import KEEP

LIMIT = 1000
"""Defects that are planted: an interval of three points at the widest, and minutes of time."""
SEED = 0
"""The same defects on every audit of a run."""
RULES = ("screen", "code_tests")
"""Stages that run again. `dedup` and `decontaminate` compare problems with others, which no defect changes to a
catch, and the others ask a model."""
EVIDENCE = ("completion", "tokens", "finish_reason")
FROM_SAMPLES = ("label changed", "test corrupted", CONTROL)
"""Kinds whose statement is the sound problem's, so that its stored samples are evidence."""


@dataclass
class Tally:
    """One kind of defect: how many were `planted`, caught `by` which stage, `missed`, and how many need a model.

    The share that is caught is of all that were planted, so that it is at least so much; `low` and `high` bound it by
    Wilson's interval at 90%.
    """

    kind: str
    planted: int = 0
    by: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    needs_model: int = 0

    @property
    def caught(self) -> int:
        return sum(self.by.values())

    def describe(self) -> dict[str, Any]:
        low, high = bound_share(self.caught, self.planted)
        share = round(self.caught / self.planted, 4) if self.planted else None
        return asdict(self) | {"caught": self.caught, "share": share, "low": low, "high": high}


def bound_share(hits: int, of: int) -> tuple[float | None, float | None]:
    """Wilson's interval at 90% of a share; (None, None) of nothing."""
    _, *bounds = pl.select(rate_interval(pl.lit(hits), pl.lit(of))).row(0)
    low, high = (None if bound is None else round(bound, 4) for bound in bounds)
    return low, high


def audit_run(run: str, limit: int = LIMIT) -> dict[str, Any]:
    """Plant up to `limit` defects into a copy of a run's kept problems, and say how many the run catches.

    Returns what `audit.json` of the run's folder then has: `of`, when the audited decision was made, the number of
    kept `problems`, and `kinds`, a row each as `Tally.describe` writes it. The dataset card gets the table. Raises
    InputError where the run is not decided, or keeps nothing.
    """
    folder = RunFolder(run)
    witnesses = read_witnesses(folder)
    if not folder.exists(MANIFEST) or witnesses is None:
        raise InputError(f"{run}: it is not decided yet; run `goldilocks curate` or `goldilocks decide {run}` first")
    manifest = folder.read_json(MANIFEST)
    config = build_config({**manifest["config"], "run": run}, (), where=f"{run}/{MANIFEST}")
    graded = _read_kept(folder)
    if graded.is_empty():
        raise InputError(f"{run}: no problem is kept, so that there is none to plant a defect into")
    rng = random.Random(SEED)
    planted = plant_all(rng, graded, _read_ingested(folder, graded), limit)
    tallies = []
    with track("audit", sum(map(len, planted.values())), "defects") as work:
        for kind, defects in planted.items():
            tallies.append(judge_defects(folder, config, kind, defects, graded, witnesses))
            work.advance(len(defects))
    report = {"of": manifest["created"], "problems": graded.height, "kinds": [tally.describe() for tally in tallies]}
    folder.write_json(AUDIT, report)
    write_card(folder, config, manifest)
    return report


def describe_audit(report: Mapping[str, Any]) -> list[str]:
    """The table of an audit, a line each, for a terminal."""
    lines = [f"{'defect':20} planted  caught   share  (90%)        needs a model  missed"]
    for row in report["kinds"]:
        if not row["planted"]:
            lines.append(f"{row['kind']:20}       0   no kept problem can have it")
            continue
        interval = f"({100 * row['low']:.0f} to {100 * row['high']:.0f}%)"
        by = ", ".join(f"{stage} {count}" for stage, count in row["by"].items())
        lines.append(
            f"{row['kind']:20} {row['planted']:7} {row['caught']:7}  {100 * row['share']:5.0f}%  {interval:12} "
            f"{row['needs_model']:13} {row['missed']:7}  {by}".rstrip()
        )
    lines.append("No model was asked: what needs one may be caught by a run, and counts as not caught here.")
    return lines


def _read_kept(folder: RunFolder) -> pl.DataFrame:
    """The graded problems that are kept, under their shard (`shard`)."""
    decisions = find_decisions(folder, last_pass(folder))
    parts = [pl.DataFrame(schema=PROBLEM_DTYPES | {"shard": pl.String()})]
    for shard, name in find_graded(folder).items():
        if shard in decisions:
            kept = folder.read_table(decisions[shard], ["problem_id", "decision"]).filter(pl.col("decision") == KEEP)
            table = complete_columns(folder.read_table(name)).join(
                kept, left_on="id", right_on="problem_id", how="semi"
            )
            parts.append(table.select(*PROBLEM_DTYPES, pl.lit(shard).alias("shard")))
    return pl.concat(parts).unique("id", keep="first", maintain_order=True)


def _read_ingested(folder: RunFolder, kept: pl.DataFrame) -> pl.DataFrame:
    """The same problems as they came in: with the options that the screen takes off."""
    ids = kept.select("id")
    parts = [pl.DataFrame(schema=PROBLEM_DTYPES)]
    for _, table in folder.read_tables(PROBLEMS):
        parts.append(complete_columns(table).join(ids, on="id", how="semi").select(*PROBLEM_DTYPES))
    return pl.concat(parts).unique("id", keep="first", maintain_order=True)


def plant_all(rng: random.Random, kept: pl.DataFrame, ingested: pl.DataFrame, limit: int) -> dict[str, list[Planted]]:
    """Kind -> its defects: an equal part of `limit` each, or as many as the problems can have."""
    rows = kept.drop("shard").to_dicts()
    ids = {row["id"]: row for row in rows}
    translated = [
        row for row in rows if (parent := ids.get(row["parent_id"] or "")) and parent["language"] != row["language"]
    ]
    labels = [row["answer"] for row in rows if row["answer"]]
    planted: dict[str, list[Planted]] = {}
    for kind, plant in PLANTS.items():
        pool = {"options dropped": ingested.to_dicts(), "translation broken": translated}.get(kind, rows)
        pool = rng.sample(pool, len(pool))
        made: dict[str, Planted] = {}
        for row in pool:
            if len(made) >= limit // len(PLANTS):
                break
            if (defect := plant(rng, row, labels)) is not None:
                made.setdefault(defect.row["id"], defect)
        planted[kind] = list(made.values())
    return planted


def judge_defects(
    folder: RunFolder,
    config: Config,
    kind: str,
    defects: Sequence[Planted],
    kept: pl.DataFrame,
    witnesses: Witnesses,
) -> Tally:
    """What becomes of the defects of one kind."""
    tally = Tally(kind, len(defects))
    if not defects:
        return tally
    if kind == "translation broken":
        statements = dict(kept.select("id", "statement").iter_rows())
        for defect in defects:
            language, original = defect.row["language"], statements[defect.row["parent_id"]]
            refused = (
                language in LANGUAGES and check_translation(original, defect.row["statement"], language) is not True
            )
            _count(tally, "translate" if refused else None)
        return tally
    table = pl.DataFrame([defect.row for defect in defects], schema=PROBLEM_DTYPES)
    left = {defect.row["id"]: defect for defect in defects}
    for stage in _find_rules(folder):
        result = stage.apply(table, config)
        survivors = _survive(left, result.kept)
        for _ in range(len(left) - len(survivors)):
            _count(tally, stage.name)
        left = survivors
        table = result.kept.unique("id", keep="first", maintain_order=True)
        if stage.name == "code_tests":
            # Copies that ask for a language have ids of their own; one of each is judged.
            table = _take_back(table, left)
        if not left:
            return tally
    if kind not in FROM_SAMPLES:
        tally.needs_model += len(left)
        return tally
    caught = judge_by_samples(folder, config, table, left, kept, witnesses)
    for id_ in left:
        _count(tally, "samples" if id_ in caught else None)
    return tally


def _count(tally: Tally, stage: str | None) -> None:
    """One more that `stage` caught; None where the defect passed."""
    if stage is not None:
        tally.by[stage] = tally.by.get(stage, 0) + 1
    elif tally.kind in FROM_SAMPLES:
        tally.missed += 1
    else:
        tally.needs_model += 1


def _find_rules(folder: RunFolder) -> list[Stage]:
    there = set(find_stages(folder))
    return [stage for stage in STAGES if stage.name in RULES and stage.name in there]


def _survive(left: Mapping[str, Planted], kept: pl.DataFrame) -> dict[str, Planted]:
    """The defects that a stage's outcome still has: a corrupted test only where it asks for the wrong output."""
    rows: dict[str, dict[str, Any]] = {}
    for row in kept.select("id", "parent_id", "tests").iter_rows(named=True):
        rows[row["id"]] = row
        rows.setdefault(row["parent_id"], row)
    surviving = {}
    for id_, defect in left.items():
        if id_ not in rows:
            continue
        tests = {test["id"]: test["expected"] for test in rows[id_]["tests"] or ()}
        if defect.test is None or tests.get(defect.test) == defect.expected:
            surviving[id_] = defect
    return surviving


def _take_back(table: pl.DataFrame, left: Mapping[str, Planted]) -> pl.DataFrame:
    own = pl.when(pl.col("id").is_in(list(left))).then("id").otherwise("parent_id").alias("id")
    return (
        table.with_columns(own).filter(pl.col("id").is_in(list(left))).unique("id", keep="first", maintain_order=True)
    )


def judge_by_samples(
    folder: RunFolder,
    config: Config,
    problems: pl.DataFrame,
    defects: Mapping[str, Planted],
    kept: pl.DataFrame,
    witnesses: Witnesses,
) -> set[str]:
    """The ids of those that the stored samples of the sound problems reject, or whose label they repair."""
    originals = {defect.original: id_ for id_, defect in defects.items()}
    shards = dict(kept.filter(pl.col("id").is_in(list(originals))).select("id", "shard").iter_rows())
    files, grading_pass = find_samples(folder), last_pass(folder)
    parts = []
    for shard in sorted(set(shards.values())):
        samples = read_samples(folder, files.get(shard_of(shard), files.get(shard, ())), EVIDENCE)
        chosen = choose_evidence(folder, shard, samples, grading_pass)
        parts.append(chosen.filter(pl.col("problem_id").is_in(list(originals))))
    if not parts:
        return set()
    renamed = pl.concat(parts, how="diagonal").with_columns(pl.col("problem_id").replace(originals))
    rows = {row["id"]: row for row in problems.iter_rows(named=True)}
    renamed = renamed.filter(pl.col("problem_id").is_in(list(rows)))
    labels = {id_: read_label(row, config.verify) for id_, row in rows.items()}
    with ProblemVerifier(config.verify, config.sandbox) as verifier:
        judged = verify_samples(renamed, labels, verifier, config)
    asked = problems.filter(pl.col("id").is_in(list(defects)))
    votes = gather_votes(asked, judged, name_origin(config), {}, witnesses.apart)
    outcomes = judge_labels(votes, witnesses, config.labels)
    decisions = reject_vacuous(decide_with_labels(judged, asked, outcomes, config, grading_pass), asked)
    rejected = decisions.filter(pl.col("decision") != KEEP)["problem_id"].to_list()
    repaired = outcomes.filter(pl.col("outcome") == LabelOutcome.REPAIRED)["problem_id"].to_list()
    return {*rejected, *repaired}
