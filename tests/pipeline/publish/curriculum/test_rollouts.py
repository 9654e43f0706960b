"""What other trainers log is read as they write it."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.publish.curriculum.rollouts import Rollout, read_rollouts
from schemas.errors import InputError
from tests.pipeline.publish.curriculum.logs import WRITERS, Logged, write_lines, write_trl

TOLD = [Logged("a", "How many?", step, right) for step in (1, 12) for right in (True, False, None)]


def read(place: Path, reward: str | None = None) -> list[Rollout]:
    return list(read_rollouts(str(place), 0.5, reward))


@pytest.mark.parametrize("trainer", WRITERS)
def test_each_rollout_has_its_problem_step_and_verdict(trainer: str, tmp_path: Path) -> None:
    rollouts = sorted(read(WRITERS[trainer](tmp_path / "logs", TOLD)), key=lambda rollout: rollout.step)
    assert [(one.step, one.right) for one in rollouts] == [(one.step, one.right) for one in TOLD]
    assert all("How many?" in one.prompt for one in rollouts)
    assert {one.problem for one in rollouts} == ({"a"} if trainer == "prime-rl" else {None})


def test_one_file_is_read_as_a_folder_of_one(tmp_path: Path) -> None:
    file = next((write_trl(tmp_path, TOLD) / "completions").glob("*00012*"))
    assert [one.step for one in read(file)] == [12, 12, 12]


def test_verl_without_our_reward_is_read_by_its_score(tmp_path: Path) -> None:
    rows = [{"input": "x", "output": "y", "gts": "1", "score": score, "step": 3} for score in (1.0, 0.2)]
    assert [one.right for one in read(write_lines(tmp_path / "3.jsonl", rows))] == [True, False]


@pytest.mark.parametrize("rewards", [{"goldilocks": 1.0}, {"a": 0.4, "b": {"score": 0.5, "weight": 2.0}}])
def test_rewards_of_a_trace_are_numbers_or_weighted_scores(rewards: dict[str, object], tmp_path: Path) -> None:
    row = {"task": {"id": "a", "prompt": "x"}, "rewards": rewards}
    assert read(write_lines(tmp_path / "r.jsonl", [row])) == [Rollout("a", "x", 0, True)]


def test_what_prime_rl_wrote_before_it_had_traces(tmp_path: Path) -> None:
    row = {"example_id": 3, "prompt": [{"role": "user", "content": "x"}], "completion": "y", "reward": 0.0}
    file = write_lines(tmp_path / "rollouts" / "step_4" / "train_rollouts.jsonl", [row])
    assert read(file) == [Rollout(None, "x", 4, False)]


def test_a_line_that_a_killed_trainer_left_is_passed_over(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "1.jsonl", [{"input": "x", "output": "y", "score": 1.0, "step": 1}])
    with file.open("a") as more:
        more.write('{"input": "x", "outp')
    assert len(read(file)) == 1


def test_among_several_rewards_the_one_that_counts_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "completions").mkdir()
    row = {"step": [1], "prompt": ["x"], "completion": ["y"], "right": [1.0], "short": [0.1], "advantage": [0.0]}
    pl.DataFrame(row).write_parquet(tmp_path / "completions" / "completions_00001.parquet")
    with pytest.raises(InputError, match="--reward NAME, of right, short"):
        read(tmp_path)
    assert [one.right for one in read(tmp_path, "right")] == [True]
    with pytest.raises(InputError, match="no column 'wrong'"):
        read(tmp_path, "wrong")


def test_bad_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is here"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match=r"no \.jsonl and no \.parquet"):
        read(tmp_path)
    write_lines(tmp_path / "a.jsonl", [{"loss": 1.0}])
    with pytest.raises(InputError, match=r"a\.jsonl, row 1: the columns loss are not those of a rollout"):
        read(tmp_path)
    (tmp_path / "a.jsonl").write_text("{broken}\n{}\n")
    with pytest.raises(InputError, match=r"a\.jsonl, line 1: no JSON"):
        read(tmp_path)
    (tmp_path / "a.jsonl").write_text("[1]\n")
    with pytest.raises(InputError, match="no JSON object"):
        read(tmp_path)
