"""The loop that the paper describes (section 4.1): grade, train the grader on the survivors, grade the whole set again.

Each part is skipped where its content is already there: samples by the evidence store, stages of training by what they
are trained on. The second pass grades every problem that reached sampling, not the survivors alone: a first grader that
is too weak calls good problems unsolvable.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import publish_artifacts
from flows.curate import Outcome, UnfinishedError, curate_shards, sample_shards
from flows.ray import open_runner
from flows.stopwatch import Stopwatch
from flows.tasks import choose_retries, decide_shards, publish
from flows.train import train_stages
from pipeline.inference.engine import EngineDied
from pipeline.inference.models import folder_revision
from pipeline.inference.server_weights import give_weights, lend_weights
from pipeline.progress import announce
from pipeline.progress.display import show_progress
from pipeline.run.evidence import find_graded
from pipeline.run.lock import hold_run
from pipeline.run.storage import RunFolder
from schemas.config import Config, TrainStage
from schemas.load import load_config
from trainer.fit import check_fit
from trainer.placement import find_grader, find_placement


@flow(name="goldilocks-loop", validate_parameters=False)
def loop(config_path: str, overrides: Sequence[str] = ()) -> Outcome:
    """Run the loop of the config at `config_path`; what deployments call. Raises UnfinishedError."""
    with show_progress():
        outcome = loop_held(load_config(config_path, overrides))
    if not outcome.finished:
        raise UnfinishedError(outcome)
    return outcome


def loop_held(config: Config) -> Outcome:
    """Hold the run's folder and go round once: pass 1, the first stage of training, pass 2, the other stages.

    An unfinished first pass ends it: the next run goes on from there.
    """
    folder = RunFolder(config.run)
    # What cannot be trained on this machine is refused before anything is sampled for it.
    check_fit(config, grades=True)
    find_placement(config)
    find_grader(config)
    with hold_run(folder):
        if config.train.on_servers:
            # A loop that was cut off may have left its weights there.
            give_weights(config.model)
        with open_runner(config) as runner:
            announce("start Prefect")
            outcome: Outcome = curate_shards.with_options(task_runner=runner)(config, folder)
        if not outcome.finished:
            return outcome
        with open_runner(config if config.train.on_servers else stay_here(config)) as runner:
            regraded: Outcome = regrade_shards.with_options(task_runner=runner)(config, folder)
        return regraded


def describe_grader(config: Config, grader: Path) -> Config:
    """The config with the trained model in `grader` in place of the one that graded first: on the servers that take its
    weights (`train.on_servers`), or here, on every GPU where the first pass had servers. Raises InputError.
    """
    model = find_grader(config)
    if model is None:
        weights = {"weights": str(grader.resolve()), "revision": folder_revision(grader)}
        return config.model_copy(update={"model": config.model.model_copy(update=weights)})
    return stay_here(config).model_copy(update={"model": model.model_copy(update={"name": str(grader)})})


def stay_here(config: Config) -> Config:
    """The config without servers: the trained weights lie here, and those of `model.url` have others."""
    model = config.model.model_copy(update={"url": None})
    return config.model_copy(update={"model": model, "flow": config.flow.model_copy(update={"runner": "threads"})})


@flow(name="goldilocks-regrade", validate_parameters=False)
def regrade_shards(config: Config, folder: RunFolder) -> Outcome:
    """Train the grader on what pass 1 kept, grade the whole screened set with it, publish, and train the rest."""
    watch = Stopwatch()
    retries = choose_retries(config)
    first, *rest = config.train.stages
    with watch.measure("train"):
        grader = train_grader(config, [first])
    graded = describe_grader(config, grader)
    shards = list(find_graded(folder))
    with watch.measure("regrade"):
        try:
            with lend_weights(graded.model) if config.train.on_servers else nullcontext():
                missing, failed = sample_shards(graded, folder, shards, 2)
        except EngineDied as error:
            missing, failed = 0, {"regrade": str(error)}
    with watch.measure("decide"):
        decide_shards.with_options(**retries)(config, folder, 2)
    manifest = publish.with_options(**retries)(config, folder, watch.seconds, 2)
    outcome = Outcome(config.run, manifest, failed, missing)
    if rest and outcome.finished:
        again = Stopwatch()
        with again.measure("train"):
            train_grader(config, rest)
        outcome = replace(outcome, manifest=publish.with_options(**retries)(config, folder, again.seconds, 2))
    publish_artifacts(folder, outcome.manifest)
    return outcome


@task(name="train", cache_policy=NO_CACHE)
def train_grader(config: Config, stages: Sequence[TrainStage]) -> Path:
    """Train some stages; the folder of the last one's model."""
    return train_stages(config, stages)
