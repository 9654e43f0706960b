"""Train: stage after stage, each a loop of collect, learn, push (paper, sections 2, 3 and 5).

Left out on purpose: critics, KL terms, reward models and more than one kind of loss. The loop is one coroutine; the
optimiser works in a thread beside it, the engine in a process of its own, verifiers in theirs, so that all three are
busy at once wherever they do not share a device.
"""

import asyncio
import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from pipeline.inference.engine import EngineDied
from pipeline.inference.models import fetch_model, folder_revision
from pipeline.run.storage import RunFolder
from pipeline.verify.problem import ProblemVerifier
from schemas.aliases import restore_keys
from schemas.config import Config, TrainStage
from trainer.checkpoints import (
    DONE,
    EVALUATIONS,
    LOG,
    MODEL,
    State,
    cut_rows,
    drop_old,
    find_checkpoints,
    name_checkpoint,
    read_rows,
    read_state,
    training_folder,
    write_state,
    write_whole,
)
from trainer.curves import draw_curves
from trainer.evaluation import add_evaluation, evaluate, has_evaluation, say_evaluation
from trainer.learner import Learner
from trainer.metrics import Journal
from trainer.plateau import SIGNAL_WINDOW, find_plateau, has_lost_signal
from trainer.problem_sampler import Feed
from trainer.problems import Task, choose_held_out, choose_problems
from trainer.rollout_engine import RolloutEngine
from trainer.rollouts import Generators, StarvedError, measure_lag

KEY = "key"
SILENT = {"stages", "evaluation", "folder", "checkpoint_every", "keep_checkpoints"}
"""Settings of training that change nothing of what is learned; a stage's own are looked at apart."""


class StageRun:
    """One stage on its way: its problems, its policy, and the engine that samples for it."""

    learner: Learner

    def __init__(self, config: Config, stage: TrainStage, before: State | None) -> None:
        self.config, self.train, self.stage = config, config.train, stage
        self.folder = RunFolder(config.run)
        self.home = training_folder(config, self.folder)
        self.stage_home = self.home / stage.name
        self.max_tokens = stage.max_tokens or config.sampling.max_tokens
        following = config.train.stages[config.train.stages.index(stage) + 1 :][:1]
        self.longer_next = any(
            (after.max_tokens or config.sampling.max_tokens) > self.max_tokens for after in following
        )
        solved = [id for id, all_right in (before.solved if before else {}).items() if all_right]
        self.tasks = choose_problems(self.folder, config, stage, solved)
        self.state = State(stage.name, 0, before.version if before else 0)
        self.restarts_left = config.model.restarts

    def clear(self, start: Path) -> None:
        """Remove what lies in the stage's folder and came of other data, settings or weights than those in `start`."""
        key = self._key(start)
        if self.stage_home.exists() and (
            not (self.stage_home / KEY).is_file() or (self.stage_home / KEY).read_text() != key
        ):
            shutil.rmtree(self.stage_home)
        self.stage_home.mkdir(parents=True, exist_ok=True)
        (self.stage_home / KEY).write_text(key)
        if not find_checkpoints(self.stage_home):
            cut_rows(self.home / EVALUATIONS, self.state.version or -1)

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        if checkpoints := find_checkpoints(self.stage_home):
            self.state = read_state(checkpoints[-1])
            self.learner.load(checkpoints[-1])

    def _key(self, start: Path) -> str:
        """Hash of all that the stage's outcome depends on, but for chance."""
        config = self.config
        parts = [
            restore_keys("train.stages.*", self.stage.model_dump_json()),
            restore_keys("train", self.train.model_dump_json(exclude=SILENT)),
            config.prompt.model_dump_json(),
            config.verify.model_dump_json(exclude={"workers"}),
            json.dumps(config.sampling.stop_strings),
            folder_revision(start),
            *(f"{task.id} {task.prompt.key}" for task in self.tasks),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def run(self, start: Path, held_out: Sequence[Task], first: bool) -> State:
        """Train to the stage's end; evaluates before the very first step and after the last. Returns the last state."""
        journal = Journal(self.home, self.state.version, f"{self.folder.root} {self.stage.name}")
        try:
            with ProblemVerifier(self.config.verify, self.config.sandbox) as verifier:
                while True:
                    try:
                        async with RolloutEngine(self.config.model, start, self.config.sampling.stop_strings) as engine:
                            if self.state.version:
                                await self._push(engine)
                            if first and not self.state.version:
                                await self._evaluate("before training", held_out, engine, verifier)
                            await self._learn(engine, verifier, journal)
                            self._save()
                            await self._evaluate(f"after {self.stage.name}", held_out, engine, verifier)
                            break
                    except EngineDied as error:
                        if self.restarts_left == 0:
                            raise
                        self.restarts_left -= 1
                        print(f"{str(error).splitlines()[0]}; it is started again", flush=True)
        finally:
            journal.close()
        self._finish()
        return self.state

    async def _learn(self, engine: RolloutEngine, verifier: ProblemVerifier, journal: Journal) -> None:
        """The loop; `self.state` is always what was learned last. What is in flight at an error stays pending."""
        feed = Feed.resume(self.tasks, f"{self.train.seed} {self.stage.name}", self.state.feed or {})
        generators = Generators(engine, feed, verifier, self.train, self.stage, self.max_tokens)
        try:
            while self.state.step < self.stage.steps and not self._has_plateaued():
                began, busy = time.monotonic(), engine.stats.busy
                try:
                    batch, wait = await generators.collect(self.state.version)
                except StarvedError:
                    return
                if self._shares_device:
                    await engine.pause()
                learning = time.monotonic()
                measured = await asyncio.to_thread(self.learner.learn, batch)
                learn = time.monotonic() - learning
                lag = measure_lag(batch, self.state.version)
                for group in batch:
                    feed.done(group.problem_id)
                harvest = generators.take_harvest()
                self.state = State(
                    stage=self.stage.name,
                    step=self.state.step + 1,
                    version=self.state.version + 1,
                    feed=feed.state(),
                    recent=[*self.state.recent, [harvest.with_signal, harvest.groups]][-SIGNAL_WINDOW:],
                    solved=self.state.solved | generators.solved,
                )
                push = await self._push(engine)
                if self._shares_device:
                    await engine.resume()
                seconds = time.monotonic() - began
                journal.write(
                    {"stage": self.stage.name, "step": self.state.step, "steps": self.stage.steps}
                    | {"version": self.state.version}
                    | {name: round(value, 6) for name, value in (harvest.summarise() | lag | measured).items()}
                    | {"wait": round(wait, 3), "learn": round(learn, 3), "push": round(push, 3)}
                    | {"seconds": round(seconds, 3)}
                    | {"engine_idle": round(max(0.0, 1 - (engine.stats.busy - busy) / seconds), 3)}
                    | {"trainer_idle": round(max(0.0, 1 - learn / seconds), 3)}
                )
                if self.state.step % self.train.checkpoint_every == 0:
                    self._save()
        finally:
            await generators.stop()

    @property
    def _shares_device(self) -> bool:
        given = self.train.colocate
        return not torch.cuda.is_available() if given is None else given

    def _has_plateaued(self) -> bool:
        """Whether the stage has taught what it can; says why where it has."""
        if has_lost_signal(self.state.recent, self.stage.plateau):
            print(
                f"{self.stage.name}: few groups have differing rewards; it ends at step {self.state.step}", flush=True
            )
            return True
        rows = [row for row in read_rows(self.home / LOG) if row["stage"] == self.stage.name]
        levelled = find_plateau(self.stage, self.longer_next, rows)
        if levelled is not None:
            print(
                f"{self.stage.name}: {levelled} has not risen for {self.stage.patience} steps; it ends at step "
                f"{self.state.step}",
                flush=True,
            )
        return levelled is not None

    async def _push(self, engine: RolloutEngine) -> float:
        weights = await asyncio.to_thread(self.learner.export)
        return await engine.push(weights, self.state.version)

    async def _evaluate(
        self, when: str, held_out: Sequence[Task], engine: RolloutEngine, verifier: ProblemVerifier
    ) -> None:
        """Grade the held-out problems as pass 1 graded its own, and write down what changed since the first time."""
        path, sampling = self.home / EVALUATIONS, self.config.sampling
        if not held_out or has_evaluation(path, when, self.state.version):
            return
        scores = await evaluate(
            held_out, engine, verifier, self.train.evaluation.n, self.max_tokens, sampling.temperature
        )
        print(say_evaluation(add_evaluation(path, when, self.state.version, scores)), flush=True)

    def _save(self) -> None:
        if self.state.step == 0:
            return
        target = name_checkpoint(self.stage_home, self.state.step)
        if target.exists():
            return

        def fill(checkpoint: Path) -> None:
            self.learner.save(checkpoint)
            self.learner.export_model(checkpoint / MODEL)
            write_state(checkpoint, self.state)

        write_whole(target, fill)
        drop_old(self.stage_home, self.train.keep_checkpoints)
        self._draw()

    def _finish(self) -> None:
        """The stage's model under its own name, and last of all the mark that it is done."""
        write_whole(self.stage_home / MODEL, self.learner.export_model)
        self._draw()
        (self.stage_home / DONE).write_text(json.dumps(asdict(self.state)) + "\n")

    def _draw(self) -> None:
        draw_curves(self.home, read_rows(self.home / LOG), read_rows(self.home / EVALUATIONS))


def train(config: Config, names: Sequence[str]) -> None:
    """Train the stages called `names`, each from where the one before it in the config ended; done ones are skipped."""
    folder = RunFolder(config.run)
    home = training_folder(config, folder)
    held_out = choose_held_out(folder, config)
    start, restored, before = fetch_model(config.model), None, None
    for number, stage in enumerate(config.train.stages):
        stage_home = home / stage.name
        if stage.name in names:
            run = StageRun(config, stage, before)
            run.clear(start)
            if not (stage_home / DONE).is_file():
                run.learner = Learner(start, config.train, restored)
                run.resume()
                asyncio.run(run.run(start, held_out, first=number == 0))
                run.learner.close()
        if (stage_home / DONE).is_file():
            before = State(**json.loads((stage_home / DONE).read_text()))
            if number > 0 or not config.train.grader_only:
                start, restored = stage_home / MODEL, next(reversed(find_checkpoints(stage_home)), restored)
