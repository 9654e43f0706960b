"""The log: one row a step, and after a resume none twice; the picture that is drawn from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.checkpoints import LOG, read_rows
from trainer.curves import draw_curves
from trainer.metrics import Journal

ROW = {"stage": "one", "steps": 9, "signal": 0.5, "lag": 0.0, "max_lag": 1, "seconds": 1.0, "engine_idle": 0.1}


def row(step: int, **more: Any) -> dict[str, Any]:
    return (
        ROW
        | {"step": step, "version": step, "trainer_idle": 0.2, "reward": 0.1 * step, "pass_rate": 0.1, "length": 9}
        | more
    )


def write(folder: Path, upto: int, steps: range) -> None:
    journal = Journal(folder, upto, "run")
    for step in steps:
        journal.write(row(step))
    journal.close()


def test_a_resume_goes_on_behind_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 0, range(1, 6))
    write(tmp_path, 3, range(4, 8))
    assert [said["version"] for said in read_rows(tmp_path / LOG)] == [1, 2, 3, 4, 5, 6, 7]


def test_a_torn_line_was_never_written(tmp_path: Path) -> None:
    write(tmp_path, 0, range(1, 4))
    with (tmp_path / LOG).open("a") as file:
        file.write('{"step": 4, "vers')
    assert len(read_rows(tmp_path / LOG)) == 3
    write(tmp_path, 3, range(4, 5))
    assert [json.loads(line)["version"] for line in (tmp_path / LOG).read_text().splitlines()] == [1, 2, 3, 4]


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write(tmp_path, 0, range(1, 4))
    board = loader.EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [event.value for event in board.Scalars("reward")] == pytest.approx([0.1, 0.2, 0.3])


def test_evaluations_go_to_the_board_and_not_into_the_log(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    journal = Journal(tmp_path, 0, "run")
    journal.write(row(1))
    journal.report(1, {"held_out": 0.25})
    journal.close()
    board = loader.EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("held_out")] == [(1, 0.25)]
    assert read_rows(tmp_path / LOG) == [row(1)]


def test_the_picture_is_drawn_from_what_is_there(tmp_path: Path) -> None:
    evaluations = [{"version": 0, "problems": 4, "pass_rate": 0.3, "low": 0.2, "high": 0.4}]
    for rows in ([], [row(1), row(2), row(3, stage="two")]):
        text = draw_curves(tmp_path, rows, evaluations).read_text()
        assert "<svg" in text
        assert text.count('id="axes_') == 9
