"""Which problems a stage trains on, and which are held out to see what it learned."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline.decontaminate.index import build_index
from pipeline.decontaminate.items import Item, read_problem
from pipeline.decontaminate.match import find_match
from pipeline.inference.prompts import Prompt, build_prompt
from pipeline.publish.held_out import find_families, is_held_out
from pipeline.publish.label_evidence import read_labels
from pipeline.run.evidence import find_graded, last_pass
from pipeline.run.layout import CURATED, DECISIONS, PROBLEMS, decisions_name
from pipeline.run.storage import RunFolder
from pipeline.text.visible import print_visible
from pipeline.verify.problem import Label, read_label
from schemas.config import Config, TrainStage
from schemas.decision import ADDED_LATER
from schemas.errors import InputError
from schemas.label import LabelOutcome
from schemas.reasons import KEEP, Reason

FAMILY = "family"
"""Column with what `find_families` says of a problem."""
REPAIRED = "repaired_label"
"""Column of decisions with the label by which the samples were counted, where it is not the source's."""


@dataclass(frozen=True)
class Task:
    """A problem as the trainer needs it: what the model sees, and what its completions are judged against."""

    id: str
    statement: str
    domain: str
    language: str
    prompt: Prompt
    label: Label
    family: str = ""
    """The id of what it is a copy or a translation of, or its own: what is held out is held out with all of these."""
    right: int = 0
    wrong: int = 0
    """Samples of the grading that the stage follows, from which its pass rate is known before training."""
    repaired: str = ""
    """The answer that the witnesses have put in the place of the source's label."""


def choose_problems(
    folder: RunFolder, config: Config, stage: TrainStage, solved: Collection[str] = ()
) -> tuple[Task, ...]:
    """The problems of a stage, less those held out, by id. Raises InputError where there is none.

    `kept` is what the first grading pass kept. `harder` is what the second pass kept: what only the trained grader
    solves came in, what it solves too often went. Without a second pass it is what the first one kept or never saw
    solved, less what training `solved` (the paper's stages, section 5).
    """
    share = config.train.evaluation.share
    wanted = _read_wanted(folder, stage.data)
    skipped = set(solved) if stage.data == "harder" and last_pass(folder) == 1 else set()
    tasks = [
        task
        for table in wanted
        for task in read_tasks(table, config)
        if task.id not in skipped and not is_held_out(task.family, share)
    ]
    if not tasks:
        raise InputError(
            f"{folder.root}: no problem to train {stage.name!r} on (train.stages, data: {stage.data}); "
            "run `goldilocks curate` first, widen `keep`, or give it more sources"
        )
    return tuple(sorted(tasks, key=lambda task: task.id))


def choose_held_out(folder: RunFolder, config: Config) -> tuple[Task, ...]:
    """The held-out problems: a stable share of what the first pass kept, and screened ones of other sources.

    At most `evaluation.problems`, chosen by id; those with a statement that the run also has are left out.
    """
    evaluation = config.train.evaluation
    kept = _read_wanted(folder, "kept")
    ours = [task for table in kept for task in read_tasks(table, config) if is_held_out(task.family, evaluation.share)]
    known = {text for _, table in folder.read_tables(PROBLEMS, ["statement"]) for text in table["statement"]}
    others = [task for task in _read_sources(config) if task.statement not in known]
    unique = {task.statement: task for task in (*others, *ours)}
    return tuple(sorted(unique.values(), key=lambda task: task.id)[: evaluation.problems])


def keep_apart(tasks: Sequence[Task], held_out: Sequence[Task], config: Config) -> tuple[Task, ...]:
    """The `tasks` that are no held-out problem in other words, in another language, as a part or with other numbers.

    Compared as the set is with benchmarks. `evaluation.variants` says whether other numbers make it another problem.
    Raises InputError where no task is left.
    """
    if not held_out:
        return tuple(tasks)
    index = build_index([Item("held out", task.id, task.statement, _read_answer(task)) for task in held_out])
    rejects_variants = config.train.evaluation.variants == "reject"
    kept, left_out = [], Counter[str]()
    for task in tasks:
        match = find_match(read_problem(task.statement), index, config.decontaminate, _read_answer(task))
        if match is None or (match.how == "variant" and not rejects_variants):
            kept.append(task)
        else:
            left_out[match.how] += 1
    if left_out:
        ways = ", ".join(f"{count} by {how}" for how, count in left_out.most_common())
        print_visible(
            f"{left_out.total()} of {len(tasks)} problems are not trained on: held out ones are alike ({ways})"
        )
    if tasks and not kept:
        raise InputError(
            f"all {len(tasks)} problems to train on are like held-out ones ({ways}); hold out others "
            "(train.evaluation.sources), or set train.evaluation.variants to keep where they are of one generator"
        )
    return tuple(kept)


def _read_answer(task: Task) -> str | None:
    return task.label if isinstance(task.label, str) else None


def read_tasks(problems: pl.DataFrame, config: Config) -> Iterator[Task]:
    """The tasks of a table of problems."""
    for row in problems.iter_rows(named=True):
        yield Task(
            row["id"],
            row["statement"],
            row["domain"],
            row["language"],
            build_prompt(row, config.prompt),
            read_label(row, config.verify),
            row.get(FAMILY) or row["id"],
            row.get("correct") or 0,
            row.get("wrong") or 0,
            row.get(REPAIRED) or "",
        )


def _read_wanted(folder: RunFolder, data: Literal["kept", "harder"]) -> Iterator[pl.DataFrame]:
    """By the decisions of the run, or all that it published where somebody left only that."""
    if not folder.list(DECISIONS):
        for _, table in folder.read_tables(CURATED):
            counted = {"correct", "n"} <= set(table.columns)
            wrong = pl.col("n") - pl.col("correct") if counted else pl.lit(None)
            is_repaired = pl.col("answer_origin") == LabelOutcome.REPAIRED
            repaired = pl.when(is_repaired).then("answer") if "answer_origin" in table.columns else pl.lit(None)
            yield _name_families(table).with_columns(wrong.alias("wrong"), repaired.alias(REPAIRED))
        return
    grading_pass = last_pass(folder) if data == "harder" else 1
    wanted = [KEEP, Reason.NEVER_SOLVED.value] if data == "harder" and grading_pass == 1 else [KEEP]
    for shard, graded in find_graded(folder).items():
        name = decisions_name(shard, grading_pass)
        if folder.exists(name):
            columns = ["problem_id", "decision", "correct", "wrong", REPAIRED]
            decided = folder.read_table(name, columns, ADDED_LATER)
            if REPAIRED not in decided.columns:
                decided = decided.join(_read_repaired(folder, shard), on="problem_id", how="left")
            chosen = decided.filter(pl.col("decision").is_in(wanted)).drop("decision")
            named = _name_families(folder.read_table(graded))
            yield named.join(
                chosen, left_on="id", right_on="problem_id", how="inner", maintain_order="left"
            ).with_columns(answer=pl.coalesce(REPAIRED, "answer"))


def _read_repaired(folder: RunFolder, shard: str) -> pl.DataFrame:
    """The repaired labels of a shard whose decisions do not have them: those of its last pass."""
    repaired = read_labels(folder, shard).filter(pl.col("outcome") == LabelOutcome.REPAIRED)
    return repaired.select("problem_id", pl.col("answer").alias(REPAIRED))


def _name_families(problems: pl.DataFrame) -> pl.DataFrame:
    families = find_families(problems)
    return problems.with_columns(pl.col("id").replace_strict(families, return_dtype=pl.String).alias(FAMILY))


def _read_sources(config: Config) -> Iterable[Task]:
    from pipeline.ingest.source import read_source
    from pipeline.screen import screen
    from pipeline.verify.pool import share_pool
    from schemas.conform import conform_rows

    for source in config.train.evaluation.sources:
        problems, _ = conform_rows(list(read_source(source, config.sandbox, config.reading)), source.name, "ingest")
        yield from read_tasks(screen(problems, config.screen, share_pool(config.verify))[0], config)
