"""The witnesses of a run's folder: which votes there are in a shard, and what was learned of them over the whole
run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipeline.labels.gather import NEEDED, VOTE_DTYPES, gather_votes
from pipeline.labels.judge import Witnesses, learn_witnesses
from pipeline.labels.twins import TWIN_DTYPES, Apart, count_twins, find_apart, list_twins
from pipeline.run.evidence import hear_samples
from pipeline.run.layout import TRAINING, WITNESSES
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import complete_columns

PROBLEM_COLUMNS = ("id", "answer", "label_candidates", "extra")
LEARNED_FROM = 10_000
"""Problems that coins are learned from, shards spread evenly over a larger run: a coin is then known to 0.01."""


def find_twins_apart(
    folder: RunFolder,
    graded: Mapping[str, str],
    sample_files: Mapping[str, Sequence[str]],
    config: Config,
    grading_pass: int = 1,
) -> Apart:
    """The clashing copies of a run that its samples show to be two problems. Holds counts of clashing rows only."""
    counts = [pl.DataFrame(schema=TWIN_DTYPES)]
    for shard, name in graded.items():
        listed = complete_columns(folder.read_table(name, ["id", "label_candidates"], ("label_candidates",)))
        twins = list_twins(listed)
        if twins.height:
            problems = complete_columns(folder.read_table(name, list(PROBLEM_COLUMNS), ("label_candidates",)))
            clashing = problems.join(twins, left_on="id", right_on="problem_id", how="semi")
            samples = hear_samples(folder, shard, sample_files.get(shard, ()), NEEDED, grading_pass)
            counts.append(count_twins(clashing, gather_votes(clashing, samples, name_origin(config))))
    return find_apart(pl.concat(counts))


def name_origin(config: Config) -> Callable[[str], str]:
    """Names the model that a grader comes from: a checkpoint of this run's training comes from the run's model."""
    homes = [f"/{TRAINING}/", *([f"{Path(config.train.folder).expanduser()}/"] if config.train.folder else [])]
    return lambda model: config.model.name if any(home in model for home in homes) else model


def learn_run(
    folder: RunFolder,
    graded: Mapping[str, str],
    sample_files: Mapping[str, Sequence[str]],
    config: Config,
    rulings: Mapping[str, str],
    grading_pass: int = 1,
) -> Witnesses:
    """Learn the witnesses of a pass, and write them down. Memory is that of `LEARNED_FROM` problems' votes."""

    def read_votes(shard: str) -> pl.DataFrame:
        table = folder.read_table(graded[shard], list(PROBLEM_COLUMNS), ("label_candidates",))
        samples = hear_samples(folder, shard, sample_files.get(shard, ()), NEEDED, grading_pass)
        return gather_votes(complete_columns(table), samples, name_origin(config), rulings, apart)

    apart = find_twins_apart(folder, graded, sample_files, config, grading_pass)
    rows = {shard: folder.count_rows(name) for shard, name in graded.items()}
    step = max(1, -(-sum(rows.values()) // LEARNED_FROM))
    votes = [read_votes(shard) for shard in list(graded)[::step]]
    witnesses = replace(learn_witnesses(pl.concat([pl.DataFrame(schema=VOTE_DTYPES), *votes])), apart=apart)
    folder.write_json(WITNESSES, witnesses.to_json())
    return witnesses


def read_witnesses(folder: RunFolder) -> Witnesses | None:
    """What the last decision learned; None of a run that was made before labels had witnesses."""
    return Witnesses.from_json(folder.read_json(WITNESSES)) if folder.exists(WITNESSES) else None
