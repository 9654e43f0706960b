"""Two processes with sharded weights do what one does."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.config import LoraTraining, TrainConfig
from schemas.errors import InputError
from tests.conftest import ROOT
from tests.trainer.ranks import CONFIG, copy_checkpoint, run
from tests.trainer.tiny import draw_groups, save_tiny
from trainer.distributed import add_up, count_ranks, find_rank, share

pytestmark = pytest.mark.slow

SECONDS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


def run_ranks(folder: str, out: Path, config: TrainConfig, task: str) -> dict[str, object]:
    """What rank 0 found, of two under torchrun; `task` is a dtype to compute in, `resume` or `copy`."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.trainer.ranks", folder, str(out), config.model_dump_json(), task]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(torch.load(out, weights_only=False))


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        CONFIG.model_copy(update={"lora": LoraTraining(rank=4), "gradient_checkpointing": True}),
        CONFIG.model_copy(update={"objective": "gspo", "importance": "sequence_mask", "mask_overlong": True}),
    ],
    ids=["full", "lora", "by-sequence"],
)
def test_two_ranks_have_the_losses_gradients_and_weights_of_one(
    folder: str, tmp_path: Path, config: TrainConfig
) -> None:
    two, one = run_ranks(folder, tmp_path / "found", config, "float32"), run(folder, config, "float32")
    assert two["ranks"] == 2
    for ours, theirs in zip(two["stats"], one["stats"], strict=True):  # type: ignore[call-overload]
        for name in ("loss", "grad_norm", "entropy", "clipped_above", "clipped_below", "k3", "gap"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-4, abs=1e-7), name
        assert (ours.tokens, ours.sequences) == (theirs.tokens, theirs.sequences)
    weights, expected = two["weights"], one["weights"]
    assert weights.keys() == expected.keys()  # type: ignore[attr-defined]
    for name, weight in weights.items():  # type: ignore[attr-defined]
        torch.testing.assert_close(weight, expected[name], atol=2e-2, rtol=2e-2)  # type: ignore[index]
    for name, gradient in two["gradients"].items():  # type: ignore[attr-defined]
        torch.testing.assert_close(gradient, one["gradients"][name], atol=1e-6, rtol=1e-3)  # type: ignore[index]


def test_bfloat16_over_two_ranks_is_near_bfloat16_on_one(folder: str, tmp_path: Path) -> None:
    two, one = run_ranks(folder, tmp_path / "found", CONFIG, "bfloat16"), run(folder, CONFIG, "bfloat16")
    assert one["stats"]
    for ours, theirs in zip(two["stats"], one["stats"], strict=True):  # type: ignore[call-overload]
        assert ours.loss == pytest.approx(theirs.loss, abs=0.02)
        assert ours.grad_norm == pytest.approx(theirs.grad_norm, rel=0.1)


@dataclass(frozen=True)
class Saved:
    """What two ranks saved, and what `resume` found of them."""

    config: TrainConfig
    folder: Path
    found: Mapping[str, Any]


@pytest.fixture(scope="module", params=[None, LoraTraining(rank=3)], ids=["full", "lora"])
def saved(folder: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Saved:
    config, out = CONFIG.model_copy(update={"lora": request.param}), tmp_path_factory.mktemp("saved")
    found = run_ranks(folder, out / "found", config, "resume")
    return Saved(config, out / "saved", found)


def test_two_ranks_go_on_from_what_they_saved(saved: Saved) -> None:
    assert saved.found["files"] == ["learner-0.pt", "learner-1.pt"]
    expected = saved.found["expected"]
    assert len(expected) > 10
    for name, weight in expected.items():
        assert torch.equal(saved.found["weights"][name], weight), name


def test_a_checkpoint_is_read_by_another_number_of_ranks(saved: Saved, folder: str, tmp_path: Path) -> None:
    """Saved by two, read and saved by one, read and saved by two: every weight and moment is as it was."""
    copy_checkpoint(folder, saved.config, saved.folder, tmp_path / "of-one")
    assert [path.name for path in (tmp_path / "of-one").iterdir()] == ["learner-0.pt"]
    run_ranks(folder, tmp_path / "found", saved.config, "copy")
    names = [path.name for path in sorted((tmp_path / "of-two").iterdir())]
    assert names == ["learner-0.pt", "learner-1.pt"]
    for name in names:
        before, after = (torch.load(part / name, weights_only=True) for part in (saved.folder, tmp_path / "of-two"))
        assert (before["ranks"], before["steps"]) == (after["ranks"], after["steps"]) == (2, 2)
        torch.testing.assert_close(after["masters"], before["masters"], rtol=0, atol=0)
        torch.testing.assert_close(after["optimiser"], before["optimiser"], rtol=0, atol=0)


def test_a_checkpoint_without_one_rank_s_file_is_refused(saved: Saved, folder: str, tmp_path: Path) -> None:
    shutil.copytree(saved.folder, tmp_path / "torn")
    (tmp_path / "torn" / "learner-1.pt").unlink()
    with pytest.raises(InputError, match="2 processes saved it, and 1 of their files"):
        copy_checkpoint(folder, saved.config, tmp_path / "torn", tmp_path / "copy")


def test_one_process_needs_nobody() -> None:
    groups = draw_groups(0)
    assert (find_rank(), count_ranks()) == (0, 1)
    assert share(groups) == groups
    assert add_up(torch.ones(2)).tolist() == [1, 1]
