"""The main job as a Prefect flow: ingest; the stages, sampling and decisions shard by shard; publish and report.

A shard is the unit of retry; a failed shard leaves the others finished, and the same command goes on where it stopped.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture

from flows.artifacts import publish_artifacts
from flows.changes import describe_changes
from flows.old_outcomes import rename_stages
from flows.outcomes import forget_stages
from flows.ray import open_runner, runs_on_ray
from flows.stopwatch import Stopwatch
from flows.tasks import (
    bring_other_graders,
    choose_retries,
    decide_shards,
    ingest_sources,
    publish,
    publish_shard_alone,
    run_stage_on_set,
    run_stage_on_shard,
    sample_shard,
    sample_shard_alone,
)
from pipeline.inference.engine import Engine, EngineDied
from pipeline.inference.open import open_engine
from pipeline.progress import Work, announce, track
from pipeline.progress.display import show_progress
from pipeline.run.damaged import set_aside_damaged
from pipeline.run.evidence import find_graded, find_samples, find_stages, forget_pass
from pipeline.run.layout import BROUGHT, PROBLEMS, shard_of, stage_folder, table_name
from pipeline.run.lock import hold_run
from pipeline.run.storage import DamagedFile, RunFolder
from pipeline.sample.session import open_grading
from pipeline.stages import choose_stages, find_stage
from schemas.config import Config
from schemas.load import load_config

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What one run of the flow did. `failed` maps what failed to its error; `missing` counts samples to be taken."""

    run: str
    manifest: dict[str, Any]
    failed: dict[str, str] = field(default_factory=dict)
    missing: int = 0

    @property
    def finished(self) -> bool:
        return not self.failed and not self.missing


class UnfinishedError(RuntimeError):
    """Some shards failed or samples are missing; everything else is done and stored."""

    def __init__(self, outcome: Outcome) -> None:
        reasons = [f"{what}: {error}" for what, error in outcome.failed.items()]
        if outcome.missing:
            reasons.append(f"{outcome.missing} samples are missing")
        super().__init__("; ".join(reasons) + ". Run it again to go on.")
        self.outcome = outcome


@flow(name="goldilocks", validate_parameters=False)
def curate(config_path: str, overrides: Sequence[str] = ()) -> Outcome:
    """Run the config at `config_path` with `overrides` (each `path.to.key=value`); what deployments call.

    Raises UnfinishedError when shards failed or samples are missing, so that the run shows as failed in Prefect.
    """
    with show_progress():
        outcome = curate_held(load_config(config_path, overrides))
    if not outcome.finished:
        raise UnfinishedError(outcome)
    return outcome


def curate_held(config: Config) -> Outcome:
    """Hold the run's folder and curate its shards; failures are in the outcome, bad input raises InputError."""
    folder = RunFolder(config.run)
    with hold_run(folder), open_runner(config) as runner:
        announce("start Prefect")
        outcome: Outcome = curate_shards.with_options(task_runner=runner)(config, folder)
    return outcome


class RunEngine:
    """The one engine of a run, opened when it is first asked for: it serves every stage, and sampling.

    One that died in a stage fails no later one: another is opened in its place, with `model.restarts` of its own.
    On Ray there is none: an engine cannot be sent to another machine, so each task opens its own.
    """

    def __init__(self, config: Config, stack: ExitStack) -> None:
        self._config, self._stack = config, stack
        self._engine: Engine | None = None

    def open(self) -> Engine:
        """Raises ModelError, EngineDied."""
        if self._engine is None or self._engine.is_dead:
            self._engine = self._stack.enter_context(open_engine(self._config.model))
        return self._engine


@contextmanager
def hold_engine(config: Config) -> Iterator[RunEngine]:
    """The engine of a run until the block ends."""
    with ExitStack() as stack:
        yield RunEngine(config, stack)


@flow(name="goldilocks-shards", validate_parameters=False)
def curate_shards(config: Config, folder: RunFolder) -> Outcome:
    """The stages in their order, over the shards of a run that this process holds."""
    watch = Stopwatch()
    retries = choose_retries(config)
    with hold_engine(config) as engine:
        ready, failed = prepare_shards(config, folder, watch, engine)
        # Before sampling, as `sampling.stop: confident` begins with what they say.
        if config.also_graded_by or folder.list(BROUGHT):
            bring_other_graders.with_options(**retries)(config, folder)
        with watch.measure("sample"):
            missing, failures = sample_shards(config, folder, ready, engine=engine)
    if config.also_graded_by:
        with watch.measure("also_graded_by"):
            left, lost = ask_other_graders(config, folder, ready)
        missing, failures = missing + left, failures | lost
    with watch.measure("decide"):
        forget_pass(folder, 2)
        decide_shards.with_options(**retries)(config, folder)
    shards_are_there = runs_on_ray(config) and publish_shards(config, folder)
    manifest = publish.with_options(**retries)(config, folder, watch.seconds, 1, shards_are_there)
    publish_artifacts(folder, manifest)
    return Outcome(config.run, manifest, failed | failures, missing)


def prepare_shards(
    config: Config, folder: RunFolder, watch: Stopwatch, engine: RunEngine
) -> tuple[list[str], dict[str, str]]:
    """Ingest, and every stage up to sampling: (shards that are ready to be sampled, what failed). Within a flow."""
    if changes := describe_changes(config, folder, version("goldilocks")):
        what = "; ".join(changes)
        log.warning("%s: changed since the last run, so what depends on it is done again: %s", folder.root, what)
    set_aside_damaged(folder)
    rename_stages(folder)
    with watch.measure("ingest"):
        ingest_sources.with_options(**choose_retries(config))(config, folder)
    stages = plan_stages(config, folder)
    forget_stages(folder, stages)
    failed: dict[str, str] = {}
    ready, source = [shard_of(name) for name in folder.list(PROBLEMS)], PROBLEMS
    for stage in stages:
        with watch.measure(stage):
            failed |= run_stage(config, folder, stage, ready, source, engine)
        ready, source = [shard for shard in ready if f"{stage} {shard}" not in failed], stage_folder(stage)
    return ready, failed


def plan_stages(config: Config, folder: RunFolder) -> list[str]:
    """The stages between ingest and sampling, each reading what the one before kept."""
    has_code = any((table["domain"] == "code").any() for _, table in folder.read_tables(PROBLEMS, ["domain"]))
    return choose_stages(config, has_code)


def run_stage(
    config: Config, folder: RunFolder, stage: str, shards: Sequence[str], source: str, engine: RunEngine
) -> dict[str, str]:
    """Run one stage over every shard of the folder `source` whose content or config is new; returns what failed."""
    retries, chosen = choose_retries(config), find_stage(stage)
    rows = count_rows(folder, {shard: table_name(source, shard) for shard in shards})
    with track(stage, sum(rows.values()), whole=True) as work:
        if chosen.over_set:
            future = run_stage_on_set.with_options(name=stage, **retries).submit(config, folder, stage, shards, source)
            return gather(stage, dict.fromkeys(shards, future), work, rows)[1]
        asks_here = chosen.sampling(config) is not None and not runs_on_ray(config)
        try:
            shared = engine.open() if asks_here else None
        except EngineDied as error:
            work.fail()
            return {f"{stage} {shard}": str(error) for shard in shards}
        futures = {
            shard: run_stage_on_shard.with_options(name=stage, task_run_name=f"{stage}-{shard}", **retries).submit(
                config, folder, stage, shard, source, shared
            )
            for shard in shards
        }
        return gather(stage, futures, work, rows)[1]


def count_rows(folder: RunFolder, tables: Mapping[str, str]) -> dict[str, int]:
    """Shard -> rows of its table; 0 where it cannot be read, which its task will say."""
    rows = dict.fromkeys(tables, 0)
    for shard, name in tables.items():
        with suppress(DamagedFile, FileNotFoundError):
            rows[shard] = folder.count_rows(name)
    return rows


def sample_shards(
    config: Config,
    folder: RunFolder,
    shards: Sequence[str],
    grading_pass: int = 1,
    engine: RunEngine | None = None,
    counts: bool = True,
) -> tuple[int, dict[str, str]]:
    """Take and verify the missing samples of every shard; returns how many are still missing, and what failed.

    `engine` is the run's; without it one is opened for this sampling.
    """
    retries = choose_retries(config)
    if runs_on_ray(config):
        graded = find_graded(folder)
        rows = count_rows(folder, {shard: graded[shard] for shard in shards})
        with track("sample", sum(rows.values()), whole=True) as work:
            futures = {
                shard: sample_shard_alone.with_options(task_run_name=f"sample-{shard}", **retries).submit(
                    config, folder, shard, graded[shard], grading_pass, counts
                )
                for shard in shards
            }
            sampled, failed = gather("sample", futures, work, rows)
        return sum(sampled.values()), failed
    try:
        shared = None if engine is None else engine.open()
        with open_grading(config, folder, grading_pass, engine=shared, counts=counts) as grading:
            futures = {
                shard: sample_shard.with_options(task_run_name=f"sample-{shard}", **retries).submit(grading, shard)
                for shard in shards
            }
            sampled, failed = gather("sample", futures)
    except EngineDied as error:
        return 0, {"sample": str(error)}
    return sum(sampled.values()), failed


def ask_other_graders(config: Config, folder: RunFolder, shards: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Take the samples that the models of `also_graded_by` are to give; as `sample_shards`."""
    missing, failed = 0, dict[str, str]()
    for grader in config.also_graded_by:
        if grader.model is not None:
            asked = config.model_copy(update={"model": grader.model})
            left, lost = sample_shards(asked, folder, shards, counts=False)
            missing += left
            failed |= {f"{what} by {grader.model.name}": error for what, error in lost.items()}
    return missing, failed


def publish_shards(config: Config, folder: RunFolder, grading_pass: int = 1) -> bool:
    """Publish every graded shard in a task of its own; whether all are there."""
    stages, samples, shards = find_stages(folder), find_samples(folder), find_graded(folder)
    with track("publish", len(shards), "shards", whole=True) as work:
        futures = {
            shard: publish_shard_alone.with_options(task_run_name=f"publish-{shard}", **choose_retries(config)).submit(
                config, folder, shard, graded, samples.get(shard, []), stages, grading_pass
            )
            for shard, graded in shards.items()
        }
        return not gather("publish", futures, work, dict.fromkeys(shards, 1))[1]


def gather(
    stage: str,
    futures: Mapping[str, PrefectFuture[Any]],
    work: Work | None = None,
    sizes: Mapping[str, int] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Wait for every shard: (results by shard, errors by "stage shard"). One that fails stops no other.

    A shard that is done counts `sizes[shard]` into `work`, unless who worked on it has counted that.
    """
    done: dict[str, Any] = {}
    failed: dict[str, str] = {}
    reached = 0
    for shard, future in futures.items():
        future.wait()
        result = future.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            failed[f"{stage} {shard}"] = f"{type(result).__name__}: {result}"
            if work is not None:
                work.fail()
        else:
            done[shard] = result
            if work is not None and sizes is not None:
                reached += sizes[shard]
                work.reach(reached, skipped=result is False)
    return done, failed
