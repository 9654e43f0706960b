"""Queries over a run's evidence: which problems are graded, by which samples, and what was decided last."""

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from pipeline.run.layout import (
    BROUGHT,
    DECISIONS,
    PROBLEMS,
    SAMPLES,
    STAGES,
    brought_name,
    decisions_name,
    evidence_name,
    refusals_name,
    shard_of,
    split_name,
    stage_folder,
)
from pipeline.run.storage import RunFolder
from pipeline.stages import order_stages
from schemas.reasons import Verdict
from schemas.refusal import REFUSAL_DTYPES
from schemas.sample import ADDED_LATER, FIRST_STEP, SAMPLE_DTYPES, SAMPLE_KEY


def find_stages(folder: RunFolder) -> list[str]:
    """The stages between ingest and sampling that this run has been through, in order."""
    written = {split_name(name).stage for name in folder.list(STAGES)}
    return order_stages(written)


def find_graded(folder: RunFolder) -> dict[str, str]:
    """Shard -> name of its table of graded problems: what the last stage kept, or else the problems themselves."""
    stages = find_stages(folder)
    names = folder.list(stage_folder(stages[-1]) if stages else PROBLEMS)
    return {shard_of(name): name for name in names}


def find_samples(folder: RunFolder) -> dict[str, list[str]]:
    """Shard -> its sample files in the order in which they were written."""
    files: dict[str, list[str]] = {}
    for name in folder.list(SAMPLES):
        files.setdefault(shard_of(name), []).append(name)
    return files


def read_samples(folder: RunFolder, names: Iterable[str], columns: Iterable[str] = ()) -> pl.DataFrame:
    """The key and `columns` of the samples in the files `names`, each sample once: as it was last verified.

    A first step that was not continued is no sample yet, and is left out (`count_first_steps`).

    A flow that is running merges files and seals shards. Where one of `names` is gone, the files that its shard has
    now are read, all of them: they hold its samples.
    """
    wanted = list(dict.fromkeys((*SAMPLE_KEY, *columns)))
    return drop_first_steps(_read_last(folder, names, (*wanted, "finish_reason"))).select(wanted)


def count_first_steps(folder: RunFolder, shard: str, names: Iterable[str], grading_pass: int = 1) -> tuple[int, int]:
    """How many first steps of a pass were not continued, and their tokens."""
    left = read_first_steps(folder, shard, names, ("tokens",), grading_pass)
    return left.height, int(left["tokens"].sum())


def read_first_steps(
    folder: RunFolder, shard: str, names: Iterable[str], columns: Iterable[str] = (), grading_pass: int = 1
) -> pl.DataFrame:
    """The key and `columns` of those samples of a pass that were cut by the first step and not continued."""
    wanted = list(dict.fromkeys((*SAMPLE_KEY, *columns)))
    samples = _read_last(folder, names, (*wanted, "finish_reason"))
    left = pl.col("finish_reason").eq_missing(FIRST_STEP)
    return choose_evidence(folder, shard, samples, grading_pass).filter(left).select(wanted)


def drop_first_steps(samples: pl.DataFrame) -> pl.DataFrame:
    """`samples` without those whose outcome is open."""
    return samples.filter(pl.col("finish_reason").ne_missing(FIRST_STEP))


def _read_last(folder: RunFolder, names: Iterable[str], columns: Iterable[str]) -> pl.DataFrame:
    wanted = list(dict.fromkeys((*SAMPLE_KEY, *columns)))
    names = list(names)
    while True:
        try:
            tables = [folder.read_table(name, wanted, ADDED_LATER) for name in names]
            break
        except FileNotFoundError:
            files = find_samples(folder)
            there = [name for shard in dict.fromkeys(map(shard_of, names)) for name in files.get(shard, ())]
            if there == names:
                raise
            names = there
    empty = pl.DataFrame(schema={name: SAMPLE_DTYPES[name] for name in wanted})
    return pl.concat([empty, *tables], how="diagonal").unique(list(SAMPLE_KEY), keep="last", maintain_order=True)


def record_evidence(folder: RunFolder, shard: str, evidence: pl.DataFrame, grading_pass: int = 1) -> None:
    """Write down which samples count in a shard, for decisions to come that have no model at hand.

    `evidence` has `problem_id` and any other columns of `SAMPLE_KEY`: those of the samples that the run's own prompt,
    model and parameters give.
    """
    folder.write_table(evidence_name(shard, grading_pass), evidence)


def read_evidence(
    folder: RunFolder, shard: str, names: Iterable[str], columns: Iterable[str] = (), grading_pass: int = 1
) -> pl.DataFrame:
    """Those of `read_samples` that count: all, unless `record_evidence` wrote down which."""
    return choose_evidence(folder, shard, read_samples(folder, names, columns), grading_pass)


def choose_evidence(folder: RunFolder, shard: str, samples: pl.DataFrame, grading_pass: int = 1) -> pl.DataFrame:
    """Those of a shard's samples that count in a pass."""
    recorded = evidence_name(shard, grading_pass)
    if not folder.exists(recorded):
        return samples
    evidence = folder.read_table(recorded)
    return samples.join(evidence, on=evidence.columns, how="semi", maintain_order="left")


def hear_samples(
    folder: RunFolder, shard: str, names: Iterable[str], columns: Iterable[str] = (), grading_pass: int = 1
) -> pl.DataFrame:
    """Those of `read_samples` that say something of labels in a pass (`leave_out_later`)."""
    samples = read_samples(folder, names, (*columns, "grading_pass"))
    return leave_out_later(folder, shard, samples, grading_pass)


def leave_out_later(folder: RunFolder, shard: str, samples: pl.DataFrame, grading_pass: int = 1) -> pl.DataFrame:
    """`samples` (with SAMPLE_KEY and `grading_pass`) without those that were taken for a later pass.

    The grader of the second pass was trained on what the first one decided. Were its samples heard there, the first
    pass would decide otherwise when the loop is run again, and what was trained on it would be trained again.
    """
    if grading_pass > 1:
        return samples
    samples = samples.filter(pl.col("grading_pass").fill_null(1) <= grading_pass)
    unmarked = samples.filter(pl.col("grading_pass").is_null())
    recorded = [evidence_name(shard, number) for number in (1, 2)]
    if unmarked.is_empty() or not all(folder.exists(name) for name in recorded):
        return samples
    # Samples of older runs name no pass, but it is written down which of them count in which.
    first, second = (folder.read_table(name) for name in recorded)
    trained = second.join(first, on=second.columns, how="anti")
    later = unmarked.join(trained, on=trained.columns, how="semi")
    return samples.join(later, on=list(SAMPLE_KEY), how="anti", maintain_order="left")


def record_refusals(
    folder: RunFolder, shard: str, asked: Collection[str], refusals: pl.DataFrame, grading_pass: int = 1
) -> None:
    """Write down whose prompt the grader did not take, of the problems that it was `asked` for.

    `refusals` has the columns of REFUSAL_DTYPES. What an earlier grading recorded of other problems stays; there is no
    table where none is left.
    """
    name = refusals_name(shard, grading_pass)
    earlier = read_refusals(folder, shard, grading_pass).filter(~pl.col("problem_id").is_in(list(asked)))
    now = pl.concat([earlier, refusals])
    if now.height:
        folder.write_table(name, now)
    elif folder.exists(name):
        folder.remove(name)


def read_refusals(folder: RunFolder, shard: str, grading_pass: int = 1) -> pl.DataFrame:
    """What `record_refusals` wrote down; without rows where there is nothing."""
    name = refusals_name(shard, grading_pass)
    return folder.read_table(name) if folder.exists(name) else pl.DataFrame(schema=REFUSAL_DTYPES)


def find_decisions(folder: RunFolder, grading_pass: int) -> dict[str, str]:
    """Shard -> name of its table of decisions of a pass."""
    parts = {name: split_name(name) for name in folder.list(DECISIONS)}
    return {part.shard: name for name, part in parts.items() if part.grading_pass == grading_pass}


def find_calibrations(folder: RunFolder, grading_pass: int) -> list[str]:
    """What each shard of a pass says of how often all samples would decide otherwise."""
    names = folder.list(DECISIONS, ".json")
    return [name for name in names if split_name(name).grading_pass == grading_pass]


EARLIER = ("earlier_correct", "earlier_known")
"""Columns of a problem: how many of an earlier grader's samples were correct, and how many have a verdict."""


def add_earlier(folder: RunFolder, shard: str, problems: pl.DataFrame, grading_pass: int) -> pl.DataFrame:
    """`problems` with what an earlier grader's samples say of them, in the columns `EARLIER`, if there is one.

    That of the second pass is the first one; that of the first pass is the grader of `also_graded_by` that
    `count_brought` chooses.
    """
    if grading_pass == 1:
        counts = count_brought(folder, shard)
    elif folder.exists(name := decisions_name(shard, 1)):
        counts = folder.read_table(name, ["problem_id", "correct", "wrong"]).unique("problem_id")
    else:
        return problems
    if counts.is_empty():
        return problems
    known = pl.col("correct") + pl.col("wrong")
    earlier = counts.select("problem_id", pl.col("correct").alias(EARLIER[0]), known.alias(EARLIER[1]))
    return problems.join(earlier, left_on="id", right_on="problem_id", how="left", maintain_order="left")


def record_brought(folder: RunFolder, brought: Mapping[str, pl.DataFrame]) -> None:
    """Write down which samples came from other runs and files: shard -> SAMPLE_KEY without `index`, distinct rows.

    What an earlier run wrote down of other graders is removed; their samples stay.
    """
    for name in folder.list(BROUGHT):
        if shard_of(name) not in brought:
            folder.remove(name)
    for shard, keys in brought.items():
        folder.write_table(brought_name(shard), keys)


def count_brought(folder: RunFolder, shard: str) -> pl.DataFrame:
    """`problem_id`, `correct` and `wrong` of one grader whose samples were brought into a shard: of that which has
    verdicts on the most problems, then the most samples. Two graders differ in how hard they find everything, so what
    they say is not added up. Samples that count for the run's own first pass are no earlier grader's.
    """
    empty = pl.DataFrame(schema={"problem_id": pl.String, "correct": pl.Int64, "wrong": pl.Int64})
    own = evidence_name(shard, 1)
    if not folder.exists(brought_name(shard)) or not folder.exists(own):
        return empty
    keys = folder.read_table(brought_name(shard))
    evidence = folder.read_table(own)
    keys = keys.join(evidence, on=evidence.columns, how="anti")
    samples = read_samples(folder, find_samples(folder).get(shard, ()), ("verdict",))
    samples = samples.join(keys, on=keys.columns, how="semi").filter(pl.col("verdict") != Verdict.UNKNOWN)
    grader = ["model", "revision", "params"]
    counts = samples.group_by(*grader, "problem_id").agg(
        correct=(pl.col("verdict") == Verdict.CORRECT).sum().cast(pl.Int64),
        wrong=(pl.col("verdict") == Verdict.WRONG).sum().cast(pl.Int64),
    )
    sizes = counts.group_by(grader).agg(pl.len(), (pl.col("correct") + pl.col("wrong")).sum().alias("samples"))
    best = sizes.sort("len", "samples", *grader, descending=[True, True, False, False, False]).head(1)
    return counts.join(best, on=grader, how="semi").select(empty.columns).sort("problem_id")


def last_pass(folder: RunFolder) -> int:
    """2 where the trained grader has graded the run again, else 1."""
    return 2 if find_decisions(folder, 2) else 1


def forget_pass(folder: RunFolder, grading_pass: int) -> None:
    """Remove a pass's decisions: they are made again from its evidence, which stays."""
    for name in (*find_decisions(folder, grading_pass).values(), *find_calibrations(folder, grading_pass)):
        folder.remove(name)
