"""The policy with its optimiser, on one process or sharded over several: the first decides what is done, all do it."""

import gc
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from schemas.config import TrainConfig
from schemas.errors import InputError
from trainer import distributed
from trainer.group import Group
from trainer.policy import load_policy, save_policy
from trainer.sharding import load_sharded
from trainer.step import build_optimiser, train_batch

PATIENCE = timedelta(days=1)
"""Other ranks wait for as long as the first one samples."""
FILES = "learner-*.pt"
"""Of a checkpoint, one a rank."""


class Learner:
    """What learns. Its methods are called on rank 0 alone; the other ranks are in `follow` and do the same.

    `start` is a model's folder; with `restored` the float32 weights of that checkpoint are put over it.
    """

    def __init__(self, start: Path, train: TrainConfig, restored: Path | None = None) -> None:
        _tell("open", start, restored)
        self.train = train
        if distributed.count_ranks() == 1:
            self.policy = load_policy(str(start), train, device=distributed.choose_device())
        else:
            self.policy = load_sharded(str(start), train)
        if restored is not None and train.lora is None:
            self.policy.restore(self._read(restored)["masters"])
        self.optimiser = build_optimiser(self.policy, train)
        self.steps = 0

    def learn(self, groups: Sequence[Group]) -> dict[str, float]:
        """Take the optimiser steps of one batch; means of their measures. Raises DivergedError."""
        _tell("learn", groups)
        taken = train_batch(self.policy, self.optimiser, groups, self.train, self.steps)
        self.steps += len(taken)
        rows = [asdict(stats) for stats in taken]
        return {name: fmean(row[name] for row in rows) for name in rows[0] if name != "seconds"}

    def export(self) -> Generator[tuple[str, Tensor], None, None]:
        """All weights by their Hugging Face names, in bfloat16, one at a time, adapters merged.

        The ranks gather together: close it, or read it to its end, before anything else is asked of them.
        """
        return self._gather("export", self.policy.export_weights())

    def export_adapters(self) -> Generator[tuple[str, Tensor], None, None]:
        """As `export`, what the policy's `find_merge` merges."""
        return self._gather("export_adapters", self.policy.export_adapters())

    def export_model(self, folder: Path) -> None:
        """Write the model in Hugging Face form."""
        with closing(self.export()) as weights:
            save_policy(self.policy, folder, weights)

    def save(self, folder: Path) -> None:
        """Write the float32 weights that training changes, and the optimiser: one file a rank."""
        _tell("save", folder)
        masters = self.policy.masters
        state = {
            "ranks": distributed.count_ranks(),
            "steps": self.steps,
            "masters": {name: _local(master.detach()) for name, master in masters.items()},
            "optimiser": {
                name: {key: _local(value) for key, value in self.optimiser.state[master].items()}
                for name, master in masters.items()
            },
        }
        # From a GPU it copies one tensor at a time.
        torch.save(state, _file(folder, distributed.find_rank()))
        distributed.meet()

    def load(self, folder: Path) -> None:
        """Go on from what `save` wrote, by however many processes. Raises InputError where a file is missing."""
        _tell("load", folder)
        state = self._read(folder)
        self.steps = state["steps"]
        self.policy.restore(state["masters"])
        for name, master in self.policy.masters.items():
            # A stage that was saved before its first step has an optimiser without state.
            self.optimiser.state[master] = {
                key: distributed.like(value.clone(), master) if value.dim() else value.clone().to(master.device)
                for key, value in state["optimiser"][name].items()
            }

    def free(self) -> None:
        """Give the GPU back what a step took, on every rank, for an engine that has it next."""
        _tell("free")
        torch.cuda.empty_cache()

    def close(self) -> None:
        """Let go of weights and optimiser, on every rank: what a later stage learns has the memory next."""
        _tell("close")
        del self.policy, self.optimiser
        # A sharded model and its hooks hold one another, and Python looks for such rings only now and then.
        gc.collect()
        torch.cuda.empty_cache()

    def _gather(self, command: str, weights: Iterator[tuple[str, Tensor]]) -> Generator[tuple[str, Tensor], None, None]:
        _tell(command)
        try:
            # Not `yield from`, which would close what is to be read to its end.
            for name, weight in weights:  # noqa: UP028
                yield name, weight
        finally:
            deque(weights, maxlen=0)
            distributed.meet()

    def _read(self, folder: Path) -> dict[str, Any]:
        """This rank's share of a checkpoint, in the form of `save`."""
        files = [_file(folder, rank) for rank in range(len(list(folder.glob(FILES))))]
        if not files or not all(file.is_file() for file in files):
            raise InputError(f"{folder}: it has no {_file(folder, 0).name}; remove that checkpoint, or put it back")
        ranks = distributed.count_ranks()
        whole: dict[str, Any]
        # Mapped, so that it never stands in memory beside what it is copied to, and of the other ranks' files only what
        # is needed is read.
        rank = distributed.find_rank()
        mine = [_file(folder, rank)] if len(files) == ranks else files
        states = [torch.load(file, map_location="cpu", weights_only=True, mmap=True) for file in mine]
        whole = states[0] if len(files) == ranks else _join(states, ranks, rank)
        if whole["ranks"] != len(files):
            raise InputError(
                f"{folder}: {whole['ranks']} processes saved it, and {len(files)} of their files are there; "
                "put the others back, or remove that checkpoint"
            )
        return whole


def join_ranks() -> None:
    """Meet the other processes that torchrun started."""
    device = distributed.choose_device()
    if device.type == "cpu":
        dist.init_process_group("gloo", timeout=PATIENCE)
        return
    # Before anything else touches CUDA, which would take memory of the first GPU for every rank.
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", timeout=PATIENCE, device_id=device)


def follow(train: TrainConfig) -> None:
    """What every rank but the first does: as rank 0 says, until the learner is closed and none is opened."""
    learner: Any = None
    while True:
        name, *rest = distributed.share()
        if name == "open":
            learner = Learner(rest[0], train, rest[1])
        elif name == "end":
            return
        elif name in ("export", "export_adapters"):
            deque(getattr(learner, name)(), maxlen=0)
        else:
            getattr(learner, name)(*rest)


def end_ranks() -> None:
    """Send the other ranks home."""
    _tell("end")


def _tell(*command: Any) -> None:
    if distributed.find_rank() == 0:
        distributed.share(command)


def _file(folder: Path, rank: int) -> Path:
    return folder / FILES.replace("*", str(rank))


def _join(states: Sequence[dict[str, Any]], ranks: int, rank: int) -> dict[str, Any]:
    """What `rank` of `ranks` would have saved, of what others did."""

    def join(parts: Sequence[Tensor]) -> Tensor:
        return distributed.cut(torch.cat(list(parts)), ranks, rank) if parts[0].dim() else parts[0]

    first = states[0]
    return {
        "ranks": first["ranks"],
        "steps": first["steps"],
        "masters": {name: join([state["masters"][name] for state in states]) for name in first["masters"]},
        "optimiser": {
            name: {key: join([state["optimiser"][name][key] for state in states]) for key in own}
            for name, own in first["optimiser"].items()
        },
    }


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
