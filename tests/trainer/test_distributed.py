"""Two processes with sharded weights do what one does."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from schemas.config import LoraTraining, TrainConfig
from tests.conftest import ROOT
from tests.trainer.ranks import CONFIG, run
from tests.trainer.tiny import draw_groups, save_tiny
from trainer.distributed import add_up, count_ranks, find_rank, share

pytestmark = pytest.mark.slow

SECONDS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


def run_ranks(folder: str, out: Path, config: TrainConfig, task: str) -> dict[str, object]:
    """What rank 0 found, of two under torchrun; `task` is a dtype to compute in, or `resume`."""
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


def test_two_ranks_go_on_from_what_they_saved(folder: str, tmp_path: Path) -> None:
    found = run_ranks(folder, tmp_path / "found", CONFIG, "resume")
    assert found["files"] == ["learner-0.pt", "learner-1.pt"]
    weights, expected = found["weights"], found["expected"]
    for name, weight in expected.items():  # type: ignore[attr-defined]
        assert torch.equal(weights[name], weight), name  # type: ignore[index]


def test_one_process_needs_nobody() -> None:
    groups = draw_groups(0)
    assert (find_rank(), count_ranks()) == (0, 1)
    assert share(groups) == groups
    assert add_up(torch.ones(2)).tolist() == [1, 1]
