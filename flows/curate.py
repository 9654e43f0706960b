"""The main job as a Prefect flow: ingest; screen, court, sample and decide shard by shard; publish and report.

A shard is the unit of retry and of caching; a failed shard leaves the others finished, and the same command goes on
where it stopped. Sampling is not cached by Prefect: its evidence is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from flows.afar import submit_asking, submit_publishing, submit_samples
from flows.artifacts import publish_artifacts
from flows.courting import author_shard
from flows.judging import judge_shard
from flows.runner import open_runner, runs_afar
from flows.shards import can_be_retried, forget_stages, is_stale, run_stage_on_shard, stage_key
from flows.stopwatch import Stopwatch
from flows.translating import translate_shard
from flows.whole import dedup_shards
from pipeline.inference.engine import EngineDied
from pipeline.inference.open import open_engine
from pipeline.run.damaged import set_aside_damaged
from pipeline.run.evidence import forget_pass
from pipeline.run.layout import PROBLEMS, shard_of, stage_folder
from pipeline.run.lock import hold_run
from pipeline.run.storage import RunFolder
from pipeline.sample.session import Grading, open_grading
from schemas.config import Config
from schemas.load import load_config


@dataclass(frozen=True)
class Outcome:
    """What one run of the flow did. `failed` maps what failed to its error; `owed` counts samples still to be taken."""

    run: str
    manifest: dict[str, Any]
    failed: dict[str, str] = field(default_factory=dict)
    owed: int = 0

    @property
    def finished(self) -> bool:
        return not self.failed and not self.owed


class UnfinishedError(RuntimeError):
    """Some shards failed or samples are owed; everything else is done and stored."""

    def __init__(self, outcome: Outcome) -> None:
        said = [f"{what}: {error}" for what, error in outcome.failed.items()]
        if outcome.owed:
            said.append(f"{outcome.owed} samples are owed")
        super().__init__("; ".join(said) + ". Run it again to go on.")
        self.outcome = outcome


@flow(name="goldilocks", validate_parameters=False)
def curate(config_path: str, overrides: Sequence[str] = ()) -> Outcome:
    """Run the config at `config_path` with `overrides` (each `path.to.key=value`); what deployments call.

    Raises UnfinishedError when shards failed or samples are owed, so that the run shows as failed in Prefect.
    """
    outcome = curate_held(load_config(config_path, overrides))
    if not outcome.finished:
        raise UnfinishedError(outcome)
    return outcome


def curate_held(config: Config) -> Outcome:
    """Hold the run's folder and curate its shards; failures are in the outcome, bad input raises InputError."""
    folder = RunFolder(config.run)
    with hold_run(folder), open_runner(config) as runner:
        outcome: Outcome = curate_shards.with_options(task_runner=runner)(config, folder)
    return outcome


@flow(name="goldilocks-shards", validate_parameters=False)
def curate_shards(config: Config, folder: RunFolder) -> Outcome:
    """The stages in their order, over the shards of a run that this process holds."""
    watch = Stopwatch()
    patience = choose_patience(config)
    ready, failed = prepare_shards(config, folder, watch, patience)
    with watch.measure("sample"):
        owed, failures = sample_shards(config, folder, ready, patience)
    with watch.measure("decide"):
        forget_pass(folder, 2)
        decide_shards.with_options(**patience)(config, folder)
    there = runs_afar(config) and not gather("publish", submit_publishing(config, folder, patience, 1))[1]
    manifest = publish.with_options(**patience)(config, folder, watch.seconds, 1, there)
    publish_artifacts(folder, manifest)
    return Outcome(config.run, manifest, failed | failures, owed)


def prepare_shards(
    config: Config, folder: RunFolder, watch: Stopwatch, patience: Mapping[str, Any]
) -> tuple[list[str], dict[str, str]]:
    """Ingest, and every stage up to sampling: (shards that are ready to be sampled, what failed). Within a flow."""
    set_aside_damaged(folder)
    with watch.measure("ingest"):
        ingest_sources.with_options(**patience)(config, folder)
    shards = [shard_of(name) for name in folder.list(PROBLEMS)]
    chain = choose_stages(config, folder)
    forget_stages(folder, chain)
    failed: dict[str, str] = {}
    ready, room = shards, PROBLEMS
    for stage in chain:
        with watch.measure(stage):
            failed |= run_stage(config, folder, stage, ready, room, patience)
        ready, room = [shard for shard in ready if f"{stage} {shard}" not in failed], stage_folder(stage)
    return ready, failed


def choose_patience(config: Config) -> dict[str, Any]:
    """How often and when Prefect tries a task again."""
    return {
        "retries": config.flow.retries,
        "retry_delay_seconds": config.flow.retry_delay,
        "retry_condition_fn": can_be_retried,
    }


def choose_stages(config: Config, folder: RunFolder) -> list[str]:
    """The stages between ingest and sampling, each reading what the one before kept: the court where there is code."""
    has_code = any((table["domain"] == "code").any() for _, table in folder.read_tables(PROBLEMS, ["domain"]))
    judged = ["judge"] if config.screen.judge.enabled else []
    clean = ["decontaminate"] if config.decontaminate.benchmarks else []
    told = ["translate"] if config.translate.enabled else []
    return ["screen", *judged, "dedup", *clean, *(["court"] if has_code else []), *told]


def run_stage(
    config: Config, folder: RunFolder, stage: str, shards: Sequence[str], room: str, patience: Mapping[str, Any]
) -> dict[str, str]:
    """Run one stage over every shard of `room` whose content or config is new; returns what failed."""
    if stage == "judge":
        return ask_model(config, folder, judge_shard, shards, room, patience)
    if stage == "translate":
        return ask_model(config, folder, translate_shard, shards, room, patience)
    if stage == "court" and config.court.author.enabled:
        return ask_model(config, folder, author_shard, shards, room, patience)
    if stage == "dedup":
        found = dedup_shards.with_options(**patience).submit(config, folder, shards, room)
        return gather(stage, dict.fromkeys(shards, found))[1]
    futures = {}
    for shard in shards:
        key = stage_key(config, folder, stage, shard, room)
        run = run_stage_on_shard.with_options(
            task_run_name=f"{stage}-{shard}", refresh_cache=is_stale(folder, stage, shard, key), **patience
        )
        futures[shard] = run.submit(config, folder, stage, shard, room, key)
    return gather(stage, futures)[1]


def ask_model(
    config: Config,
    folder: RunFolder,
    stage: Any,
    shards: Sequence[str],
    room: str,
    patience: Mapping[str, Any],
) -> dict[str, str]:
    """Run a stage that asks the model (a Prefect task, named as the stage) over every shard; returns what failed."""
    if runs_afar(config):
        return gather(stage.name, submit_asking(config, folder, stage.name, shards, room, patience))[1]
    try:
        with open_engine(config.model) as engine:
            futures = {
                shard: stage.with_options(task_run_name=f"{stage.name}-{shard}", **patience).submit(
                    config, folder, engine, shard, room
                )
                for shard in shards
            }
            return gather(stage.name, futures)[1]
    except EngineDied as error:
        return {f"{stage.name} {shard}": str(error) for shard in shards}


def sample_shards(
    config: Config, folder: RunFolder, shards: Sequence[str], patience: Mapping[str, Any], grading_pass: int = 1
) -> tuple[int, dict[str, str]]:
    """Take and verify what every shard owes; returns how many samples are still owed, and what failed."""
    if runs_afar(config):
        sampled, failed = gather("sample", submit_samples(config, folder, shards, patience, grading_pass))
        return sum(sampled.values()), failed
    try:
        with open_grading(config, folder, grading_pass) as grading:
            futures = {
                shard: sample_shard.with_options(task_run_name=f"sample-{shard}", **patience).submit(grading, shard)
                for shard in shards
            }
            sampled, failed = gather("sample", futures)
    except EngineDied as error:
        return 0, {"sample": str(error)}
    return sum(sampled.values()), failed


def gather(stage: str, futures: Mapping[str, PrefectFuture[Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Wait for every shard: (results by shard, errors by "stage shard"). One that fails stops no other."""
    done: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for shard, future in futures.items():
        future.wait()
        result = future.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            failed[f"{stage} {shard}"] = f"{type(result).__name__}: {result}"
        else:
            done[shard] = result
    return done, failed


@task(name="ingest", cache_policy=NO_CACHE)
def ingest_sources(config: Config, folder: RunFolder) -> None:
    """Read what is new in the sources into shards."""
    from pipeline.ingest.ingest import ingest

    ingest(config, folder)


@task(name="sample", cache_policy=NO_CACHE)
def sample_shard(grading: Grading, shard: str) -> int:
    """Take and verify what one shard owes; returns how many samples it still owes."""
    return grading.grade(shard)


@task(name="decide", cache_policy=NO_CACHE)
def decide_shards(config: Config, folder: RunFolder, grading_pass: int = 1) -> None:
    """Decide every problem from its evidence; seconds, and no model."""
    from pipeline.decide.decide import decide_run

    decide_run(folder, config, grading_pass)


@task(name="publish", cache_policy=NO_CACHE)
def publish(
    config: Config,
    folder: RunFolder,
    seconds: Mapping[str, float],
    grading_pass: int = 1,
    shards_are_there: bool = False,
) -> dict[str, Any]:
    """Write curated shards, rejects, manifest, card and report; checks that every count adds up."""
    from pipeline.publish.run import publish_run

    return publish_run(folder, config, seconds, grading_pass, shards_are_there)
