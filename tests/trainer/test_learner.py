"""What the learner's process does with memory; what it learns is tested by the step, and over several ranks."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from schemas.config import TrainConfig
from tests.conftest import ROOT
from tests.trainer.test_sharding import rank_of
from tests.trainer.tiny import draw_groups, save_tiny
from trainer import distributed
from trainer.learner import Learner, join_ranks

PAGES = """
import resource, torch
from trainer.learner import keep_memory
{first}
def touch():
    return torch.ones(1 << 24)
counts = []
for _ in range(40):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    touch()
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(counts))
"""


def count_new_pages(first: str) -> int:
    """The fewest pages that one of some large tensors touched first, in a process of its own.

    The fewest: a small object in the gap that a tensor left makes the next take a new place, which is then a gap too.
    """
    command = [sys.executable, "-c", PAGES.format(first=first)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_memory_that_was_freed_is_used_again() -> None:
    assert count_new_pages("") > 100 * max(1, count_new_pages("keep_memory()"))


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
