"""The names of all that a run's folder holds, built here and taken apart here.

    problems/00000.parquet                 as ingested, a shard a file
    stages/STAGE/00000.parquet             what a stage between ingest and sampling kept
    stages/STAGE/00000.key                 what that outcome was made from, written last
    stages/STAGE/set.key                   the same of a stage that looks at the whole set
    stages/STAGE/00000.json                a stage's own counts of a shard
    rejected/STAGE-00000.parquet           what a stage rejected, with the reason
    samples/00000.parquet                  a sealed shard's samples
    samples/00000/part-00000.parquet       samples of a shard that is still sampled
    evidence/pass-1-00000.parquet          which samples count in a grading pass
    brought/00000.parquet                  which samples came from the runs and files of `also_graded_by`
    refusals/pass-1-00000.parquet          problems whose prompt the grader does not take, where there are any
    decisions/pass-1-00000.parquet         what a grading pass decided
    decisions/pass-1-00000.json            how often all samples would decide otherwise, with `sampling.stop: confident`
    labels/00000.parquet                   what the witnesses said of every label
    labels/witnesses.json                  how far each witness can be trusted, as learned from the run
    rates/00000.parquet                    the pass rates of every grader that was ever asked
    curated/00000.parquet                  what was kept in the end
    flags/TIME-RANDOM.json                 a person's doubts about a label
    training/                              checkpoints, logs and curves of the trainer
    manifest.json, README.md, report.html, funnel.svg, pass-rates.svg, plan.json, audit.json, imported.json
    .lock                                  one process at a time; on an object store a folder of claims

Names are relative to the run's folder, with forward slashes. A shard is a number of five digits.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

PROBLEMS = "problems"
STAGES = "stages"
REJECTED = "rejected"
SAMPLES = "samples"
EVIDENCE = "evidence"
BROUGHT = "brought"
REFUSALS = "refusals"
DECISIONS = "decisions"
LABELS = "labels"
RATES = "rates"
CURATED = "curated"
FLAGS = "flags"
TRAINING = "training"
EVALUATIONS = "evaluations.jsonl"
"""In the trainer's folder, wherever that lies."""
HELD_OUT = f"{TRAINING}/{EVALUATIONS}"
"""How good the trained weights are on held-out problems."""
TABLE_FOLDERS = (PROBLEMS, STAGES, REJECTED, SAMPLES, EVIDENCE, BROUGHT, REFUSALS, DECISIONS, LABELS, RATES, CURATED)
"""The folders with tables, in the order in which a run fills them."""

MANIFEST = "manifest.json"
CARD = "README.md"
REPORT = "report.html"
FUNNEL = "funnel.svg"
PASS_RATES = "pass-rates.svg"
WITNESSES = f"{LABELS}/witnesses.json"
PLAN = "plan.json"
AUDIT = "audit.json"
"""What `goldilocks audit` found of planted defects."""
IMPORTED_NOTE = "imported.json"
"""Says that the run was made from samples in a file, so that it may be made again."""
LOCK = ".lock"
"""A file that its holder locks; on an object store a folder with a claim of every process that wants the run."""

WHOLE_SET = "set"
"""Stands for the shard in the key of a stage that looks at the whole set."""
PARQUET = ".parquet"
DAMAGED = ".parquet.damaged"
"""How the name of a damaged table ends that was set aside."""
_PART = "part-"
_OF_PASS = re.compile(r"pass-(\d+)-(.+)")


@dataclass(frozen=True)
class TableName:
    """The parts of a table's name; those that its folder does not have are empty."""

    folder: str
    shard: str
    stage: str = ""
    grading_pass: int = 0


def split_name(name: str) -> TableName:
    """Take apart the name of a table, or of another file of a shard, such as `rejected/screen-00000.parquet`."""
    path = PurePosixPath(name)
    folder, last = path.parts[0], path.name.partition(".")[0]
    if folder == STAGES:
        return TableName(folder, last, path.parts[1])
    if folder == REJECTED:
        stage, _, shard = last.partition("-")
        return TableName(folder, shard, stage)
    if folder in (EVIDENCE, REFUSALS, DECISIONS) and (graded := _OF_PASS.fullmatch(last)):
        return TableName(folder, graded[2], grading_pass=int(graded[1]))
    if folder == SAMPLES:
        return TableName(folder, path.parts[1].partition(".")[0])
    return TableName(folder, last)


def shard_of(name: str) -> str:
    """`00003` of the name of any file of that shard, such as `problems/00003.parquet` or `rejected/screen-00003...`."""
    return split_name(name).shard


def shard_name(number: int) -> str:
    return f"{number:05d}"


def table_name(folder: str, shard: str) -> str:
    """A shard's table in `folder`: `problems`, `curated`, or what `stage_folder` gives."""
    return f"{folder}/{shard}{PARQUET}"


def problems_name(shard: str) -> str:
    return table_name(PROBLEMS, shard)


def stage_folder(stage: str) -> str:
    return f"{STAGES}/{stage}"


def stage_name(stage: str, shard: str) -> str:
    return table_name(stage_folder(stage), shard)


def key_name(stage: str, shard: str) -> str:
    """Where it is written, last of all, what a stage's outcome in the folder was made from."""
    return f"{stage_folder(stage)}/{shard}.key"


def summary_name(stage: str, shard: str) -> str:
    """Where a stage keeps counts of its own, beside the outcome."""
    return f"{stage_folder(stage)}/{shard}.json"


def labels_name(shard: str) -> str:
    return table_name(LABELS, shard)


def rates_name(shard: str) -> str:
    return table_name(RATES, shard)


def rejected_name(stage: str, shard: str) -> str:
    return f"{REJECTED}/{stage}-{shard}{PARQUET}"


def curated_name(shard: str) -> str:
    return table_name(CURATED, shard)


def samples_name(shard: str) -> str:
    """The one table of a sealed shard's samples."""
    return table_name(SAMPLES, shard)


def parts_folder(shard: str) -> str:
    """The folder of the samples of a shard that is still sampled."""
    return f"{SAMPLES}/{shard}"


def part_name(shard: str, number: int) -> str:
    return f"{parts_folder(shard)}/{_PART}{number:05d}{PARQUET}"


def part_number(name: str) -> int | None:
    """3 of `samples/00000/part-00003.parquet`; None of what is no such part."""
    digits = PurePosixPath(name).name.removeprefix(_PART).removesuffix(PARQUET)
    return int(digits) if digits.isdigit() else None


def evidence_name(shard: str, grading_pass: int) -> str:
    """Where it is written which samples count in a shard."""
    return f"{EVIDENCE}/pass-{grading_pass}-{shard}{PARQUET}"


def brought_name(shard: str) -> str:
    """Where it is written which of a shard's samples came from other runs and files."""
    return table_name(BROUGHT, shard)


def refusals_name(shard: str, grading_pass: int) -> str:
    """Where it is written which problems' prompts the grader of a pass does not take."""
    return f"{REFUSALS}/pass-{grading_pass}-{shard}{PARQUET}"


def decisions_name(shard: str, grading_pass: int) -> str:
    return f"{DECISIONS}/pass-{grading_pass}-{shard}{PARQUET}"


def calibration_name(shard: str, grading_pass: int) -> str:
    """Where it is written how often all samples would decide otherwise."""
    return f"{DECISIONS}/pass-{grading_pass}-{shard}.json"


def damaged_name(name: str) -> str:
    """What a damaged file is called once it was set aside."""
    return f"{name}.damaged"


def flag_name(moment: str, random: str) -> str:
    return f"{FLAGS}/{moment}-{random}.json"


def claim_name(random: str) -> str:
    return f"{LOCK}/{random}.json"
