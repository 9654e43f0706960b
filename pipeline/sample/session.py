"""A sampling session: the engine, the verifier and the counts that the shards of a run share."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import polars as pl

from pipeline.inference.engine import Engine
from pipeline.inference.open import open_engine
from pipeline.run.evidence import add_earlier, find_graded, record_evidence, record_refusals
from pipeline.run.storage import RunFolder
from pipeline.sample.progress import SamplingProgress
from pipeline.sample.shard import sample_shard
from pipeline.sample.steps import refuse_steps
from pipeline.sample.store import EvidenceStore, evidence_keys, name_model
from pipeline.verify.problem import ProblemVerifier
from pipeline.verify.second_opinion import open_opinion
from schemas.config import Config


@dataclass(frozen=True)
class Grading:
    """Samples and verifies shards, several at once: engine and verifier take work from any thread."""

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
        """Take and verify the missing samples of `shard`, or of the problems in `only`; returns how many are still
        missing."""
        problems = self.folder.read_table(self.graded[shard])
        if self.counts:
            model = name_model(self.folder, shard, self.engine)
            keys = evidence_keys(problems, self.config, self.engine, model)
            record_evidence(self.folder, shard, keys, self.grading_pass)
            problems = add_earlier(self.folder, shard, problems, self.grading_pass)
        if only is not None:
            problems = problems.filter(pl.col("id").is_in(list(only)))
        store = EvidenceStore(self.folder, shard, self.config.flow.flush_seconds, self.grading_pass)
        stats = sample_shard(problems, store, self.config, self.engine, self.verifier, self.progress)
        if self.counts:
            record_refusals(self.folder, shard, problems["id"].to_list(), stats.refusals, self.grading_pass)
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
    """Open a session until the block ends. vLLM starts with the first missing sample.

    `problems` says how many are to be graded, where it is not all of them; `graded` maps shards to their tables, where
    it is not all shards of the run. An `engine` that is given stays open.
    """
    graded = find_graded(folder) if graded is None else graded
    with ExitStack() as stack:
        opened = stack.enter_context(open_engine(config.model)) if engine is None else engine
        refuse_steps(config.sampling, opened)
        opinion = stack.enter_context(open_opinion(config.verify, opened))
        verifier = stack.enter_context(ProblemVerifier(config.verify, config.sandbox, opinion))
        total = sum(folder.count_rows(name) for name in graded.values()) if problems is None else problems
        progress = stack.enter_context(SamplingProgress(total, config.sampling.n))
        yield Grading(config, folder, opened, verifier, progress, graded, grading_pass, counts)
