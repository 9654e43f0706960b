"""What the shards of a run share while they are graded: one engine, one verifier, one progress bar."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import polars as pl

from pipeline.inference.engine import Engine
from pipeline.inference.open import open_engine
from pipeline.run.evidence import find_graded, record_evidence
from pipeline.run.storage import RunFolder
from pipeline.sample.progress import SamplingProgress
from pipeline.sample.shard import evidence_keys, sample_shard
from pipeline.verify.problem import ProblemVerifier
from pipeline.verify.second_opinion import open_opinion
from schemas.config import Config


@dataclass(frozen=True)
class Grading:
    """Grades one shard after the other, or several at once: engine and verifier take work from any thread."""

    config: Config
    folder: RunFolder
    engine: Engine
    verifier: ProblemVerifier
    progress: SamplingProgress
    graded: dict[str, str]
    grading_pass: int = 1
    counts: bool = True
    """Whether the pass is decided by these samples; those of a further grader are witnesses only."""

    def grade(self, shard: str, only: Collection[str] | None = None) -> int:
        """Take and verify the missing samples of `shard`, or of its problems `only`; returns how many are left."""
        problems = self.folder.read_table(self.graded[shard])
        if self.counts:
            record_evidence(self.folder, shard, evidence_keys(problems, self.config, self.engine), self.grading_pass)
        if only is not None:
            problems = problems.filter(pl.col("id").is_in(list(only)))
        stats = sample_shard(problems, shard, self.folder, self.config, self.engine, self.verifier, self.progress)
        return stats.missing


@contextmanager
def open_grading(
    config: Config,
    folder: RunFolder,
    grading_pass: int = 1,
    problems: int | None = None,
    graded: dict[str, str] | None = None,
    engine: Engine | None = None,
    counts: bool = True,
) -> Iterator[Grading]:
    """Engine, verifier and progress (over `problems`, or all) until the block ends. The engine's process starts at the
    first missing sample. `graded` are the tables to grade by shard, where they are not all that the run has. An
    `engine` that is open already is used, and stays open.
    """
    graded = find_graded(folder) if graded is None else graded
    with ExitStack() as stack:
        asked = stack.enter_context(open_engine(config.model)) if engine is None else engine
        opinion = stack.enter_context(open_opinion(config.verify, asked))
        verifier = stack.enter_context(ProblemVerifier(config.verify, config.sandbox, opinion))
        whole = sum(folder.count_rows(name) for name in graded.values()) if problems is None else problems
        progress = stack.enter_context(SamplingProgress(whole))
        yield Grading(config, folder, asked, verifier, progress, graded, grading_pass, counts)
