"""A finished step is never thrown away. Learner, model and files are real; groups are drawn, so no engine is needed."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.run.layout import EVALUATIONS
from schemas.config import Config
from tests.pipeline.publish.report_runs import Told, lay_run
from tests.trainer.test_policy import with_tokenizer
from tests.trainer.tiny import draw_groups, save_tiny
from trainer.checkpoints import (
    DONE,
    LOG,
    MODEL,
    find_checkpoints,
    read_done,
    read_rows,
    read_state,
)
from trainer.metrics import Journal
from trainer.origin import OLD_KEY, ORIGIN, hash_old_key
from trainer.train import StageRun, train


async def learn_drawn_groups(self: StageRun, start: Path, first: bool) -> Any:
    """In the place of `StageRun.run`: each step learns from groups that its version draws."""
    journal = Journal(self.home, self.state.version, "test")
    while self.state.step < self.stage.steps:
        self.learner.learn(draw_groups(self.state.version, [3, 2]))
        self.state = replace(self.state, step=self.state.step + 1, version=self.state.version + 1)
        journal.write(
            dict.fromkeys(("reward", "pass_rate", "length", "signal", "lag", "seconds"), 0.0)
            | dict.fromkeys(("engine_idle", "trainer_idle"), 0.0)
            | {"stage": self.stage.name, "step": self.state.step, "steps": 0, "version": self.state.version}
        )
        if self.state.step % self.train.checkpoint_every == 0:
            self._save()
    journal.close()
    self._save()
    self._finish("steps")
    return self.state


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Two stages of two steps on a tiny model, with a checkpoint after each step."""
    monkeypatch.setattr(StageRun, "run", learn_drawn_groups)
    monkeypatch.setattr(StageRun, "_draw", lambda self: None)
    monkeypatch.setattr("trainer.train.choose_held_out", lambda folder, config: ())
    model = save_tiny(tmp_path / "model")
    with_tokenizer(model)
    half: list[tuple[str, str | None, str]] = [("7", "7", "correct")] * 8 + [("1", "1", "wrong")] * 8
    lay_run(tmp_path / "run", [Told(f"What is {n} + {7 - n}?", "7", samples=half) for n in range(6)])
    stages = [{"name": name, "steps": 2, "prompts_per_batch": 2} for name in ("one", "two")]
    return Config.model_validate(
        {
            "run": str(tmp_path / "run"),
            "sources": [{"name": "sums", "reasoning_gym": "chain_sum"}],
            "model": {"name": model},
            "train": {
                "checkpoint_every": 1,
                "learning_rate": 0.01,
                "objective": "dapo",
                "importance": "none",
                "stages": stages,
            },
        }
    )


def change(config: Config, **train: Any) -> Config:
    return Config.model_validate(
        {**config.model_dump(mode="json"), "train": {**config.train.model_dump(mode="json"), **train}}
    )


def give_steps(config: Config, **steps: int) -> Config:
    """The config with these steps of its stages, by their names."""
    stages = [stage.model_dump() | {"steps": steps.get(stage.name, stage.steps)} for stage in config.train.stages]
    return change(config, stages=stages)


def home_of(config: Config) -> Path:
    return Path(config.run) / "training"


def list_tree(folder: Path) -> dict[str, int]:
    """Every file below, and when it was written; but what says nothing of weights."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.name != ORIGIN and "tensorboard" not in path.parts
    }


def count_bytes(folder: Path) -> int:
    """What the weights below take on the disk; a file of two names once."""
    files = [path.stat() for path in folder.rglob("*") if path.suffix in (".pt", ".safetensors")]
    return sum({stat.st_ino: stat.st_size for stat in files}.values())


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


FREE: list[dict[str, Any]] = [
    {"microbatch_tokens": 64},
    {"gradient_checkpointing": True},
    {"processes": 2},
    {"colocate": False},
    {"synchronous": True},
    {"checkpoint_every": 5, "keep_checkpoints": 3},
]


@pytest.mark.parametrize("free", FREE, ids=str)
def test_what_is_done_stays_done_however_it_would_be_computed(config: Config, free: dict[str, Any]) -> None:
    train(config, ["one"])
    before = list_tree(home_of(config))
    train(change(config, **free), ["one"])
    assert list_tree(home_of(config)) == before


def test_more_steps_go_on_from_the_last_one(config: Config, tmp_path: Path) -> None:
    """And come to what the same number in one go comes to, in other micro-batches too."""
    train(config, ["one"])
    train(give_steps(change(config, gradient_checkpointing=True), one=4), ["one"])
    home = home_of(config)
    assert [row["step"] for row in read_rows(home / LOG)] == [1, 2, 3, 4]
    done = read_done(home / "one")
    assert done is not None
    assert (done.step, done.version) == (4, 4)
    through = give_steps(change(config, folder=str(tmp_path / "through")), one=4)
    train(through, ["one"])
    expected = read_weights(tmp_path / "through" / "one" / MODEL)
    weights = read_weights(home / "one" / MODEL)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    train(give_steps(config, one=3), ["one"])
    assert read_done(home / "one") == done, "fewer steps than were taken take nothing back"


def test_what_no_longer_fits_is_moved_aside_with_its_logs(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    train(config, ["one"])
    home = home_of(config)
    before, rows = list_tree(home / "one"), read_rows(home / LOG)
    train(change(config, learning_rate=0.02), ["one"])
    told = capsys.readouterr().out
    assert "train.learning_rate was 0.01" in told
    assert str(home / "one.aside") in told
    assert list_tree(home / "one.aside").items() >= before.items()
    assert read_rows(home / "one.aside" / LOG) == rows
    assert read_done(home / "one") is not None
    train(config, ["one"])
    assert (home / "one-2.aside" / DONE).is_file()


def test_the_last_stage_alone_keeps_an_optimiser_and_each_its_model(config: Config) -> None:
    train(config, ["one", "two"])
    home = home_of(config)
    assert [path.name for path in home.rglob("step-*")] == ["step-000002"]
    assert [path.parent.name for path in home.rglob("step-*")] == ["two"]
    weights = read_weights(home / "one" / MODEL)
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    parameters = sum(weight.numel() for weight in weights.values())
    # Masters and two moments in float32, and two models in bfloat16: for SmolLM2-135M 2.2 GB.
    assert count_bytes(home) < 16 * parameters + 100_000
    assert find_checkpoints(home / "one") == []


def test_nothing_goes_before_its_successor_has_been_read_back(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    train(config, ["one"])
    save = StageRun._save

    def tear(self: StageRun) -> None:
        """As a full or failing disk does, behind the back of who writes."""
        fill = self.learner.save

        def torn(folder: Path) -> None:
            fill(folder)
            os.truncate(folder / "learner-0.pt", 1000)

        monkeypatch.setattr(self.learner, "save", torn)
        save(self)

    monkeypatch.setattr(StageRun, "_save", tear)
    train(config, ["two"])
    assert [path.name for path in find_checkpoints(home_of(config) / "one")] == ["step-000002"]


def test_a_torn_checkpoint_is_named_and_the_one_before_it_taken(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    config = change(config, keep_checkpoints=2)
    train(config, ["one"])
    stage = home_of(config) / "one"
    os.truncate(stage / "step-000002" / "learner-0.pt", 1000)
    train(give_steps(config, one=3), ["one"])
    assert f"{stage / 'step-000002.damaged'}: this checkpoint is torn" in capsys.readouterr().out
    assert [read_state(path).step for path in find_checkpoints(stage)] == [2, 3]


def test_a_stage_whose_checkpoint_went_goes_on_from_its_model(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    train(config, ["one", "two"])
    home = home_of(config)
    (home / EVALUATIONS).write_text(json.dumps({"when": "after one", "version": 2}) + "\n")
    rows = read_rows(home / LOG)
    longer = give_steps(config, one=3)
    train(longer, ["one", "two"])
    told = capsys.readouterr().out
    assert "one goes on after step 2 from its model, with a new optimiser" in told
    assert "two is trained again: it started from other weights" in told
    assert [(row["stage"], row["step"]) for row in read_rows(home / LOG)] == [
        ("one", 1), ("one", 2), ("one", 3), ("two", 1), ("two", 2)
    ]  # fmt: skip
    assert read_rows(home / "two.aside" / LOG) == [row for row in rows if row["stage"] == "two"]
    assert read_rows(home / EVALUATIONS) == [{"when": "after one", "version": 2}]


def test_a_resumed_stage_knows_the_steps_that_its_checkpoint_has(config: Config, tmp_path: Path) -> None:
    """Rewards of before count when it says whether they still rise; steps that were lost, and other stages, do not."""
    train(config, ["one", "two"])
    log = home_of(config) / LOG
    rows = read_rows(log)
    of_two = [row for row in rows if row["stage"] == "two"]
    unsampled = {name: value for name, value in of_two[0].items() if name != "reward"}
    lost = of_two[-1] | {"version": of_two[-1]["version"] + 1}
    log.write_text("".join(json.dumps(row) + "\n" for row in [*rows, unsampled, lost]))
    longer = give_steps(config, two=3)
    run = StageRun(longer, longer.train.stages[1], read_done(home_of(config) / "one"))
    run.open(tmp_path / "model", None)
    run.learner.close()
    assert list(run.sampled) == of_two


@pytest.mark.parametrize("grader_only", [False, True])
def test_the_second_stage_trains_the_first_one_s_model_or_the_one_that_it_began_with(
    config: Config, grader_only: bool
) -> None:
    """And where the first stage's model is there to grade alone, it stays for that."""
    train(change(config, grader_only=grader_only), ["one", "two"])
    home = home_of(config)
    one, two = (json.loads((home / name / ORIGIN).read_text()) for name in ("one", "two"))
    assert (one["model"] == two["model"]) is grader_only
    assert (home / "one" / MODEL / "config.json").is_file()


@pytest.mark.parametrize(("reward", "length", "ends"), [(0.0, 1.0, True), (1.0, 0.0, True), (1.0, 1.0, False)])
def test_a_stage_ends_when_reward_or_length_rises_no_more(
    config: Config, reward: float, length: float, ends: bool
) -> None:
    """Length only because the next stage allows longer completions."""
    first, second = (stage.model_dump() for stage in config.train.stages)
    stages = [first | {"steps": 100, "patience": 10, "max_tokens": 64}, second | {"max_tokens": 128}]
    longer = change(config, stages=stages)
    run = StageRun(longer, longer.train.stages[0], None)
    for step in range(10):
        assert not run._has_plateaued()
        run.sampled.append({"reward": reward * step, "length": length * step})
    assert run._has_plateaued() is ends


def test_a_stage_ends_when_few_groups_have_signal(config: Config) -> None:
    run = StageRun(config, config.train.stages[0], None)
    run.state = replace(run.state, recent=[[2, 10]] * 10)
    assert run._has_plateaued()
    run.state = replace(run.state, recent=[[4, 10]] * 10)
    assert not run._has_plateaued()


def test_it_is_evaluated_every_so_many_steps_and_not_at_either_end(config: Config) -> None:
    longer = give_steps(change(config, evaluation={"every": 3}), one=9)
    run = StageRun(longer, longer.train.stages[0], None)
    run.state = replace(run.state, version=100)
    due = []
    for step in range(10):
        run.state = replace(run.state, step=step)
        due += [step] if run._is_between() else []
    assert due == [3, 6]
    never = StageRun(change(config, evaluation={"every": None}), config.train.stages[0], None)
    never.state = run.state
    assert not never._is_between()


def test_a_stage_of_an_older_version_is_taken_over(config: Config, tmp_path: Path) -> None:
    """It has a key in the place of the origin, and does not say why it ended."""
    train(config, ["one"])
    run = StageRun(config, config.train.stages[0], None)
    from pipeline.inference.models import folder_revision

    key = hash_old_key(config, run.stage, run.tasks, folder_revision(tmp_path / "model"))
    assert key is not None
    stage = home_of(config) / "one"
    (stage / ORIGIN).unlink()
    (stage / OLD_KEY).write_text(key)
    done = read_done(stage)
    assert done is not None
    old = {name: value for name, value in asdict(done).items() if name != "ended"}
    (stage / DONE).write_text(json.dumps(old))
    before = list_tree(stage / MODEL)
    train(config, ["one"])
    assert list_tree(stage / MODEL) == before
    assert read_done(stage) == done
    train(give_steps(config, one=3), ["one"])
    assert [row["step"] for row in read_rows(home_of(config) / LOG)] == [1, 2, 3]
