"""Where the learner computes; what it learns is tested by the step, and over several ranks."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from schemas.config import TrainConfig
from tests.trainer.test_sharding import rank_of
from tests.trainer.tiny import draw_groups, save_tiny
from trainer import distributed
from trainer.learner import Learner, join_ranks


def test_a_rank_takes_its_own_gpu_of_its_node_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third rank of the second node, where the calls that need a GPU are written down in their place."""
    calls: list[tuple[str, Any]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: calls.append(("set", device)))
    monkeypatch.setattr(dist, "init_process_group", lambda kind, **given: calls.append((kind, given["device_id"])))
    monkeypatch.setenv("RANK", "10")
    monkeypatch.setenv("LOCAL_RANK", "2")
    join_ranks()
    third = torch.device("cuda", 2)
    assert calls == [("set", third), ("nccl", third)]
    assert distributed.choose_device() == third


@pytest.mark.parametrize("rank", [0, 1])
def test_a_closed_learner_leaves_its_memory_to_the_next_stage(tmp_path: Path, rank: int) -> None:
    """Sharded weights and their hooks hold one another; and ranks that follow keep the learner until the next one."""
    folder = Path(save_tiny(tmp_path))
    gc.disable()
    try:
        with rank_of(rank, 2):
            learner = Learner(folder, TrainConfig(microbatch_tokens=64))
            learner.learn(draw_groups(1, [4, 3]))
            weights = [weakref.ref(master) for master in learner.policy.masters.values()]
            optimiser = weakref.ref(learner.optimiser)
            learner.close()
            assert [kept for kept in (optimiser, *weights) if kept() is not None] == []
    finally:
        gc.enable()


def test_without_a_gpu_it_computes_here() -> None:
    assert distributed.choose_device() == torch.device("cpu")
