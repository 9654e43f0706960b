"""The witnesses of a run's folder: which votes there are in a shard, and what was learned of them over the whole
run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from pipeline.labels.gather import NEEDED, VOTE_DTYPES, gather_votes
from pipeline.labels.judge import Witnesses, learn_witnesses
from pipeline.labels.twins import TWIN_DTYPES, Apart, count_twins, find_apart, list_twins
from pipeline.run.evidence import read_samples
from pipeline.run.layout import TRAINING, WITNESSES
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import complete_columns

PROBLEM_COLUMNS = ("id", "answer", "label_candidates", "extra")
LEARNED_FROM = 10_000
"""Problems that coins are learned from, shards spread evenly over a larger run: a coin is then known to 0.01."""


def read_votes(
    folder: RunFolder,
    graded: str,
    sample_files: Iterable[str],
    config: Config,
    rulings: Mapping[str, str],
    apart: Apart,
) -> pl.DataFrame:
    """The votes of one shard, whose problems are the table `graded`."""
    problems = complete_columns(folder.read_table(graded, list(PROBLEM_COLUMNS), ("label_candidates",)))
    samples = read_samples(folder, sample_files, NEEDED)
    return gather_votes(problems, samples, name_origin(config), rulings, apart)


def find_twins_apart(
    folder: RunFolder, graded: Mapping[str, str], sample_files: Mapping[str, Sequence[str]], config: Config
) -> Apart:
    """The clashing copies of a run that its samples show to be two problems. Holds counts of clashing rows only."""
    counts = [pl.DataFrame(schema=TWIN_DTYPES)]
    for shard, name in graded.items():
        listed = complete_columns(folder.read_table(name, ["id", "label_candidates"], ("label_candidates",)))
        twins = list_twins(listed)
        if twins.height:
            problems = complete_columns(folder.read_table(name, list(PROBLEM_COLUMNS), ("label_candidates",)))
            clashing = problems.join(twins, left_on="id", right_on="problem_id", how="semi")
            samples = read_samples(folder, sample_files.get(shard, ()), NEEDED)
            counts.append(count_twins(clashing, gather_votes(clashing, samples, name_origin(config))))
    return find_apart(pl.concat(counts))


def name_origin(config: Config) -> Callable[[str], str]:
    """Names the model that a grader comes from: a checkpoint of this run's training comes from the run's model."""
    return lambda model: config.model.name if f"/{TRAINING}/" in model else model


def learn_run(
    folder: RunFolder,
    graded: Mapping[str, str],
    sample_files: Mapping[str, Sequence[str]],
    config: Config,
    rulings: Mapping[str, str],
) -> Witnesses:
    """Learn the witnesses of a run, and write them down. Memory is that of `LEARNED_FROM` problems' votes."""
    apart = find_twins_apart(folder, graded, sample_files, config)
    rows = {shard: folder.count_rows(name) for shard, name in graded.items()}
    step = max(1, -(-sum(rows.values()) // LEARNED_FROM))
    chosen = list(graded)[::step]
    votes = [read_votes(folder, graded[shard], sample_files.get(shard, ()), config, rulings, apart) for shard in chosen]
    witnesses = replace(learn_witnesses(pl.concat([pl.DataFrame(schema=VOTE_DTYPES), *votes])), apart=apart)
    folder.write_json(WITNESSES, witnesses.to_json())
    return witnesses


def read_witnesses(folder: RunFolder) -> Witnesses | None:
    """What the last decision learned; None of a run that was made before labels had witnesses."""
    return Witnesses.from_json(folder.read_json(WITNESSES)) if folder.exists(WITNESSES) else None
