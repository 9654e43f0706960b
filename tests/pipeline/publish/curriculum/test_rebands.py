"""Rollouts move problems between bands, and say when to grade again."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.publish.curriculum.rebands import STEPS, measure_recent, measure_signal, reband
from pipeline.publish.curriculum.write import export_curriculum
from pipeline.run.storage import RunFolder
from schemas.config.curriculum import RETIRED
from schemas.errors import InputError
from tests.pipeline.publish.curriculum.logs import WRITERS, Logged, roll, write_verl
from tests.pipeline.publish.export.runs import lay_mixed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_mixed(tmp_path_factory.mktemp("mixed") / "run")


def export(run: RunFolder, out: Path, *settings: str) -> pl.DataFrame:
    export_curriculum(run.root, str(out), ["curriculum.trainer=verl", *settings])
    return read(out)


def read(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "curriculum.parquet")


def read_train(out: Path) -> list[str]:
    return [row["id"] for f in sorted(out.glob("train-*")) for row in pl.read_parquet(f)["extra_info"].to_list()]


def about(out: Path) -> dict[str, Any]:
    there: dict[str, Any] = json.loads((out / "export.json").read_text())
    return there


@pytest.mark.parametrize("trainer", WRITERS)
def test_problems_move_whichever_trainer_wrote_the_log(trainer: str, run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    hard = before.filter(pl.col("band") == "hard", pl.col("position").is_not_null())
    done = reband(str(tmp_path / "out"), str(WRITERS[trainer](tmp_path / "logs", roll(before, "hard", 7))))
    assert (done.read, done.unmatched, done.problems) == (hard.height * 16, 0, hard.height)
    assert done.moves == {"hard -> medium": hard.height}
    after = read(tmp_path / "out").join(before.select("id", was="band"), on="id")
    moved = after.filter(pl.col("id").is_in(hard["id"].to_list()))
    assert set(moved["band"]) == {"medium"}
    assert set(moved["graded_band"]) == {"hard"}
    assert set(moved["recent_rate"]) == {7 / 16}
    assert after.filter(~pl.col("id").is_in(hard["id"].to_list()) & (pl.col("band") != pl.col("was"))).is_empty()


def test_the_trainers_rows_follow_the_new_order(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    old = read_train(tmp_path / "out")
    rolled = roll(before, "hard", 11) + roll(before, "easy", 16, of=32)
    done = reband(str(tmp_path / "out"), str(write_verl(tmp_path / "logs", rolled)))
    table = read(tmp_path / "out")
    ordered = table.filter(pl.col("position").is_not_null()).sort("position")["id"].to_list()
    assert read_train(tmp_path / "out") == ordered != old
    assert set(old) == set(ordered)
    written = {name for name in about(tmp_path / "out")["files"] if name.endswith(".parquet")}
    assert set(done.files) == written - {"test.parquet"}


def test_what_is_solved_nearly_always_is_retired_and_can_come_back(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    easy = before.filter(pl.col("band") == "easy", pl.col("position").is_not_null())["id"].to_list()
    logs = tmp_path / "logs"
    write_verl(logs, roll(before, "easy", 32, of=32))
    assert reband(str(tmp_path / "out"), str(logs)).moves == {f"easy -> {RETIRED}": len(easy)}
    retired = read(tmp_path / "out").filter(pl.col("band") == RETIRED)
    assert set(retired["id"]) == set(easy)
    assert retired["position"].null_count() == len(easy)
    assert set(retired["weight"]) == {0.0}
    assert not set(easy) & set(read_train(tmp_path / "out"))
    unused = pl.read_parquet(tmp_path / "out" / "unused.parquet")["extra_info"].to_list()
    assert {row["id"] for row in unused} == set(easy)
    write_verl(logs, roll(before, "easy", 6, of=32, step=2))
    assert reband(str(tmp_path / "out"), str(logs)).moves == {f"{RETIRED} -> hard": len(easy)}
    assert set(easy) <= set(read_train(tmp_path / "out"))
    assert not (tmp_path / "out" / "unused.parquet").exists()


def test_the_same_logs_twice_move_nothing_more(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    logs = str(write_verl(tmp_path / "logs", roll(before, "medium", 15) + roll(before, "hard", 5)))
    assert reband(str(tmp_path / "out"), logs).moves
    once = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.name != "export.json"}
    assert reband(str(tmp_path / "out"), logs).moves == {}
    assert once == {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.name != "export.json"}


def test_few_rollouts_and_small_differences_move_nothing(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    rolled = roll(before, "hard", 5, of=16) + roll(before, "medium", 7, of=7)
    done = reband(str(tmp_path / "out"), str(write_verl(tmp_path / "logs", rolled)))
    assert done.moves == {}
    assert done.grade_again == []


def test_it_says_when_to_grade_again(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    rolled = roll(before, "medium", 16)
    done = reband(str(tmp_path / "out"), str(write_verl(tmp_path / "logs", rolled)))
    assert done.moved_share == 1
    assert done.signal == 0
    assert len(done.grade_again) == 2
    assert about(tmp_path / "out")["rollouts"]["grade_again"] == done.grade_again


def test_unknown_verdicts_count_for_nothing(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    [first, *_] = roll(before, "hard", 1, of=1)
    lost = [Logged(first.id, first.prompt, 1, None)] * 20
    strange = [Logged("x", "What is this?", 1, True)] * 3
    done = reband(str(tmp_path / "out"), str(write_verl(tmp_path / "logs", [first, *lost, *strange])))
    assert (done.read, done.unknown, done.unmatched, done.problems) == (24, 20, 3, 1)
    assert done.moves == {}


def test_the_newest_rollouts_count() -> None:
    verdicts = {"a": [(2, True)] * 4 + [(1, False)] * 28 + [(3, True)] * 4}
    [row] = measure_recent(verdicts, 8).to_dicts()
    assert (row["recent_n"], row["recent_correct"], row["last_step"]) == (8, 8, 3)


def test_signal_is_of_groups_of_the_newest_steps() -> None:
    old, alike, mixed = [(1, True), (1, False)], [(2, True), (2, True)], [(3, True), (3, False)]
    assert measure_signal([alike, mixed]) == 0.5
    late = [(step, True) for step in range(10, 10 + STEPS) for _ in range(2)]
    assert measure_signal([old, late]) == 0
    assert measure_signal([[(1, True)]]) is None


def test_a_curriculum_that_a_kill_left_half_is_refused(run: RunFolder, tmp_path: Path) -> None:
    before = export(run, tmp_path / "out")
    (tmp_path / "out" / "train-00001.parquet").write_bytes((tmp_path / "out" / "train-00000.parquet").read_bytes())
    logs = str(write_verl(tmp_path / "logs", roll(before, "hard", 7)))
    with pytest.raises(InputError, match="missing or there twice"):
        reband(str(tmp_path / "out"), logs)
    assert read(tmp_path / "out").equals(before)


def test_bad_input_is_told(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no curriculum is here"):
        reband(str(tmp_path), str(tmp_path))
    export(run, tmp_path / "out")
    logs = str(write_verl(tmp_path / "logs", [Logged("x", "What is this?", 1, True)]))
    with pytest.raises(InputError, match="none of the 1 rollouts"):
        reband(str(tmp_path / "out"), logs)
    with pytest.raises(InputError, match="`curriculum` and `keep` alone"):
        reband(str(tmp_path / "out"), logs, ["sampling.n=4"])


def test_a_kill_while_files_are_replaced_is_made_good(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = write_verl(tmp_path / "logs", roll(export(run, tmp_path / "whole"), "hard", 7))
    export(run, tmp_path / "killed")
    reband(str(tmp_path / "whole"), str(logs))
    rename = RunFolder.rename
    moved: list[str] = []

    def die(self: RunFolder, name: str, new: str) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(new)
        rename(self, name, new)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            reband(str(tmp_path / "killed"), str(logs))
    reband(str(tmp_path / "killed"), str(logs))
    assert read(tmp_path / "killed").equals(read(tmp_path / "whole"))
    assert read_train(tmp_path / "killed") == read_train(tmp_path / "whole")
    assert not (tmp_path / "killed" / ".pending").exists()
