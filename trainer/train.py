"""Train: stage after stage, each a loop of collect, learn, push (paper, sections 2, 3 and 5).

Left out on purpose: critics, KL terms, reward models and more than one kind of loss. The loop is one coroutine; the
optimiser works in a thread beside it, the engine in a process of its own, verifiers in theirs, so that all three are
busy at once wherever they do not share a device.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.inference.engine import EngineDied
from pipeline.inference.models import fetch_model, folder_revision
from pipeline.progress import Work, track
from pipeline.run.layout import EVALUATIONS
from pipeline.run.storage import RunFolder
from pipeline.text.visible import print_visible
from pipeline.verify.problem import ProblemVerifier
from schemas.config import Config, TrainStage
from trainer.checkpoints import (
    LOG,
    MODEL,
    State,
    cut_rows,
    drop_old,
    find_checkpoints,
    keep_rows,
    link_tree,
    name_checkpoint,
    read_done,
    read_rows,
    read_state,
    rename_damaged,
    set_aside,
    training_folder,
    write_done,
    write_state,
    write_whole,
)
from trainer.curves import draw_curves
from trainer.evaluation import add_evaluation, evaluate, has_evaluation, say_evaluation
from trainer.learner import Learner
from trainer.metrics import Journal, describe_row
from trainer.origin import ORIGIN, describe_origin, find_misfit, hash_old_key
from trainer.placement import find_placement
from trainer.plateau import SIGNAL_WINDOW, did_sample, find_plateau, has_lost_signal
from trainer.problem_sampler import Feed
from trainer.problems import Task, choose_held_out, choose_problems, keep_apart
from trainer.rollout_engines import RolloutEngines, open_rollouts
from trainer.rollouts import Generators, StarvedError, count_tokens, measure_lag


class StageRun:
    """One stage on its way: its problems, its policy, and the engine that samples for it.

    `before` is the last state of the stage before it; problems that are like those of `held_out` are not trained on.
    """

    learner: Learner

    def __init__(self, config: Config, stage: TrainStage, before: State | None, held_out: Sequence[Task] = ()) -> None:
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
        self.held_out = held_out
        self.tasks = keep_apart(choose_problems(self.folder, config, stage, solved), held_out, config)
        self.state = State(stage.name, 0, before.version if before else 0)
        self.restarts_left = config.model.restarts
        self.sampled: deque[dict[str, Any]] = deque(maxlen=stage.patience)
        """The log's rows of the stage's last steps that sampled."""

    def prepare(self, start: Path) -> None:
        """Move aside what lies in the stage's folder and was not learned from this data, config and `start`."""
        stage, folder, revision = self.stage, self.stage_home, folder_revision(start)
        origin = describe_origin(self.config, stage, self.tasks, revision)
        for path in rename_damaged(folder):
            print_visible(f"{path}: this checkpoint is torn; training goes on without it")
        if find_checkpoints(folder) or read_done(folder):
            misfit = find_misfit(folder, origin, hash_old_key(self.config, stage, self.tasks, revision))
            if misfit:
                print_visible(
                    f"{stage.name} is trained again: {misfit}. What it learned before is in {set_aside(folder)} now, "
                    "which nothing reads any more"
                )
        done = read_done(folder)
        if done is not None and not done.ended:
            # As old files have it; they fit only where the number of steps is as it was.
            write_done(folder, replace(done, ended="steps" if done.step >= stage.steps else "plateau"))
        folder.mkdir(parents=True, exist_ok=True)
        if done is None and not find_checkpoints(folder):
            cut_rows(self.home / EVALUATIONS, self.state.version or -1)
        (folder / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n")

    def is_done(self) -> bool:
        """Whether the stage has taken all its steps, or has taught what it can."""
        done = read_done(self.stage_home)
        return done is not None and (done.ended != "steps" or done.step >= self.stage.steps)

    def open(self, start: Path, restored: Path | None) -> None:
        """Open the learner where the stage stands: at its newest checkpoint, at the model that it ended with, or at
        `start`, with the float32 weights of the checkpoint `restored` where there is one.
        """
        checkpoints, done = find_checkpoints(self.stage_home), read_done(self.stage_home)
        if checkpoints:
            self.state = read_state(checkpoints[-1])
            self.learner = Learner(start, self.train)
            self.learner.load(checkpoints[-1])
        elif done is not None:
            print_visible(
                f"{self.stage.name} goes on after step {done.step} from its model, with a new optimiser: a later "
                "stage has taken its checkpoint's place",
            )
            self.state = replace(done, ended="")
            self.learner = Learner(self.stage_home / MODEL, self.train)
        else:
            self.learner = Learner(start, self.train, restored)
        keep_rows(self.home, self.stage.name, self.state.version)
        # What a killed run evaluated after its last checkpoint is of weights that were never saved.
        cut_rows(self.home / EVALUATIONS, self.state.version, self.stage.name)
        for row in read_rows(self.home / LOG):
            if row["stage"] == self.stage.name and row["version"] <= self.state.version and did_sample(row):
                self.sampled.append(row)

    async def run(self, start: Path, first: bool) -> State:
        """Train to the stage's end; evaluates before the very first step, in between, and after the last. Returns the
        last state.
        """
        journal = Journal(self.home, self.state.version, f"{self.folder.root} {self.stage.name}")
        try:
            with ProblemVerifier(self.config.verify, self.config.sandbox) as verifier:
                while True:
                    try:
                        async with open_rollouts(self.config, start, self.home) as engine:
                            if self.state.version:
                                await self._push(engine)
                            if first and not self.state.version:
                                await self._evaluate("before training", engine, verifier, journal)
                            with track(f"train {self.stage.name}", self.stage.steps, "steps", telling=0.0) as work:
                                work.skip(self.state.step)
                                ended = await self._learn(engine, verifier, journal, work)
                            self._save()
                            await self._evaluate(f"after {self.stage.name}", engine, verifier, journal)
                            break
                    except EngineDied as error:
                        if self.restarts_left == 0:
                            raise
                        self.restarts_left -= 1
                        print_visible(f"{str(error).splitlines()[0]}; it is started again")
        finally:
            journal.close()
        self._finish(ended)
        return self.state

    async def _learn(self, engine: RolloutEngines, verifier: ProblemVerifier, journal: Journal, work: Work) -> str:
        """The loop; `self.state` is always what was learned last. What is in flight at an error stays pending.

        Returns why it ended, as in `State.ended`.
        """
        size = self.train.num_generations if self.train.draw == "by_pass_rate" else 0
        feed = Feed.resume(self.tasks, f"{self.train.seed} {self.stage.name}", self.state.feed or {}, size)
        generators = Generators(engine, feed, verifier, self.train, self.stage, self.max_tokens)
        try:
            while self.state.step < self.stage.steps and not self._has_plateaued():
                if self._is_between():
                    few = self.train.evaluation.every_problems
                    when = f"{self.stage.name}, step {self.state.step}"
                    await self._evaluate(when, engine, verifier, journal, few)
                began, busy = time.monotonic(), engine.stats.busy
                try:
                    batch, wait = await generators.collect(self.state.version)
                except StarvedError:
                    return "starved"
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
                if self._shares_device:
                    await asyncio.to_thread(self.learner.free)
                push = await self._push(engine)
                if self._shares_device:
                    await engine.resume()
                seconds = time.monotonic() - began
                working = (engine.stats.busy - busy) / engine.count
                row = (
                    {"stage": self.stage.name, "step": self.state.step, "steps": self.stage.steps}
                    | {"version": self.state.version}
                    | {name: round(value, 6) for name, value in (harvest.summarise() | lag | measured).items()}
                    | {"trained_tokens": count_tokens(batch)}
                    | {"wait": round(wait, 3), "learn": round(learn, 3), "push": round(push, 3)}
                    | {"seconds": round(seconds, 3)}
                    | {"engine_idle": round(max(0.0, 1 - working / seconds), 3)}
                    | {"trainer_idle": round(max(0.0, 1 - learn / seconds), 3)}
                )
                journal.write(row)
                if did_sample(row):
                    self.sampled.append(row)
                work.advance()
                work.note(describe_row(row))
                if self.state.step % self.train.checkpoint_every == 0:
                    self._save()
        finally:
            await generators.stop()
        return "steps" if self.state.step >= self.stage.steps else "plateau"

    @property
    def _shares_device(self) -> bool:
        return not self.train.on_servers and find_placement(self.config).colocate

    def _has_plateaued(self) -> bool:
        """Whether the stage has taught what it can; says why where it has."""
        if has_lost_signal(self.state.recent, self.stage.plateau):
            print_visible(f"{self.stage.name}: few groups have differing rewards; it ends at step {self.state.step}")
            return True
        levelled = find_plateau(self.stage, self.longer_next, self.sampled)
        if levelled is not None:
            print_visible(
                f"{self.stage.name}: {levelled} has not risen for {self.stage.patience} steps; it ends at step "
                f"{self.state.step}",
            )
        return levelled is not None

    async def _push(self, engine: RolloutEngines) -> float:
        merge = self.learner.policy.find_merge() if engine.reads_files else None
        weights = self.learner.export() if merge is None else self.learner.export_adapters()
        return await engine.push(weights, self.state.version, merge)

    def _is_between(self) -> bool:
        """Whether it is time to evaluate while the stage trains."""
        every, step = self.train.evaluation.every, self.state.step
        return every is not None and 0 < step < self.stage.steps and step % every == 0

    async def _evaluate(
        self, when: str, engine: RolloutEngines, verifier: ProblemVerifier, journal: Journal, few: int | None = None
    ) -> None:
        """Grade the held-out problems, or a `few`, as pass 1 graded its own, and write down what changed since the
        first time.
        """
        path, sampling = self.home / EVALUATIONS, self.config.sampling
        held_out = self.held_out[:few]
        if not held_out or has_evaluation(path, when, self.state.version):
            return
        scores = await evaluate(
            held_out, engine, verifier, self.train.evaluation.n, self.max_tokens, sampling.temperature
        )
        row = add_evaluation(path, when, self.state.version, scores, self.stage.name)
        if row["problems"]:
            journal.report(self.state.version, {"held_out": row["pass_rate"], "held_out_majority": row["majority"]})
        print_visible(say_evaluation(row))

    def _save(self) -> None:
        if self.state.step == 0:
            return
        target = name_checkpoint(self.stage_home, self.state.step)
        if target in find_checkpoints(self.stage_home):
            return

        def fill(checkpoint: Path) -> None:
            self.learner.save(checkpoint)
            self.learner.export_model(checkpoint / MODEL)
            write_state(checkpoint, self.state)

        write_whole(target, fill)
        names = [stage.name for stage in self.train.stages]
        earlier = [self.home / name for name in names[: names.index(self.stage.name)]]
        drop_old(self.stage_home, self.train.keep_checkpoints, earlier)
        self._draw()

    def _finish(self, ended: str) -> None:
        """The stage's model under its own name, and last of all the mark that it is done."""
        last = name_checkpoint(self.stage_home, self.state.step) / MODEL
        fill = partial(link_tree, last) if last.is_dir() else self.learner.export_model
        write_whole(self.stage_home / MODEL, fill)
        self._draw()
        write_done(self.stage_home, replace(self.state, ended=ended))

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
            run = StageRun(config, stage, before, held_out)
            run.prepare(start)
            if not run.is_done():
                with track("load the model for training", unit="", part=True, note=start.name):
                    run.open(start, restored)
                asyncio.run(run.run(start, first=number == 0))
                run.learner.close()
        if done := read_done(stage_home):
            before = done
            if number > 0 or not config.train.grader_only:
                start, restored = stage_home / MODEL, next(reversed(find_checkpoints(stage_home)), restored)
