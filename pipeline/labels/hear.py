"""The witnesses of a run's folder: which votes there are in a shard, and what was learned of them over the whole
run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from pipeline.labels.gather import NEEDED, VOTE_DTYPES, gather_votes
from pipeline.labels.judge import Witnesses, learn_witnesses
from pipeline.run.evidence import read_samples
from pipeline.run.layout import TRAINING, WITNESSES
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.problem import complete_columns

PROBLEM_COLUMNS = ("id", "answer", "label_candidates", "extra")
LEARNED_FROM = 10_000
"""Problems that coins are learned from, shards spread evenly over a larger run: a coin is then known to 0.01."""


def read_votes(
    folder: RunFolder, graded: str, sample_files: Iterable[str], config: Config, rulings: Mapping[str, str]
) -> pl.DataFrame:
    """The votes of one shard, whose problems are the table `graded`."""
    problems = complete_columns(folder.read_table(graded, list(PROBLEM_COLUMNS), ("label_candidates",)))
    samples = read_samples(folder, sample_files, NEEDED)
    return gather_votes(problems, samples, name_origin(config), rulings)


def name_origin(config: Config) -> Callable[[str], str]:
    """Names the model that a grader comes from: a checkpoint of this run's training comes from the run's model."""
    return lambda model: config.model.name if f"/{TRAINING}/" in model else model


def hear_run(
    folder: RunFolder,
    graded: Mapping[str, str],
    sample_files: Mapping[str, Sequence[str]],
    config: Config,
    rulings: Mapping[str, str],
) -> Witnesses:
    """Learn the witnesses of a run, and write them down. Memory is that of `LEARNED_FROM` problems' votes."""
    rows = {shard: folder.count_rows(name) for shard, name in graded.items()}
    step = max(1, -(-sum(rows.values()) // LEARNED_FROM))
    chosen = list(graded)[::step]
    votes = [read_votes(folder, graded[shard], sample_files.get(shard, ()), config, rulings) for shard in chosen]
    witnesses = learn_witnesses(pl.concat([pl.DataFrame(schema=VOTE_DTYPES), *votes]))
    folder.write_json(WITNESSES, witnesses.to_json())
    return witnesses


def read_witnesses(folder: RunFolder) -> Witnesses | None:
    """What the last decision learned; None of a run that was made before labels had witnesses."""
    return Witnesses.from_json(folder.read_json(WITNESSES)) if folder.exists(WITNESSES) else None
